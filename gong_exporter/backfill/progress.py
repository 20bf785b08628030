"""Whom a backfill tells how far it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Protocol


class Progress(Protocol):
    """Is told of every step, from the thread that makes it; must not raise."""

    def fetching(self, days_left: int, days: int) -> None:
        """The days begin to be fetched: so many are left, of so many."""
        ...

    def fetched(self, day: date) -> None:
        """A day is in the work file."""
        ...

    def waiting(self, until: float, why: str) -> None:
        """No call is made until this Unix time."""
        ...

    def going_on(self) -> None:
        """The wait is over."""
        ...

    def writing(self, path: Path, users: int) -> None:
        """A file begins to be written, with the series of so many people."""
        ...

    def wrote(self, users: int) -> None:
        """The series of so many more people are written."""
        ...
