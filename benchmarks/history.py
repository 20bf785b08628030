"""Measures the day history of 10,000 people over 84 days: state, memory, and time.

Run as ``python -m benchmarks.history [PEOPLE]``. Memory is the peak of the whole process beside
its peak before the step.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from gong_exporter.store import StateFile
from tests.support.history_samples import KEY, MONDAY, OLDEST, a_company


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _measured(what: str, log: Callable[[str], object]) -> Iterator[None]:
    before, began = _peak(), time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    log(f"{what:<36} {seconds:6.2f} s   peak +{_peak() - before:5.1f} MiB")


def main(people: int) -> None:
    """Save the days one by one, read what is known, load them all, delete one person."""
    log = structlog.get_logger(wrapper_class=structlog.make_filtering_bound_logger("error"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        state = StateFile(path, log=log, now=time.time)
        with _measured("make and save 84 days", print):
            for record in a_company(people, 84):
                state.history.save(KEY, record, OLDEST)
        print(f"{'state file':<36} {path.stat().st_size / 1e6:6.2f} MB")
        with _measured("read which days are known", print):
            days = state.history.days(KEY)
        with _measured("load everybody's days", print):
            saved = state.history.load([MONDAY - timedelta(days=back) for back in range(84)])
            loaded = saved.people() if saved else None
        if not days or not loaded:
            sys.exit("the state file lost the history")
        with _measured("delete one person", print):
            gone = next(iter(loaded))
            state.history.keep_people(lambda user: user != gone, all_users=True)
        state.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
