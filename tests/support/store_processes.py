"""Other processes at the same state file: they save, call, lock or hold it, until killed.

Run as ``python -m tests.support.store_processes WHAT PATH [NUMBER ...]``.
"""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from gong_exporter.gong.clock import SystemClock
from gong_exporter.gong.errors import QuotaSpent
from gong_exporter.gong.limits import CallLimits, Limiter
from gong_exporter.store import StateFile
from tests.support.history_samples import KEY, MONDAY, a_day
from tests.support.ledgers import SilentObserver
from tests.support.store_samples import a_window, some_knowledge

ROOT = Path(__file__).parents[2]


@contextmanager
def another_process(what: str, path: Path, *numbers: float) -> Iterator[subprocess.Popen[str]]:
    """A process that does ``what``; it is killed in the end, if it has not ended by then."""
    command = [sys.executable, "-m", "tests.support.store_processes", what, str(path)]
    with subprocess.Popen(
        [*command, *map(str, numbers)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def hear(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints; empty when it ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


_LOG: FilteringBoundLogger = structlog.get_logger()
"""Prints to stdout, where the test reads nothing but what it expects."""


def _save(path: Path) -> None:
    """Save states 1, 2, 3 ... for ever, each of three windows of one number."""
    kept = StateFile(path, log=_LOG, now=time.time)
    saved = kept.load(some_knowledge().host).company_state
    first = saved.pages["7d"] + 1 if saved else 1
    for number in itertools.count(first):
        windows = [a_window(name, number, users=200) for name in ("1d", "7d", "28d")]
        kept.save(some_knowledge(number), windows)
        if number == first:
            _say("saving")


def _history(path: Path) -> None:
    """Save day after day for ever, each of 50 people with the same numbers."""
    kept = StateFile(path, log=_LOG, now=time.time)
    for back in itertools.count():
        counts = {str(user): (7, 8, 9, 6) for user in range(50)}
        kept.history.save(KEY, a_day(MONDAY - timedelta(days=back), counts), date.min)
        if back == 0:
            _say("saving")


def _call(path: Path, rate: str, quota: str, calls: str) -> None:
    """Make so many calls of 20 ms; print when each arrived. Then wait to be killed."""
    kept = StateFile(path, log=_LOG, now=time.time)
    limiter = Limiter(
        clock=SystemClock(threading.Event()),
        ledger=kept.ledger,
        limits=CallLimits(float(rate), int(quota)),
        observer=SilentObserver(),
        timeout=30,
    )
    for _ in range(int(calls)):
        try:
            call = limiter.acquire()
        except QuotaSpent:
            _say("quota spent")
            break
        time.sleep(0.01)
        _say(time.time())
        time.sleep(0.01)
        limiter.release(call)
    _say("done")
    kept.close()


def _begin(path: Path) -> None:
    """Start a call, and never end it."""
    kept = StateFile(path, log=_LOG, now=time.time)
    _say(kept.ledger.reserve(time.time(), CallLimits(1, 100), time.time() + 2))
    sys.stdin.read()


def _lock(path: Path) -> None:
    """Take the poller's lock, start a child, and wait."""
    lock = StateFile(path, log=_LOG, now=time.time).poller_lock
    _say(lock.acquire())
    _say(subprocess.Popen(["sleep", "60"]).pid)
    sys.stdin.read()


def _hold(path: Path) -> None:
    """Keep everybody else from the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    _say("held")
    sys.stdin.read()


def _main(what: str, path: str, *numbers: str) -> None:
    jobs: dict[str, Callable[..., None]] = {
        "save": _save,
        "history": _history,
        "call": _call,
        "begin": _begin,
        "lock": _lock,
        "hold": _hold,
    }
    jobs[what](Path(path), *numbers)


if __name__ == "__main__":
    _main(*sys.argv[1:])
