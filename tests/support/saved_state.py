"""State files as they would be later, or earlier: what is saved, moved in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gong_exporter.activity.snapshot import WindowData
from gong_exporter.store import StateFile
from tests.support.logs import LogRecorder


@contextmanager
def state_at(path: Path) -> Iterator[StateFile]:
    """The state file of an exporter that does not run."""

    recorder = LogRecorder()
    state = StateFile(path, log=recorder.log, now=time.time)
    try:
        yield state
    finally:
        state.close()
    assert recorder.messages == []


def edit_windows(path: Path, host: str, edit: Callable[[WindowData], WindowData]) -> None:
    """Replace every saved window by what ``edit`` makes of it."""
    with state_at(path) as state:
        saved = state.load(host)
        assert saved.company_state is not None
        assert saved.windows
        state.save(saved.company_state, [edit(data) for data in saved.windows])


def older(seconds: float) -> Callable[[WindowData], WindowData]:
    """As if it had been fetched so much earlier, on the same day."""
    return lambda data: replace(data, fetched_at=data.fetched_at - seconds)


def of_the_day_before(data: WindowData) -> WindowData:
    """As if it had been fetched a day earlier: another range of days."""
    day = 86_400.0
    return replace(
        data,
        start=data.start - timedelta(days=1),
        end=data.end - timedelta(days=1),
        start_timestamp=data.start_timestamp - day,
        end_timestamp=data.end_timestamp - day,
        fetched_at=data.fetched_at - day,
    )
