"""What the tests of a state file in trouble share: opening it, calling, looking into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gong_exporter.gong.limits import Allowed, Ledger
from gong_exporter.store import StateFile
from tests.support.store_processes import another_process, hear
from tests.support.store_samples import UNLIMITED, Scene


@contextmanager
def opened(path: Path, scene: Scene) -> Iterator[StateFile]:
    with closing(StateFile(path, log=scene.log, now=scene.now)) as kept:
        yield kept


@contextmanager
def kept_by_another(path: Path) -> Iterator[None]:
    """Another process keeps everybody else from the file."""
    with another_process("hold", path) as process:
        assert hear(process) == "held"
        yield
        process.kill()
        process.wait()


def make_a_call(ledger: Ledger, now: float) -> None:
    granted = ledger.reserve(now, UNLIMITED, now + 30)
    assert isinstance(granted, Allowed)
    ledger.finish(granted.call, now + 0.5)


def ledger_rows(path: Path) -> list[tuple[float, float | None]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT started, ended FROM calls ORDER BY started").fetchall()


NO_LOCK = "the lock file cannot be locked; nothing prevents a second poller"
IN_USE_AGAIN = "the state file is in use again"


def not_in_use(why: str) -> str:
    return f"the state file is not in use; its content is kept only in memory: {why}"
