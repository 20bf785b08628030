"""The company's time zone: by name, and whether two of them count the same days."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import DayRange, day_start

_NAME = re.compile(r"[A-Za-z]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,3}")
"""How the names of zones look."""


def load_zone(name: str) -> ZoneInfo | None:
    """A time zone by the name Gong gives it (aliases such as ``US/Pacific`` included)."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # absolute paths, folders, odd characters, unknown
        return None


def same_days(one: ZoneInfo, other: ZoneInfo, days: DayRange) -> bool:
    """Whether a range begins and ends at the same moments in both."""
    return all(day_start(day, one) == day_start(day, other) for day in (days.start, days.end))


def in_words(name: str) -> str:
    """A zone's name for a message; of what looks like none nothing is shown: it may be a secret.

    Whoever answers in Gong's place may repeat there what we sent.
    """
    return repr(name) if _NAME.fullmatch(name) else "which is no name of one"
