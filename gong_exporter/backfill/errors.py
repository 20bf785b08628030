"""What keeps a backfill from being done: as asked, or this time."""

from __future__ import annotations


class BackfillError(Exception):
    """It cannot go on; the message says what happened, and what to do."""


class Refused(BackfillError):
    """It cannot be done as asked: bad usage, told before any day is fetched."""
