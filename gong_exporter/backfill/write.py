"""From the work file to the output: every series with all of its samples together, in order.

OpenMetrics demands that (promtool forgives, other parsers do not), while the work file holds
day after day. So people are taken in groups, sized so that one group's samples fit a bounded
memory whatever the range, and each group reads the days once.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from gong_exporter.activity.snapshot import WindowData
from gong_exporter.backfill.plan import instants
from gong_exporter.exposition.families import (
    LAST_SUCCESS,
    USER_ACTIVITY,
    USER_INFO,
    WINDOW_END,
    WINDOW_START,
    Family,
    written,
)
from gong_exporter.exposition.render import escape

CELLS = 8_000_000
"""Values held at a time: 64 MB."""

_ABSENT = -1
"""Marks a value that there is none of; counts are never negative."""


class Format(Enum):
    """The form of the output."""

    OPENMETRICS = "openmetrics"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who is in the output, and from when on.

    Attributes:
        since: by user id, the first day on which a live exporter would have known them. With
            ``users: all`` they are known on the days of ``days`` alone.
        emails: the ``email`` label by user id: one for all days, so that a series stays one.
        days: with ``users: all``, the days on which somebody named them; None with a list.
    """

    since: Mapping[str, date]
    emails: Mapping[str, str]
    days: Mapping[str, frozenset[date]] | None

    def known(self, user_id: str, day: date) -> bool:
        """Whether the user had series on that day."""
        if self.days is not None:
            return day in self.days[user_id]
        return day >= self.since[user_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How to write.

    Attributes:
        form: OpenMetrics with seconds, or Prometheus text with milliseconds.
        labels: added to every series, such as job and instance.
        zone: the company's.
        step: seconds between the samples of a day.
        metrics: the ``metric`` values to write; None for all.
    """

    form: Format
    labels: tuple[tuple[str, str], ...]
    zone: ZoneInfo
    step: float
    metrics: tuple[str, ...] | None


Days = Callable[[date], tuple[WindowData, ...]]
"""A day's windows, from the work file."""


def meet_everybody(
    days: Sequence[date], windows: Days, *, everyone: bool, label: Callable[[str], str]
) -> People:
    """Go through the days once to learn who is in them.

    Args:
        days: in order.
        windows: reads a day.
        everyone: ``users: all``.
        label: from an address to the ``email`` label.
    """
    since: dict[str, date] = {}
    emails: dict[str, str] = {}
    named: dict[str, set[date]] = {}
    for day in days:
        for data in windows(day):
            for user_id in data.users:
                since.setdefault(user_id, day)
                named.setdefault(user_id, set()).add(day)
            emails.update(data.emails)
    return People(
        since=since,
        emails={user_id: label(emails.get(user_id, "")) for user_id in since},
        days={user_id: frozenset(on) for user_id, on in named.items()} if everyone else None,
    )


def write(path: Path, days: Sequence[date], windows: Days, people: People, output: Output) -> int:
    """Write one file of the output; it gets its name only when it is complete and on disk.

    Args:
        path: the final name.
        days: the days of this file, in order.
        windows: reads a day.
        people: whom to write.
        output: how.

    Returns:
        The number of samples.

    Raises:
        OSError: it cannot be written; there is nothing under the final name then.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123
            count = _Writer(stream, days, windows, people, output).write()
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return count


class _Writer:
    def __init__(
        self, stream: IO[str], days: Sequence[date], windows: Days, people: People, output: Output
    ) -> None:
        self._stream = stream
        self._read = windows
        self._people = people
        self._output = output
        self._times = {day: instants(day, output.zone, output.step) for day in days}
        # A day that was refused, or that the zone skipped, has nothing to write.
        self._days = [day for day in days if self._times[day] and windows(day)]
        self._stamps = {day: [_stamp(at, output.form) for at in self._times[day]] for day in days}
        self._count = 0

    def write(self) -> int:
        self._ranges()
        self._info()
        self._activity()
        if self._output.form is Format.OPENMETRICS:
            self._stream.write("# EOF\n")
        return self._count

    def _head(self, family: Family) -> None:
        self._stream.write(f"# HELP {family.name} {family.help}\n")
        self._stream.write(f"# TYPE {family.name} {family.kind}\n")

    def _labels(self, **labels: str) -> str:
        pairs = sorted({**dict(self._output.labels), **labels}.items())
        return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in pairs) + "}"

    def _series(self, head: str, values: Iterator[tuple[date, str]]) -> None:
        lines = []
        for day, value in values:
            lines.extend(f"{head} {value} {stamp}\n" for stamp in self._stamps[day])
        self._count += len(lines)
        self._stream.writelines(lines)

    def _ranges(self) -> None:
        """Starts, ends and freshness, as a live exporter would have shown them on each day."""
        rows: dict[str, list[tuple[date, WindowData]]] = {}
        for day in self._days:
            for data in self._read(day):
                # What the people did is not needed here, and a year of it would not fit.
                rows.setdefault(data.window, []).append((day, _without_users(data)))
        if not rows:
            return
        for family, value in _RANGES:
            self._head(family)
            for window, found in rows.items():
                head = family.name + self._labels(window=window)
                self._series(head, ((day, written(value(data))) for day, data in found))

    def _info(self) -> None:
        if not self._people.since:
            return
        self._head(USER_INFO)
        for user_id in sorted(self._people.since):
            labels = self._labels(user=user_id, email=self._people.emails[user_id])
            days = (day for day in self._days if self._people.known(user_id, day))
            self._series(USER_INFO.name + labels, ((day, "1.0") for day in days))

    def _activity(self) -> None:
        columns = self._columns()
        users = sorted(self._people.since)
        if not columns or not users:
            return
        self._head(USER_ACTIVITY)
        size = max(1, CELLS // max(1, len(columns) * len(self._days)))
        for start in range(0, len(users), size):
            self._group(users[start : start + size], columns)

    def _columns(self) -> dict[tuple[str, str], int]:
        """Every (window, metric) of the file, in order, and its place in a person's row."""
        seen: dict[tuple[str, str], int] = {}
        wanted = self._output.metrics
        for day in self._days:
            for data in self._read(day):
                for metric in data.metrics:
                    if wanted is None or metric in wanted:
                        seen.setdefault((data.window, metric), len(seen))
        return seen

    def _group(self, users: Sequence[str], columns: Mapping[tuple[str, str], int]) -> None:
        """Read the days once for some people, and write their series."""
        days = len(self._days)
        cells = {user: array("q", [_ABSENT]) * (len(columns) * days) for user in users}
        for number, day in enumerate(self._days):
            for data in self._read(day):
                zeros = (0,) * len(data.metrics)
                places = [
                    (place, columns[data.window, metric] * days + number)
                    for place, metric in enumerate(data.metrics)
                    if (data.window, metric) in columns
                ]
                for user, row in cells.items():
                    if not self._people.known(user, day):
                        continue
                    values = data.users.get(user, zeros)
                    for place, cell in places:
                        value = values[place]
                        if value is not None:
                            row[cell] = value
        for user, row in cells.items():
            email = self._people.emails[user]
            for (window, metric), column in columns.items():
                head = USER_ACTIVITY.name + self._labels(
                    user=user, email=email, metric=metric, window=window
                )
                values = row[column * days : (column + 1) * days]
                self._series(
                    head,
                    (
                        (day, written(value))
                        for day, value in zip(self._days, values, strict=True)
                        if value != _ABSENT
                    ),
                )


_RANGES: tuple[tuple[Family, Callable[[WindowData], float]], ...] = (
    (WINDOW_START, lambda data: data.start_timestamp),
    (WINDOW_END, lambda data: data.end_timestamp),
    # A live exporter would have had the window just after the day began.
    (LAST_SUCCESS, lambda data: data.end_timestamp),
)


def _without_users(data: WindowData) -> WindowData:
    return WindowData(
        window=data.window,
        start=data.start,
        end=data.end,
        start_timestamp=data.start_timestamp,
        end_timestamp=data.end_timestamp,
        fetched_at=data.fetched_at,
        fingerprint=data.fingerprint,
        metrics=data.metrics,
        users={},
        emails={},
        pages=data.pages,
    )


def _stamp(at: float, form: Format) -> str:
    """Seconds for OpenMetrics, milliseconds for the text format."""
    if form is Format.PROMETHEUS:
        return str(round(at * 1000))
    return str(int(at)) if at == int(at) else f"{at:.3f}"
