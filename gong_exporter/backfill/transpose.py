"""Transposes the fetched days: from all users on one day to all days of one group of users.

It uses a temporary file without a name, which disappears with the process.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from gong_exporter.activity.snapshot import User, Values
from gong_exporter.backfill.fetched_days import FetchedDays, ReadDay

ABSENT = -1
"""Marks a missing value; counts are never negative."""


def transpose(
    groups: Sequence[Sequence[User]],
    *,
    fetched: FetchedDays,
    day_indexes: Sequence[int],
    read: ReadDay,
    folder: Path,
) -> Iterator[array[int]]:
    """Yield the values of each group, ordered by day, by user, and by column.

    Args:
        groups: each fits in memory with all of its days.
        fetched: which user has series on which day.
        day_indexes: of the days, in ``fetched.days``.
        read: reads a day; called once for each.
        folder: for the temporary file.

    Raises:
        OSError: the temporary file cannot be written.
    """
    with TemporaryFile(dir=folder) as spool:
        pieces: list[list[tuple[int, int]]] = [[] for _ in groups]
        for index in day_indexes:
            row = _rows(fetched, index, read)
            for group, offsets in zip(groups, pieces, strict=True):
                cells = array("q")
                for user in group:
                    cells.extend(row(user.user_id))
                body = zlib.compress(cells.tobytes(), 1)
                offsets.append((spool.tell(), len(body)))
                spool.write(body)
        for offsets in pieces:
            cells = array("q")
            for offset, length in offsets:
                spool.seek(offset)
                cells.frombytes(zlib.decompress(spool.read(length)))
            yield cells


def _rows(fetched: FetchedDays, day_index: int, read: ReadDay) -> Callable[[str], Sequence[int]]:
    """From a user to the values of one day, in the order of the columns; ABSENT if missing."""
    windows = {data.window: data for data in read(fetched.days[day_index])}
    parts = []
    for name in fetched.windows:
        metrics = [metric for window, metric in fetched.columns if window == name]
        data = windows.get(name)
        if data is None:
            parts.append(_WindowRows({}, [None] * len(metrics), 0))
        else:
            indexes = {metric: index for index, metric in enumerate(data.metrics)}
            columns = [indexes.get(metric) for metric in metrics]
            parts.append(_WindowRows(data.users, columns, len(indexes)))
    absent = (ABSENT,) * len(fetched.columns)

    def row(user_id: str) -> Sequence[int]:
        if not fetched.has_series(user_id, day_index):
            return absent
        values: list[int] = []
        for part in parts:
            values += part.row(user_id)
        return values

    return row


class _WindowRows:
    """The part of a day's rows that belongs to one window.

    Args:
        users: of the window.
        columns: indexes of the columns in the users' values; None if the window has no such one.
        width: number of values of each user.
    """

    def __init__(
        self, users: Mapping[str, Values], columns: Sequence[int | None], width: int
    ) -> None:
        self._users = users
        self._columns = columns
        self._zeros = [ABSENT if index is None else 0 for index in columns]
        self._all_in_order = list(columns) == list(range(width))

    def row(self, user_id: str) -> Sequence[int]:
        values = self._users.get(user_id)
        if values is None:  # Gong left out a known user
            return self._zeros
        if self._all_in_order and None not in values:
            return values  # type: ignore[return-value]  # there is no None, as just checked
        picked = (None if index is None else values[index] for index in self._columns)
        return [ABSENT if value is None else value for value in picked]
