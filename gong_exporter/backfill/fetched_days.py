"""The fetched days: an index of users, days and columns, and all days of one group of users."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryFile

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import User, Values, WindowData
from gong_exporter.activity.users import Selection, UserLabels, resolve_emails

ReadDay = Callable[[date], tuple[WindowData, ...]]
"""Reads the windows of a day from the work file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOnDay:
    """A window on one day of publication.

    Attributes:
        start: Unix seconds at which the window begins.
        end: Unix seconds at which it ends, and the day begins.
        active: number of users that Gong returned.
    """

    start: float
    end: float
    active: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedDays:
    """What the fetched days contain.

    Attributes:
        days: those with any window, in order.
        users: every user with series on any of them, by id.
        user_days: by user id, the days with series, as bits of their indexes.
        columns: (window, metric) of every series that a user can have, in order.
        windows: by window name, the window on each day, by the day's index.
        known: on each day, the number of users with series.
        unknown: on each day, the number of listed users that Gong had not named by then.
    """

    days: tuple[date, ...]
    users: Mapping[str, User]
    user_days: Mapping[str, int]
    columns: tuple[tuple[str, str], ...]
    windows: Mapping[str, Mapping[int, WindowOnDay]]
    known: tuple[int, ...]
    unknown: tuple[int, ...]

    def has_series(self, user_id: str, day_index: int) -> bool:
        """True if the user has series on this day."""
        return bool(self.user_days[user_id] >> day_index & 1)


def index_fetched_days(
    days: Sequence[date],
    read: ReadDay,
    *,
    selection: Selection,
    company_state: CompanyState,
    latest: Iterable[WindowData],
    windows: Sequence[str],
    metrics: tuple[str, ...] | None,
    user_labels: UserLabels,
) -> FetchedDays:
    """Read every day once.

    Known users of a day are the same as for a live exporter. With ``users: all``, they are those
    in any window of the day. With a list, they are the listed users in any window of this day or
    of an earlier day of the range. A user has the same ``email`` label on all days: the latest
    known address, because it joins the series with those of the live exporter.

    ``latest`` are windows that the live exporter fetched: their addresses may be newer.
    """
    user_days: dict[str, int] = {}
    window_metrics: dict[str, dict[str, None]] = {name: {} for name in windows}
    windows_on_days: dict[str, dict[int, WindowOnDay]] = {name: {} for name in windows}
    addresses: dict[str, tuple[float, str]] = {}
    for data in latest:
        _note_addresses(addresses, data)
    days_with_data: list[date] = []
    known: list[int] = []
    for day in days:
        fetched = read(day)
        if not fetched:
            continue  # Gong refused all of its windows
        index = len(days_with_data)
        for data in fetched:
            for user_id in data.users:
                user_days[user_id] = user_days.get(user_id, 0) | 1 << index
            _note_addresses(addresses, data)
            window_metrics[data.window].update(dict.fromkeys(data.metrics))
            windows_on_days[data.window][index] = WindowOnDay(
                start=data.start_timestamp, end=data.end_timestamp, active=len(data.users)
            )
        days_with_data.append(day)
        on_day = {user_id for data in fetched for user_id in data.users}
        known.append(len(on_day if selection.all_users else user_days))
    if not selection.all_users:
        user_days = _from_first_day_on(user_days, len(days_with_data))
    return FetchedDays(
        days=tuple(days_with_data),
        users={
            user_id: user_labels(
                user_id,
                addresses.get(user_id, (0.0, ""))[1] or company_state.known_users.get(user_id, ""),
            )
            for user_id in sorted(user_days)
        },
        user_days=user_days,
        columns=tuple(
            (window, metric)
            for window in windows
            for metric in window_metrics[window]
            if metrics is None or metric in metrics
        ),
        windows=windows_on_days,
        known=tuple(known),
        unknown=_unknown(user_days, len(days_with_data), selection, company_state),
    )


def _note_addresses(addresses: dict[str, tuple[float, str]], data: WindowData) -> None:
    """Keep the latest address of each user, with the time at which it was fetched."""
    for user_id, email in data.emails.items():
        before = addresses.get(user_id)
        if before is None or before[0] <= data.fetched_at:
            addresses[user_id] = (data.fetched_at, email)


def _from_first_day_on(user_days: Mapping[str, int], days: int) -> dict[str, int]:
    all_days = (1 << days) - 1
    return {user_id: all_days & -(bits & -bits) for user_id, bits in user_days.items()}


def _unknown(
    user_days: Mapping[str, int], days: int, selection: Selection, company_state: CompanyState
) -> tuple[int, ...]:
    """The number of list entries without series on each day; an entry is an id or an address."""
    if selection.listed is None:
        return (0,) * days
    ids_by_email = resolve_emails(company_state, selection).ids_by_email
    ids = (
        user.user_id or ids_by_email.get((user.email or "").lower()) for user in selection.listed
    )
    bits = [user_days.get(user_id or "", 0) for user_id in ids]
    return tuple(sum(not each >> index & 1 for each in bits) for index in range(days))


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

    The work file has all users of one day together. The temporary file that turns this round has
    no name, so it disappears with the process.

    Each group fits in memory with all of its days. ``read`` is called once for each day.

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
