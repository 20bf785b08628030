"""Writes the output from the work file: all samples of a series together, in order of time.

OpenMetrics requires that order (promtool does not, but other parsers do), and the work file has
one day after the other. So the days are transposed in groups of users. A group fits in bounded
memory, whatever the range.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from gong_exporter.activity.snapshot import User
from gong_exporter.backfill.fetched_days import ABSENT, FetchedDays, ReadDay, WindowOnDay, transpose
from gong_exporter.backfill.output import OutputFile, OutputFormat, TextFormat
from gong_exporter.backfill.plan import BackfillError
from gong_exporter.exposition.family import Family, format_value
from gong_exporter.exposition.names import (
    ACTIVITY_USERS,
    LAST_SUCCESS,
    USER_ACTIVITY,
    USER_INFO,
    WINDOW_END,
    WINDOW_START,
)

CELLS = 4_000_000
"""Values that are held in memory: 32 MB."""

_LINES = 20_000
"""Lines that are held in memory."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """The number of samples and bytes in a file."""

    samples: int
    size: int


def write_file(
    file: OutputFile,
    *,
    fetched: FetchedDays,
    read: ReadDay,
    output_format: OutputFormat,
    before_rename: Callable[[Path], None],
    check_stop: Callable[[], None],
) -> FileSummary | None:
    """Write one file of the output. It gets its name when it is complete and on disk.

    ``before_rename`` is called just before the file gets its name, and ``check_stop`` often; both
    may raise.

    Returns:
        What it contains; None if there is no data for it, and then it is not created.

    Raises:
        BackfillError: it cannot be written; an existing file is not changed.
    """
    within = set(file.days)
    day_indexes = [index for index, day in enumerate(fetched.days) if day in within]
    if not day_indexes:
        return None
    partial = file.path.with_name(f"{file.path.name}.partial")
    try:
        # An existing file may be a link, or readable by others; the new one holds addresses.
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as stream:
            writer = _Writer(stream, day_indexes, fetched, read, output_format)
            writer.write(file.path.parent, check_stop)
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        before_rename(file.path)
        partial.replace(file.path)
    except OSError as error:
        raise BackfillError(f"{file.path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return FileSummary(writer.samples, size)


class _Writer:
    """Writes the lines of one file.

    Attributes:
        samples: written so far.
    """

    def __init__(
        self,
        stream: IO[bytes],
        day_indexes: list[int],
        fetched: FetchedDays,
        read: ReadDay,
        output_format: OutputFormat,
    ) -> None:
        self._stream = stream
        self._day_indexes = day_indexes
        self._fetched = fetched
        self._read = read
        self._format = output_format
        self._timestamps = [output_format.timestamps(fetched.days[i]) for i in day_indexes]
        self.samples = 0

    def write(self, folder: Path, check_stop: Callable[[], None]) -> None:
        self._write_windows()
        self._write_info()
        self._write_activity(folder, check_stop)
        if self._format.text_format is TextFormat.OPENMETRICS:
            self._stream.write(b"# EOF\n")

    def _write_series(self, head: str, values: Iterable[str | None]) -> None:
        """All samples of one series: the value of each day, repeated at each of its times."""
        lines: list[str] = []
        for value, timestamps in zip(values, self._timestamps, strict=True):
            if value is not None:
                lines += [f"{head}{value} {at}\n" for at in timestamps]
            if len(lines) > _LINES:
                self._flush(lines)
        self._flush(lines)

    def _flush(self, lines: list[str]) -> None:
        self.samples += len(lines)
        self._stream.write("".join(lines).encode())
        lines.clear()

    def _write_windows(self) -> None:
        """The families about windows, with the values of a live exporter on each day."""
        known, unknown = self._fetched.known, self._fetched.unknown
        self._write_family(WINDOW_START, {None: lambda _, window: window.start})
        self._write_family(WINDOW_END, {None: lambda _, window: window.end})
        self._write_family(
            ACTIVITY_USERS,
            {
                "active": lambda _, window: window.active,
                "inactive": lambda day_index, window: known[day_index] - window.active,
                "unknown": lambda day_index, _: unknown[day_index],
            },
        )
        # A live exporter would have fetched the window as soon as it had ended.
        self._write_family(LAST_SUCCESS, {None: lambda _, window: window.end})

    def _write_family(
        self, family: Family, values: Mapping[str | None, Callable[[int, WindowOnDay], float]]
    ) -> None:
        """A family with one series for each window and key of ``values``, its label ``state``."""
        self._stream.write(family.head())
        for name, on_days in self._fetched.windows.items():
            for state, value in values.items():
                labels = [("window", name)] + ([("state", state)] if state else [])
                self._write_series(
                    self._format.series(family, labels),
                    (
                        format_value(value(index, on_days[index])) if index in on_days else None
                        for index in self._day_indexes
                    ),
                )

    def _write_info(self) -> None:
        if not self._fetched.users:
            return
        self._stream.write(USER_INFO.head())
        for user_id, user in self._fetched.users.items():
            labels = [("user", user_id), ("email", user.email), *user.labels]
            self._write_series(
                self._format.series(USER_INFO, labels),
                (
                    "1.0" if self._fetched.has_series(user_id, index) else None
                    for index in self._day_indexes
                ),
            )

    def _write_activity(self, folder: Path, check_stop: Callable[[], None]) -> None:
        columns = self._fetched.columns
        users = list(self._fetched.users.values())
        if not columns or not users:
            return
        self._stream.write(USER_ACTIVITY.head())
        size = max(1, CELLS // (len(columns) * len(self._day_indexes)))
        groups = [users[start : start + size] for start in range(0, len(users), size)]
        transposed = transpose(
            groups,
            fetched=self._fetched,
            day_indexes=self._day_indexes,
            read=self._read,
            folder=folder,
        )
        for group, cells in zip(groups, transposed, strict=True):
            for row, user in enumerate(group):
                check_stop()
                # The cells are ordered by day, user and column.
                self._write_user(user, cells, row * len(columns), len(group) * len(columns))

    def _write_user(self, user: User, cells: array[int], first: int, cells_of_day: int) -> None:
        for index, (window, metric) in enumerate(self._fetched.columns, start=first):
            labels = [("user", user.user_id), ("email", user.email)]
            labels += [("metric", metric), ("window", window)]
            self._write_series(
                self._format.series(USER_ACTIVITY, labels),
                map(_format_cell, cells[index::cells_of_day]),
            )


@lru_cache(maxsize=10_000)
def _format_cell(value: int) -> str | None:
    return None if value == ABSENT else format_value(value)
