"""Formats instants, durations and counts for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from gong_exporter.activity.zones import load_zone
from gong_exporter.web.html import Html, tag

_UNITS = ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min"), (1, "s", "s"))


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """Formats instants in one time zone, relative to one moment.

    Attributes:
        now: Unix seconds.
        zone: the company's time zone.
    """

    now: float
    zone: tzinfo

    @classmethod
    def of(cls, now: float, zone_name: str | None) -> TimeFormat:
        """For a zone by its IANA name; UTC when the zone is not known."""
        return cls(now, load_zone(zone_name or "") or UTC)

    @property
    def zone_name(self) -> str:
        """The name of the zone."""
        return str(self.zone)

    def at(self, instant: float) -> Html:
        """The time of day, with the date unless it is today, as a ``time`` element."""
        then, today = self._local(instant), self._local(self.now).date()
        text = f"{then:%H:%M}"
        if then.date() != today:
            text = f"{day(then.date(), year=then.year != today.year)}, {text}"
        return tag("time", text, datetime=then.isoformat(timespec="seconds"))

    def ago(self, instant: float) -> str:
        """How long before now, or how long until then."""
        away = instant - self.now
        if abs(away) < 1:
            return "now"
        return f"in {duration(away)}" if away > 0 else f"{duration(-away)} ago"

    def _local(self, instant: float) -> datetime:
        try:
            return datetime.fromtimestamp(instant, self.zone)
        except (ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(0, UTC)


def duration(seconds: float) -> str:
    """A duration in its largest unit, and the next smaller one while that matters."""
    left = round(seconds)
    for index, (size, one, many) in enumerate(_UNITS):
        if left >= size:
            whole, rest = divmod(left, size)
            text = f"{whole} {one if whole == 1 else many}"
            if index + 1 < len(_UNITS) and whole < 10:  # noqa: PLR2004 - "12 h 3 min" would not be clearer
                smaller, name = _UNITS[index + 1][0], _UNITS[index + 1][2]
                if rest >= smaller:
                    text += f" {rest // smaller} {name}"
            return text
    return "0 s"


def day(value: date, *, year: bool = True) -> str:
    """A calendar day."""
    return f"{value:%a} {value.day} {value:%b %Y}" if year else f"{value:%a} {value.day} {value:%b}"


def days(first: date, end: date) -> str:
    """The days from ``first`` up to, not including, ``end``."""
    last = end - timedelta(days=1)
    if last < first:
        return f"no day yet, from {day(first)}"
    if last == first:
        return day(first)
    return f"{day(first, year=first.year != last.year)} \u2013 {day(last)}"


def count(number: int, one: str = "", many: str = "") -> str:
    """A number with thousands separators, and the noun that it counts."""
    noun = one if number == 1 else many or f"{one}s"
    return f"{number:,} {noun}" if one else f"{number:,}"


def clip(text: str, longest: int = 1000) -> str:
    """Text of a bounded length."""
    return text if len(text) <= longest else f"{text[:longest]}\u2026"
