"""Several processes share one file: they keep the limits together, and survive kill -9."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from gong_exporter.gong.limits import Allowed, CallLimits, Wait
from gong_exporter.store import StateFile
from tests.support.store_processes import another_process, hear
from tests.support.store_samples import HOST, Scene, a_window, some_knowledge


def _four_callers(
    stack: ExitStack, path: Path, rate: float, quota: int, calls: int
) -> Callable[[], tuple[list[float], int]]:
    """Starts four processes; the answer waits, and says when their calls arrived, in order, and
    how many processes found the quota spent.
    """
    four = [
        stack.enter_context(another_process("call", path, rate, quota, calls)) for _ in range(4)
    ]

    def arrivals() -> tuple[list[float], int]:
        said = [line for process in four for line in iter(partial(hear, process), "done")]
        times = sorted(float(line) for line in said if line != "quota spent")
        return times, said.count("quota spent")

    return arrivals


def _gaps(times: list[float], places: int) -> list[float]:
    return [later - earlier for earlier, later in zip(times, times[places:], strict=False)]


def test_four_processes_together_keep_the_rate_in_any_sliding_second(tmp_path: Path) -> None:
    with ExitStack() as stack:
        two_a_second = _four_callers(stack, tmp_path / "two.db", 2, 1000, 2)
        four_in_five_seconds = _four_callers(stack, tmp_path / "fraction.db", 0.8, 1000, 1)
        two, _ = two_a_second()
        fraction, _ = four_in_five_seconds()
    assert len(two) == 8
    assert min(_gaps(two, 2)) >= 1
    assert len(fraction) == 4
    assert min(_gaps(fraction, 1)) >= 1.25
    assert max(_gaps(fraction, 1)) < 10  # no process waits for the timeout of another's call, 30 s


def test_four_processes_together_keep_the_quota_of_the_day(tmp_path: Path) -> None:
    with ExitStack() as stack:
        arrived, spent = _four_callers(stack, tmp_path / "state.db", 1000, 10, 5)()
    assert len(arrived) == 10
    assert spent >= 2


def test_a_process_killed_in_a_call_gives_its_slot_back_when_the_call_would_have_timed_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    with another_process("begin", path) as process:
        assert hear(process).startswith("Allowed")
        process.kill()
        process.wait()
    scene = Scene()
    kept = StateFile(path, log=scene.log, now=time.time)
    now = time.time()
    assert isinstance(kept.ledger.reserve(now, CallLimits(1, 100), now + 30), Wait)
    assert isinstance(kept.ledger.reserve(now + 3, CallLimits(1, 100), now + 33), Allowed)
    assert kept.ledger.used(now + 3) == 2
    kept.close()
    assert scene.warnings == []


def test_a_process_killed_while_it_saves_leaves_a_whole_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    chance = random.Random(20_260_202)  # noqa: S311 - moments, not secrets
    scene = Scene()
    numbers = []
    for _ in range(20):
        with another_process("save", path) as process:
            assert hear(process) == "saving"
            time.sleep(chance.random() / 20)
            process.kill()
            process.wait()
        kept = StateFile(path, log=scene.log, now=scene.now)
        saved = kept.load(HOST)
        kept.close()
        assert saved.company_state is not None
        number = saved.company_state.pages["7d"]
        assert saved.company_state == some_knowledge(number)
        assert saved.windows == tuple(
            a_window(name, number, users=200) for name in ("1d", "28d", "7d")
        )
        numbers.append(number)
    assert scene.warnings == []
    assert numbers == sorted(set(numbers))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
