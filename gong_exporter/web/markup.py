"""HTML that cannot be broken out of, and times, durations and counts as text for people.

Text is escaped unless a tag was built from it here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from html import escape
from typing import TypeAlias

from gong_exporter.activity.windows import load_zone


class Html(str):
    """Finished markup. Only this module makes it."""

    __slots__ = ()


Child: TypeAlias = "str | Html | Iterable[str | Html | None] | None"
Attribute: TypeAlias = "str | int | float | bool | None"

_VOID = frozenset({"input", "link", "meta", "wbr"})
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element.

    Text among the children and the values of attributes are escaped. In the names of attributes a
    trailing underscore is dropped and others become hyphens (``class_``, ``aria_sort``); True
    stands for an attribute without a value, None and False leave it out.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{_safe(str(value))}"')
    parts.append(">")
    parts.extend(_flat(children))
    if name not in _VOID:
        parts.append(f"</{name}>")
    return Html("".join(parts))


def join(*children: Child) -> Html:
    """Several elements and texts as one."""
    return Html("".join(_flat(children)))


def lines(text: str) -> Html:
    """Text of several lines from outside; no line can turn the direction of what follows it."""
    return Html("<br>".join(tag("bdi", line) for line in text.splitlines()))


def constant(markup: str) -> Html:
    """Markup that was written by us: never pass it anything from outside."""
    return Html(markup)


def _flat(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            yield child if isinstance(child, Html) else _safe(child)
        else:
            yield from _flat(child)


def _safe(text: str) -> str:
    """Escaped, and control characters made visible: no browser agrees with another on them."""
    return escape(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


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
