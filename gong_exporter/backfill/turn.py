"""Turns the days round: from day after day with everybody, to group after group with all days.

Goes by way of a temporary file, which has no name and so is gone with the process.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from gong_exporter.activity.snapshot import User, Values
from gong_exporter.backfill.survey import ReadDay, Survey

ABSENT = -1
"""Marks a value that there is none of; counts are never negative."""


def turn_round(
    groups: Sequence[Sequence[User]],
    *,
    survey: Survey,
    places: Sequence[int],
    read: ReadDay,
    folder: Path,
) -> Iterator[array[int]]:
    """Each group's values, one group at a time: by day, by user, by column of the survey.

    Args:
        groups: of which each fits in memory with all of its days.
        survey: who is there on which day.
        places: of the days, in ``survey.days``.
        read: reads a day; each is read once.
        folder: for the temporary file.

    Raises:
        OSError: that cannot be written.
    """
    with TemporaryFile(dir=folder) as spool:
        pieces: list[list[tuple[int, int]]] = [[] for _ in groups]
        for place in places:
            row = _rows(survey, place, read)
            for group, found in zip(groups, pieces, strict=True):
                cells = array("q")
                for user in group:
                    cells.extend(row(user.user_id))
                body = zlib.compress(cells.tobytes(), 1)
                found.append((spool.tell(), len(body)))
                spool.write(body)
        for found in pieces:
            cells = array("q")
            for offset, length in found:
                spool.seek(offset)
                cells.frombytes(zlib.decompress(spool.read(length)))
            yield cells


def _rows(survey: Survey, place: int, read: ReadDay) -> Callable[[str], Sequence[int]]:
    """One day's values by user, in the order of the columns; ABSENT where there is no series."""
    data = {window.window: window for window in read(survey.days[place])}
    parts = []
    for name in survey.reaches:
        metrics = [metric for window, metric in survey.columns if window == name]
        window = data.get(name)
        if window is None:
            parts.append(_Part({}, [None] * len(metrics), 0))
        else:
            seats = {metric: seat for seat, metric in enumerate(window.metrics)}
            parts.append(_Part(window.users, [seats.get(m) for m in metrics], len(seats)))
    absent = (ABSENT,) * len(survey.columns)

    def row(user_id: str) -> Sequence[int]:
        if not survey.on[user_id] >> place & 1:
            return absent
        values: list[int] = []
        for part in parts:
            values += part.of(user_id)
        return values

    return row


class _Part:
    """One window's share of a day's rows.

    Args:
        users: the window's.
        seats: of each column in their values; None where the window does not have it.
        width: of their values.
    """

    def __init__(
        self, users: Mapping[str, Values], seats: Sequence[int | None], width: int
    ) -> None:
        self._users = users
        self._seats = seats
        self._zeros = [ABSENT if seat is None else 0 for seat in seats]
        self._straight = list(seats) == list(range(width))

    def of(self, user_id: str) -> Sequence[int]:
        values = self._users.get(user_id)
        if values is None:  # Gong left out a known user
            return self._zeros
        if self._straight and None not in values:
            return values  # type: ignore[return-value]  # as just looked for
        picked = (None if seat is None else values[seat] for seat in self._seats)
        return [ABSENT if value is None else value for value in picked]
