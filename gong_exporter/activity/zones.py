"""The company's time zone: loaded by name, and compared with another one."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import DayRange, day_start

_NAME = re.compile(r"[A-Za-z]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,3}")
"""What names of time zones look like."""


def load_zone(name: str) -> ZoneInfo | None:
    """The time zone of this name, also an alias such as ``US/Pacific``; None if unknown."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # absolute paths, folders, odd characters, unknown
        return None


def same_days(one: ZoneInfo, other: ZoneInfo, days: DayRange) -> bool:
    """True if a range begins and ends at the same moments in both zones."""
    return all(day_start(day, one) == day_start(day, other) for day in (days.start, days.end))


def describe_zone(name: str) -> str:
    """A zone's name for a message.

    Text that does not look like a name is not shown, because it may be a secret: a server in
    Gong's place may repeat there what it received.
    """
    return repr(name) if _NAME.fullmatch(name) else "(not the name of a time zone)"
