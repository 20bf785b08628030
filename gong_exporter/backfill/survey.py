"""One look through the fetched days: who is in the output, when, and with which series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import User, WindowData
from gong_exporter.activity.users import Selection, resolve_emails

ReadDay = Callable[[date], tuple[WindowData, ...]]
"""A day's windows, from the work file."""

Portray = Callable[[str, str], User]
"""From a user's id and address ("" for none) to the labels, as a live exporter has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A window on one day of publication.

    Attributes:
        day: the place of the day in ``Survey.days``.
        start: Unix seconds at which the window begins.
        end: Unix seconds at which it ends, and the day begins.
        active: people whom Gong named.
    """

    day: int
    start: float
    end: float
    active: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is in the fetched days.

    Attributes:
        days: those with any window, in order.
        users: everybody with series on any of them, by id.
        on: by user id, the days on which they have series, as bits of their places.
        columns: (window, metric) of every series that a user can have, in order.
        reaches: by window, its days.
        known: on each day, how many people have series.
        unknown: on each day, how many listed users Gong had not named by then.
    """

    days: tuple[date, ...]
    users: Mapping[str, User]
    on: Mapping[str, int]
    columns: tuple[tuple[str, str], ...]
    reaches: Mapping[str, tuple[Reach, ...]]
    known: tuple[int, ...]
    unknown: tuple[int, ...]


def look_through(
    days: Sequence[date],
    read: ReadDay,
    *,
    selection: Selection,
    company_state: CompanyState,
    latest: Iterable[WindowData],
    windows: Sequence[str],
    metrics: tuple[str, ...] | None,
    portray: Portray,
) -> Survey:
    """Read every day once.

    Known on a day are, as for a live exporter: with ``users: all``, everyone named in any of
    that day's windows; with a list, everyone on it named in any window of that day or of one
    before it in the range. A user keeps one ``email`` label for all days, the latest known one:
    it joins the series with those of the live exporter.

    Args:
        days: of the output, in order.
        read: reads a day.
        selection: whose activity.
        company_state: for addresses that no window has.
        latest: windows that the live exporter fetched; addresses in them may be newer.
        windows: their names, in the order of the configuration.
        metrics: the ones to write; None for all.
        portray: makes labels.
    """
    gathered = _Gathered()
    for data in latest:
        gathered.addresses(data)
    held: list[date] = []
    known: list[int] = []
    for day in days:
        found = read(day)
        if not found:
            continue  # refused
        for data in found:
            gathered.window(data, len(held))
        held.append(day)
        there = {user_id for data in found for user_id in data.users}
        known.append(len(there if selection.all_users else gathered.on))
    on = gathered.on if selection.all_users else _ever_since(gathered.on, len(held))
    return Survey(
        days=tuple(held),
        users={
            user_id: portray(
                user_id, gathered.address(user_id) or company_state.known_users.get(user_id, "")
            )
            for user_id in sorted(on)
        },
        on=on,
        columns=tuple(
            (window, metric)
            for window in windows
            for metric in gathered.metrics.get(window, ())
            if metrics is None or metric in metrics
        ),
        reaches={name: tuple(gathered.reaches.get(name, ())) for name in windows},
        known=tuple(known),
        unknown=_unknown(on, len(held), selection, company_state),
    )


class _Gathered:
    """What a look through the days leaves behind; small, however many days there are."""

    def __init__(self) -> None:
        self.on: dict[str, int] = {}
        self.metrics: dict[str, dict[str, None]] = {}
        self.reaches: dict[str, list[Reach]] = {}
        self._addresses: dict[str, tuple[float, str]] = {}

    def window(self, data: WindowData, place: int) -> None:
        """A window of the day at that place."""
        bit = 1 << place
        for user_id in data.users:
            self.on[user_id] = self.on.get(user_id, 0) | bit
        self.addresses(data)
        self.metrics.setdefault(data.window, {}).update(dict.fromkeys(data.metrics))
        self.reaches.setdefault(data.window, []).append(
            Reach(
                day=place,
                start=data.start_timestamp,
                end=data.end_timestamp,
                active=len(data.users),
            )
        )

    def addresses(self, data: WindowData) -> None:
        """Note whose address is newer than what was seen so far."""
        for user_id, email in data.emails.items():
            before = self._addresses.get(user_id)
            if before is None or before[0] <= data.fetched_at:
                self._addresses[user_id] = (data.fetched_at, email)

    def address(self, user_id: str) -> str:
        """The latest; empty for none."""
        return self._addresses.get(user_id, (0.0, ""))[1]


def _ever_since(on: Mapping[str, int], days: int) -> dict[str, int]:
    """From the first day on, every day."""
    everything = (1 << days) - 1
    return {user_id: everything & -(bits & -bits) for user_id, bits in on.items()}


def _unknown(
    on: Mapping[str, int], days: int, selection: Selection, company_state: CompanyState
) -> tuple[int, ...]:
    """Entries of the list without series: each user may be on it by id or by address."""
    if selection.listed is None:
        return (0,) * days
    resolved = resolve_emails(company_state, selection).ids_by_email
    ids = (entry.user_id or resolved.get((entry.email or "").lower()) for entry in selection.listed)
    bits = [on.get(user_id or "", 0) for user_id in ids]
    return tuple(sum(not each >> place & 1 for each in bits) for place in range(days))
