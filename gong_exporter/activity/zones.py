"""The company's time zone: by name, and whether two of them count the same days."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import DayRange, day_start


def load_zone(name: str) -> ZoneInfo | None:
    """A time zone by the name Gong gives it (aliases such as ``US/Pacific`` included)."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # absolute paths, folders, odd characters, unknown
        return None


def same_days(one: ZoneInfo, other: ZoneInfo, days: DayRange) -> bool:
    """Whether a range begins and ends at the same moments in both."""
    return all(day_start(day, one) == day_start(day, other) for day in (days.start, days.end))
