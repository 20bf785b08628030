"""Where the output goes and what is added to its series: file names and labels, checked."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gong_exporter.backfill.errors import Refused
from gong_exporter.exposition.names import ACTIVITY_USERS, USER_ACTIVITY, USER_INFO

_FIELD = re.compile(r"%(.?)", re.DOTALL)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the output.

    Attributes:
        path: its name once it is complete.
        days: in order.
    """

    path: Path
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """``--output``: a path whose name may hold ``%Y``, ``%m`` and ``%d``, ``%%`` being a ``%``.

    With ``%Y-%m`` there is one file a month, named after the days of publication in it.
    """

    path: Path

    def check(self) -> None:
        """Refuse a name that cannot be one. Raises: Refused."""
        name = self.path.name
        if not name:
            raise Refused(f"--output={self.path} names no file")
        for field in _FIELD.findall(name):
            if field not in {"Y", "m", "d", "%"}:
                raise Refused(
                    f"--output: %{field} is not known; %Y, %m and %d are the year, month and day,"
                    " and %% is a %"
                )
        if "%" in str(self.path.parent):
            raise Refused("--output: % may only be in the file's name, not in its folder's")
        try:
            taken, place = _is_folder(self.path), _is_folder(self.path.parent)
        except OSError as error:  # a name that is too long, a folder that may not be entered
            raise Refused(f"--output={self.path}: {error.strerror}") from error
        if taken:
            raise Refused(f"--output={self.path} is a folder: name a file in it")
        if not place:
            raise Refused(f"--output: there is no folder {self.path.parent}")

    def name(self, day: date) -> Path:
        """The file that a day is written to."""
        values = {"Y": f"{day.year:04d}", "m": f"{day.month:02d}", "d": f"{day.day:02d}", "%": "%"}
        return self.path.with_name(_FIELD.sub(lambda field: values[field[1]], self.path.name))

    def files(self, days: Sequence[date]) -> tuple[File, ...]:
        """The files for these days, in order. Raises: Refused, when two months share one."""
        found: dict[Path, list[date]] = {}
        latest: Path | None = None
        for day in days:
            path = self.name(day)
            if path != latest and path in found:
                raise Refused(
                    f"--output: {path.name} would hold {found[path][-1]} and {day} without the days"
                    " in between; put the year (%Y) and whatever else differs into the name"
                )
            found.setdefault(path, []).append(day)
            latest = path
        return tuple(File(path, tuple(days)) for path, days in found.items())

    @property
    def work_file(self) -> Path:
        """The work file beside the output, under its name with the fields as they are written."""
        return self.path.with_name(f"{self.path.name}.work")


def _is_folder(path: Path) -> bool:
    """Whether there is such a folder. Raises: OSError, when that cannot be known."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def parse_labels(texts: Iterable[str], columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The ``--label`` options as pairs.

    Args:
        texts: ``NAME=VALUE`` each.
        columns: the roster's, which are labels already.

    Raises:
        Refused: one is no label, or one of our own, or there twice.
    """
    taken = {*USER_ACTIVITY.labels, *USER_INFO.labels, *ACTIVITY_USERS.labels, *columns}
    labels: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise Refused(f"--label={text} is not NAME=VALUE")
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise Refused(
                f"--label={text}: {name!r} cannot be a label: letters, digits and _, no digit"
                " first, no __"
            )
        if name in taken:
            raise Refused(f"--label={text}: {name} is a label of the exporter's own series")
        if name in labels:
            raise Refused(f"--label={text}: {name} is given twice")
        labels[name] = value
    return tuple(labels.items())
