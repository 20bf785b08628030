"""An index of the fetched days: which users have series, on which days, and in which columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import User, WindowData
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

    Args:
        days: of the output, in order.
        read: reads a day.
        selection: whose activity.
        company_state: for addresses that no window has.
        latest: windows that the live exporter fetched; their addresses may be newer.
        windows: their names, in the order of the configuration.
        metrics: the ones to write; None for all.
        user_labels: makes the labels.
    """
    user_days: dict[str, int] = {}
    window_metrics: dict[str, dict[str, None]] = {name: {} for name in windows}
    windows_on_days: dict[str, dict[int, WindowOnDay]] = {name: {} for name in windows}
    addresses = _LatestAddresses()
    for data in latest:
        addresses.add(data)
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
            addresses.add(data)
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
                user_id, addresses.of(user_id) or company_state.known_users.get(user_id, "")
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


class _LatestAddresses:
    """The latest address of each user."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[float, str]] = {}

    def add(self, data: WindowData) -> None:
        for user_id, email in data.emails.items():
            before = self._addresses.get(user_id)
            if before is None or before[0] <= data.fetched_at:
                self._addresses[user_id] = (data.fetched_at, email)

    def of(self, user_id: str) -> str:
        return self._addresses.get(user_id, (0.0, ""))[1]


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
