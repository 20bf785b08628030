"""The output: names of its files, the labels that are added, and how its lines look."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.backfill.plan import InvalidRequest, sample_times
from gong_exporter.exposition.family import Family, escape
from gong_exporter.exposition.names import ACTIVITY_USERS, USER_ACTIVITY, USER_INFO

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
        name = self.path.name
        if str(self.path) == "-":
            raise InvalidRequest("--output=-: a backfill writes files only, not to stdout")
        if not name:
            raise InvalidRequest(f"--output={self.path} names no file")
        for field in _FIELD.findall(name):
            if field not in {"Y", "m", "d", "%"}:
                raise InvalidRequest(
                    f"--output: %{field} is not known; %Y, %m and %d are the year, month and day,"
                    " and %% is a %"
                )
        if "%" in str(self.path.parent):
            raise InvalidRequest("--output: % may only be in the file's name, not in its folder's")
        try:
            is_folder, has_folder = _is_folder(self.path), _is_folder(self.path.parent)
        except OSError as error:  # a name that is too long, a folder without permission
            raise InvalidRequest(f"--output={self.path}: {error.strerror}") from error
        if is_folder:
            raise InvalidRequest(f"--output={self.path} is a folder: name a file in it")
        if not has_folder:
            raise InvalidRequest(f"--output: there is no folder {self.path.parent}")

    def files(self, days: Sequence[date]) -> tuple[OutputFile, ...]:
        """The files for these days, in order. Raises: InvalidRequest, if two months share one."""
        files: dict[Path, list[date]] = {}
        latest: Path | None = None
        for day in days:
            path = self._file_of(day)
            if path != latest and path in files:
                raise InvalidRequest(
                    f"--output: {path.name} would hold {files[path][-1]} and {day} without the days"
                    " in between; put the year (%Y) and whatever else differs into the name"
                )
            files.setdefault(path, []).append(day)
            latest = path
        return tuple(OutputFile(path, tuple(days)) for path, days in files.items())

    @property
    def work_file(self) -> Path:
        """The work file, in the same folder; its name keeps the fields as they are written."""
        return self.path.with_name(f"{self.path.name}.work")

    def _file_of(self, day: date) -> Path:
        values = {"Y": f"{day.year:04d}", "m": f"{day.month:02d}", "d": f"{day.day:02d}", "%": "%"}
        return self.path.with_name(_FIELD.sub(lambda field: values[field[1]], self.path.name))


def _is_folder(path: Path) -> bool:
    """True if the folder exists. Raises: OSError, if that cannot be determined."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


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
