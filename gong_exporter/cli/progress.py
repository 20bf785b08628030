"""Shows how far a backfill is: a bar with rate and time left on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text
from structlog.typing import FilteringBoundLogger

from gong_exporter.backfill.progress import Progress

PATIENCE = 10.0
"""Seconds between two lines."""

MINUTE = 60.0

_SETTLED = 1.5
"""Seconds before which a rate says nothing: the first calls need not wait for the limiter."""


class Display(Progress, Protocol):
    """Progress that is shown somewhere, and oddities beside it."""

    def warn(self, message: str, request_id: str | None) -> None:
        """Something odd that does not end the work."""
        ...


def moment(at: float) -> str:
    """A Unix time as people read it, on this machine's clock."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


class Lines:
    """Log lines: one at most every PATIENCE seconds, and one for each wait and file.

    Args:
        log: is told.
        monotonic: seconds, for rate and time left.
    """

    def __init__(
        self, log: FilteringBoundLogger, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._monotonic = monotonic
        self._began = self._told = monotonic()
        self._left = self._all = self._done = 0
        self._until = 0.0

    def fetching(self, days_left: int, days: int) -> None:
        """See Progress."""
        self._left, self._all, self._done = days_left, days, 0
        self._began = self._told = self._monotonic()
        self._log.info("fetching", days_left=days_left, days=days)

    def fetched(self, day: date) -> None:
        """See Progress."""
        self._left -= 1
        self._done += 1
        now = self._monotonic()
        if self._left and now - self._told < PATIENCE:
            return
        self._told = now
        rate = self._done / max(now - self._began, 0.001)
        self._log.info(
            "fetched",
            day=str(day),
            days_left=self._left,
            days_per_minute=round(rate * MINUTE, 1),
            seconds_left=round(self._left / rate),
        )

    def waiting(self, until: float, why: str) -> None:
        """See Progress."""
        if until != self._until:  # a wait for other processes' calls is told once
            self._log.info("waiting", until=moment(until), why=why)
        self._until = until

    def going_on(self) -> None:
        """See Progress."""
        self._log.info("going on")

    def writing(self, path: Path, users: int) -> None:
        """See Progress."""
        self._log.info("writing", file=str(path), users=users)

    def wrote(self, users: int) -> None:
        """See Progress."""

    def warn(self, message: str, request_id: str | None) -> None:
        """See Display."""
        self._log.warning(message, request_id=request_id)


class _Rate(ProgressColumn):
    """Days a minute."""

    def render(self, task: Task) -> Text:
        """See rich's ProgressColumn."""
        speed = task.finished_speed or task.speed
        if not speed or (task.elapsed or 0.0) < _SETTLED:
            return Text("")
        return Text(f"{speed * MINUTE:.0f} {task.fields['unit']}/min")


class Bar:
    """A bar on a terminal, from the first day or file on.

    Args:
        bars: rich's, not started: before there is a bar, questions can be asked.
    """

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._saying = ""

    def fetching(self, days_left: int, days: int) -> None:
        """See Progress."""
        if days_left:
            self._begin("fetching", "days", days, days - days_left)

    def fetched(self, day: date) -> None:
        """See Progress."""
        self._advance(1, f"fetched {day}")

    def waiting(self, until: float, why: str) -> None:
        """See Progress."""
        if self._task is None:
            self._bars.console.print(f"waiting until {moment(until)}: {why}", markup=False)
            return
        self._bars.update(self._task, description=f"waiting until {moment(until)}: {why}")
        self._bars.refresh()

    def going_on(self) -> None:
        """See Progress."""
        if self._task is not None:
            self._bars.update(self._task, description=self._saying)

    def writing(self, path: Path, users: int) -> None:
        """See Progress."""
        self._begin(f"writing {path.name}", "users", users, 0)

    def wrote(self, users: int) -> None:
        """See Progress."""
        self._advance(users, self._saying)

    def warn(self, message: str, request_id: str | None) -> None:
        """See Display."""
        request = f" (requestId {request_id})" if request_id else ""
        self._bars.console.print(f"warning: {message}{request}", markup=False)

    def _begin(self, what: str, unit: str, total: int, completed: int) -> None:
        if self._task is None:
            self._bars.start()
        else:
            self._bars.remove_task(self._task)
        self._saying = what
        self._task = self._bars.add_task(what, total=total, completed=completed, unit=unit)

    def _advance(self, number: int, saying: str) -> None:
        self._saying = saying
        if self._task is not None:
            self._bars.update(self._task, advance=number, description=saying)


@contextmanager
def shown(log: FilteringBoundLogger, console: Console) -> Iterator[Display]:
    """A bar while the block runs, or lines where the console is no terminal."""
    if not console.is_terminal:
        yield Lines(log)
        return
    bars = RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    )
    try:
        yield Bar(bars)
    finally:
        bars.stop()
