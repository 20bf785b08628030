"""The days of a backfill, the times of their samples, its files, and how their lines look."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import day_start
from gong_exporter.exposition.family import Family, escape
from gong_exporter.exposition.names import ACTIVITY_USERS, USER_ACTIVITY, USER_INFO


class BackfillError(Exception):
    """The backfill cannot continue; the message says what happened and what to do."""


class InvalidRequest(BackfillError):
    """The backfill cannot be done as requested: bad usage, found before any day is fetched."""


DAY = 86_400

SHORTEST_STEP = 60


@dataclass(frozen=True, slots=True)
class PublicationDays:
    """The days of a backfill. On day D, the windows that end when D begins are published.

    Attributes:
        first: ``--from``.
        last: ``--to``, included.
    """

    first: date
    last: date

    def dates(self) -> tuple[date, ...]:
        """Every day in order."""
        length = (self.last - self.first).days + 1
        return tuple(self.first + timedelta(days=n) for n in range(length))

    def check(self) -> None:
        """Check what does not depend on today's date. Raises: InvalidRequest."""
        if self.first > self.last:
            raise InvalidRequest(
                f"--from={self.first} is after --to={self.last}: the range is the wrong way round"
            )

    def check_begun(self, today: date, zone: ZoneInfo) -> None:
        """Check that the last day has begun. Raises: InvalidRequest.

        Args:
            today: the company's current day. Its windows ended when it began, so it is allowed.
            zone: the company's.
        """
        if self.last > today:
            raise InvalidRequest(
                f"--to={self.last} has not begun: in {zone.key}, the company's time zone, today is"
                f" {today}, which is the last day that can be asked for"
            )


def begins(day: date, zone: ZoneInfo) -> int:
    """Unix time at which a company day begins; UTC offsets are whole seconds."""
    return int(day_start(day, zone))


def check_step(step: float) -> int:
    """The step in whole seconds. Raises: InvalidRequest, if it does not divide a day."""
    if not SHORTEST_STEP <= step <= DAY or DAY % step:
        raise InvalidRequest(
            "--step must be from 1m to 1d, and divide a day: 1m, 5m, 15m, 1h, 6h, 1d ..."
        )
    return int(step)


def sample_times(day: date, zone: ZoneInfo, step: int, now: float) -> range:
    """Unix times of one day's samples: when the day begins, then every ``step`` seconds.

    A day ends when the next one begins, so a day of 23 or 25 hours has fewer or more samples. With
    a step of a day, each day has one.

    Args:
        day: the company day.
        zone: the company's.
        step: seconds.
        now: Unix seconds; there are no samples after it.
    """
    begin, end = begins(day, zone), begins(day + timedelta(days=1), zone)
    if step == DAY:
        end = min(end, begin + 1)
    return range(begin, min(end, math.floor(now) + 1), step)


_FIELD = re.compile(r"%(.?)", re.DOTALL)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file of the output.

    Attributes:
        path: its final name.
        days: in order.
    """

    path: Path
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class OutputPath:
    """``--output``: a path whose name may contain ``%Y``, ``%m`` and ``%d``; ``%%`` is a ``%``.

    With ``%Y-%m``, there is one file for each month of publication.
    """

    path: Path

    def check(self) -> None:
        """Check the name and its folder. Raises: InvalidRequest."""
        for field in _FIELD.findall(self.path.name):
            if field not in {"Y", "m", "d", "%"}:
                raise InvalidRequest(
                    f"--output: %{field} is not known; %Y, %m and %d are the year, month and day,"
                    " and %% is a %"
                )
        with suppress(OSError):  # a folder without permission
            if self.path.parent.is_dir():
                return
        raise InvalidRequest(f"--output: there is no folder {self.path.parent}")

    def files(self, days: Sequence[date]) -> tuple[OutputFile, ...]:
        """The files for these days, in order."""
        files: dict[Path, list[date]] = {}
        for day in days:
            files.setdefault(self._file_of(day), []).append(day)
        return tuple(OutputFile(path, tuple(days)) for path, days in files.items())

    @property
    def work_file(self) -> Path:
        """The work file, in the same folder; its name keeps the fields as they are written."""
        return self.path.with_name(f"{self.path.name}.work")

    def _file_of(self, day: date) -> Path:
        values = {"Y": f"{day.year:04d}", "m": f"{day.month:02d}", "d": f"{day.day:02d}", "%": "%"}
        return self.path.with_name(_FIELD.sub(lambda field: values[field[1]], self.path.name))


def parse_labels(texts: Iterable[str], columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The ``--label`` options as pairs.

    Args:
        texts: ``NAME=VALUE`` each.
        columns: the roster columns, which are labels already.

    Raises:
        InvalidRequest: the name is not a label name, is one of our own, or is repeated.
    """
    taken = {*USER_ACTIVITY.labels, *USER_INFO.labels, *ACTIVITY_USERS.labels, *columns}
    labels: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InvalidRequest(f"--label={text} is not NAME=VALUE")
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise InvalidRequest(
                f"--label={text}: {name!r} cannot be a label: letters, digits and _, no digit"
                " first, no __"
            )
        if name in taken:
            raise InvalidRequest(f"--label={text}: {name} is a label of the exporter's own series")
        if name in labels:
            raise InvalidRequest(f"--label={text}: {name} is given twice")
        labels[name] = value
    return tuple(labels.items())


class TextFormat(Enum):
    """The text format of the output."""

    OPENMETRICS = "openmetrics"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """How series and timestamps look in a file.

    Attributes:
        text_format: OpenMetrics has timestamps in seconds, Prometheus text in milliseconds.
        labels: added to every series, such as job and instance.
        zone: the company's.
        step: seconds between the samples of a day.
        now: Unix seconds; no later sample is written.
    """

    text_format: TextFormat
    labels: tuple[tuple[str, str], ...]
    zone: ZoneInfo
    step: int
    now: float

    def timestamps(self, day: date) -> range:
        """The timestamps of a day's samples, in the unit of the text format."""
        scale = 1 if self.text_format is TextFormat.OPENMETRICS else 1000
        at = sample_times(day, self.zone, self.step, self.now)
        return range(at.start * scale, at.stop * scale, at.step * scale)

    def series(self, family: Family, labels: Iterable[tuple[str, str]]) -> str:
        """A line up to the value: the name, and the labels sorted by name."""
        pairs = sorted([*self.labels, *labels])
        text = ",".join(f'{name}="{escape(value).decode()}"' for name, value in pairs)
        return f"{family.name}{{{text}}} "
