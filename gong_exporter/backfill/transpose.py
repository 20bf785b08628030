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
    parts: list[tuple[Mapping[str, Values], list[int | None]]] = []
    for name in fetched.windows:
        data = windows.get(name)
        indexes = {metric: index for index, metric in enumerate(data.metrics if data else ())}
        columns = [indexes.get(metric) for window, metric in fetched.columns if window == name]
        parts.append((data.users if data else {}, columns))
    absent = (ABSENT,) * len(fetched.columns)

    def row(user_id: str) -> Sequence[int]:
        if not fetched.has_series(user_id, day_index):
            return absent
        row: list[int] = []
        for users, columns in parts:
            values = users.get(user_id)
            for index in columns:
                # Gong left out a known user without activity, so the value is 0.
                value = None if index is None else 0 if values is None else values[index]
                row.append(ABSENT if value is None else value)
        return row

    return row
