"""What is served: whole windows, known users, and the zeros in between. Immutable.

Counters are kept as one tuple per user and window, aligned with the window's ``metrics``: at
10,000 users that is a fifth of what a dict per user takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.windows import DayRange, WindowSpec, day_start
from gong_exporter.gong.records import COUNTERS, UserActivity
from gong_exporter.gong.responses import MAX_EXTRA_COUNTERS

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def metric_name(field: str) -> str:
    """An API field in snake_case: ``callsAsHost`` becomes ``calls_as_host``."""
    return _CAMEL.sub("_", field).lower()


METRICS: tuple[str, ...] = tuple(metric_name(field) for field in COUNTERS)
"""The documented counters as ``metric`` label values."""

Values = tuple[int | None, ...]
"""One user's counters in one window, aligned with its ``metrics``; None is unknown, not 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowData:
    """One window as Gong gave it, whole, at one moment.

    Attributes:
        window: the label value, such as ``7d``.
        start: first company day.
        end: the day after the last one.
        start_timestamp: Unix seconds at which ``start`` began in the company's zone.
        end_timestamp: Unix seconds at which ``end`` began.
        fetched_at: Unix seconds at which its last page arrived.
        fingerprint: what was asked (host, users, created range), hashed; data asked otherwise
            is not this configuration's.
        metrics: the columns, snake_case: the documented ones, then those seen beside them.
        users: those Gong named, by id.
        emails: their addresses by id; without the ones Gong gave none for.
        pages: answers it took.
        covered: the ids it is about, when users are listed. Whoever else is missing in ``users``
            was not asked for, and has no 0. None: everybody, as also in a window of no days.
    """

    window: str
    start: date
    end: date
    start_timestamp: float
    end_timestamp: float
    fetched_at: float
    fingerprint: str
    metrics: tuple[str, ...]
    users: Mapping[str, Values]
    emails: Mapping[str, str]
    pages: int
    covered: frozenset[str] | None = None

    def covers(self, user_id: str) -> bool:
        """Whether somebody who is missing in ``users`` had no activity."""
        return self.covered is None or user_id in self.covered


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A known user, ready for labels.

    Attributes:
        user_id: Gong's ``userId``.
        email: the ``email`` label: plain, hashed or empty, as configured.
        labels: roster columns (team, manager ...), the same names for every user.
    """

    user_id: str
    email: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one scrape shows of the activity.

    Attributes:
        windows: the ones with data fresh enough to serve, in the order of the configuration.
        users: known users, sorted by id: each has a value, or a zero, in every window.
        unknown: listed users that Gong never named, or named so lately that not all windows
            are about them; as configured.
        metrics: the ``metric`` values to export; None for all.
        label_names: the roster columns, for ``gong_user_info``.
    """

    windows: tuple[WindowData, ...] = ()
    users: tuple[User, ...] = ()
    unknown: tuple[str, ...] = ()
    metrics: tuple[str, ...] | None = None
    label_names: tuple[str, ...] = ()

    def columns(self, window: WindowData) -> tuple[tuple[int, str], ...]:
        """The exported columns of a window: place in ``Values``, and name."""
        return tuple(
            (place, name)
            for place, name in enumerate(window.metrics)
            if self.metrics is None or name in self.metrics
        )

    def rows(self, window: WindowData) -> Iterator[tuple[User, Values]]:
        """Every known user with all columns of ``window.metrics``; Gong left out means 0."""
        zeros: Values = (0,) * len(window.metrics)
        for user in self.users:
            yield user, window.users.get(user.user_id, zeros)

    def active(self, window: WindowData) -> int:
        """How many known users Gong named in the window."""
        return sum(user.user_id in window.users for user in self.users)


EMPTY = Snapshot()
"""Nothing learned yet."""


def window_data(
    *,
    window: WindowSpec,
    days: DayRange,
    zone: ZoneInfo,
    listing: Listing,
    covered: frozenset[str] | None,
    fetched_at: float,
    fingerprint: str,
    warn: Callable[[str], None],
) -> WindowData:
    """Put a whole listing into the form in which it is kept and served. Pure, but for ``warn``.

    Args:
        window: which one.
        days: the range that was asked for.
        zone: the company's.
        listing: what came.
        covered: the ids it is about, None for everybody.
        fetched_at: Unix seconds at which its last page arrived.
        fingerprint: of what was asked.
        warn: is told of counters that are left out.
    """
    fields, metrics = _columns(listing.users, warn)
    return WindowData(
        window=window.name,
        start=days.start,
        end=days.end,
        start_timestamp=day_start(days.start, zone),
        end_timestamp=day_start(days.end, zone),
        fetched_at=fetched_at,
        fingerprint=fingerprint,
        metrics=metrics,
        users={user.user_id: tuple(map(user.counters.get, fields)) for user in listing.users},
        emails={user.user_id: user.email for user in listing.users if user.email},
        pages=listing.pages,
        covered=covered,
    )


def _columns(
    users: Iterable[UserActivity], warn: Callable[[str], None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """API fields and their ``metric`` values: the documented, then what came beside them."""
    fields, metrics = list(COUNTERS), list(METRICS)
    taken, most = set(metrics), len(metrics) + MAX_EXTRA_COUNTERS
    for field in sorted({field for user in users for field in user.counters} - set(COUNTERS)):
        name = metric_name(field)
        if name in taken:
            warn(f"the counter {field} would be a second {name}: left out")
        elif len(metrics) == most:
            warn(f"more than {MAX_EXTRA_COUNTERS} undocumented counters: the rest left out")
            break
        else:
            taken.add(name)
            fields.append(field)
            metrics.append(name)
    return tuple(fields), tuple(metrics)
