"""From the work file to the output: every series with all of its samples together, in order.

OpenMetrics demands that (promtool forgives, other parsers do not), while the work file holds
day after day. So the days are turned round, for groups of people of which each fits a bounded
memory, whatever the range.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gong_exporter.activity.snapshot import User
from gong_exporter.backfill.errors import BackfillError
from gong_exporter.backfill.outputs import File
from gong_exporter.backfill.style import Format, Style
from gong_exporter.backfill.survey import Reach, ReadDay, Survey
from gong_exporter.backfill.turn import ABSENT, turn_round
from gong_exporter.exposition.names import (
    ACTIVITY_USERS,
    LAST_SUCCESS,
    USER_ACTIVITY,
    USER_INFO,
    WINDOW_END,
    WINDOW_START,
    Family,
    format_value,
)

CELLS = 4_000_000
"""Values held at a time: 32 MB."""

_LINES = 20_000
"""Lines held at a time."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: samples, and bytes."""

    samples: int
    size: int


def write_file(
    file: File,
    *,
    survey: Survey,
    read: ReadDay,
    style: Style,
    named: Callable[[Path], None],
    wrote: Callable[[int], None],
) -> Written | None:
    """Write one file of the output; it gets its name only when it is complete and on disk.

    Args:
        file: its name and days.
        survey: of all files' days.
        read: reads a day.
        style: how.
        named: is called just before the file gets its name.
        wrote: is told how many more people are written; may raise to stop.

    Returns:
        What it holds; None when there is nothing for it, and then there is no file.

    Raises:
        BackfillError: it cannot be written; nothing is under the final name that was not before.
    """
    within = set(file.days)
    places = [place for place, day in enumerate(survey.days) if day in within]
    if not places:
        return None
    partial = file.path.with_name(f"{file.path.name}.partial")
    try:
        # What was left there, or laid there, may be a link or open to others: it holds addresses.
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as stream:
            writer = _Writer(stream, places, survey, read, style)
            writer.write(file.path.parent, wrote)
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        named(file.path)
        partial.replace(file.path)
        _flush_folder(file.path.parent)
    except OSError as error:
        raise BackfillError(f"{file.path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return Written(writer.samples, size)


def _flush_folder(folder: Path) -> None:
    """A name is on disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Writer:
    """One file's lines.

    Attributes:
        samples: written so far.
    """

    def __init__(
        self, stream: IO[bytes], places: list[int], survey: Survey, read: ReadDay, style: Style
    ) -> None:
        self._stream = stream
        self._places = places
        self._survey = survey
        self._read = read
        self._style = style
        self._times = [style.times(survey.days[place]) for place in places]
        self.samples = 0

    def write(self, folder: Path, wrote: Callable[[int], None]) -> None:
        self._ranges()
        self._info()
        self._activity(folder, wrote)
        if self._style.form is Format.OPENMETRICS:
            self._stream.write(b"# EOF\n")

    def _series(self, head: str, values: Iterable[str | None]) -> None:
        """All samples of one series: the value of each day, repeated at each of its times."""
        lines: list[str] = []
        for value, times in zip(values, self._times, strict=True):
            if value is not None:
                lines += [f"{head}{value} {at}\n" for at in times]
            if len(lines) > _LINES:
                self._flush(lines)
        self._flush(lines)

    def _flush(self, lines: list[str]) -> None:
        self.samples += len(lines)
        self._stream.write("".join(lines).encode())
        lines.clear()

    def _ranges(self) -> None:
        """Starts, ends and freshness, as a live exporter would have shown them on each day."""
        by_place = {
            window: {reach.day: reach for reach in reaches}
            for window, reaches in self._survey.reaches.items()
        }
        for family, labels, number in self._figures():
            self._stream.write(family.head())
            for window, reaches in by_place.items():
                for extra, value in zip(labels, number, strict=True):
                    head = self._style.series(family, [("window", window), *extra])
                    found = (reaches.get(place) for place in self._places)
                    self._series(
                        head, [format_value(value(reach)) if reach else None for reach in found]
                    )

    def _figures(self) -> Iterator[_Figure]:
        survey = self._survey
        yield WINDOW_START, [()], [lambda reach: reach.start]
        yield WINDOW_END, [()], [lambda reach: reach.end]
        yield (
            ACTIVITY_USERS,
            [(("state", state),) for state in ("active", "inactive", "unknown")],
            [
                lambda reach: reach.active,
                lambda reach: survey.known[reach.day] - reach.active,
                lambda reach: survey.unknown[reach.day],
            ],
        )
        # A live exporter would have had the window as soon as it was over.
        yield LAST_SUCCESS, [()], [lambda reach: reach.end]

    def _info(self) -> None:
        if not self._survey.users:
            return
        self._stream.write(USER_INFO.head())
        for user_id, user in self._survey.users.items():
            labels = [("user", user_id), ("email", user.email), *user.labels]
            bits = self._survey.on[user_id]
            self._series(
                self._style.series(USER_INFO, labels),
                ["1.0" if bits >> place & 1 else None for place in self._places],
            )

    def _activity(self, folder: Path, wrote: Callable[[int], None]) -> None:
        columns = self._survey.columns
        users = list(self._survey.users.values())
        if not columns or not users:
            return
        self._stream.write(USER_ACTIVITY.head())
        size = max(1, CELLS // (len(columns) * len(self._places)))
        groups = [users[start : start + size] for start in range(0, len(users), size)]
        turned = turn_round(
            groups, survey=self._survey, places=self._places, read=self._read, folder=folder
        )
        for group, cells in zip(groups, turned, strict=True):
            self._group(group, cells)
            wrote(len(group))

    def _group(self, users: Sequence[User], cells: array[int]) -> None:
        """Write the series of some people, from their values day by day."""
        columns = self._survey.columns
        texts = _Texts()
        for row, user in enumerate(users):
            who = (("user", user.user_id), ("email", user.email))
            for column, (window, metric) in enumerate(columns):
                values = cells[row * len(columns) + column :: len(users) * len(columns)]
                labels = [*who, ("metric", metric), ("window", window)]
                self._series(
                    self._style.series(USER_ACTIVITY, labels), [texts[value] for value in values]
                )


_Figure = tuple[Family, Sequence[tuple[tuple[str, str], ...]], Sequence[Callable[[Reach], float]]]
"""A family of windows: the labels of its series beside ``window``, and the value of each."""


class _Texts(dict[int, str | None]):
    """Values as they are written, each worked out once."""

    def __missing__(self, value: int) -> str | None:
        text = None if value == ABSENT else format_value(value)
        self[value] = text
        return text
