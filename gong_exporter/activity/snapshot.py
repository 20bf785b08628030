"""What is served: whole windows, and the known users with their values. Immutable.

Counters are one tuple per user and window, aligned with the window's ``metrics``. For 10,000
users that takes a fifth of the memory of a dict per user.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.windows import DayRange, WindowSpec, day_start
from gong_exporter.gong.records import COUNTERS, UserActivity

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def metric_name(field: str) -> str:
    """An API field in snake_case: ``callsAsHost`` becomes ``calls_as_host``."""
    return _CAMEL.sub("_", field).lower()


def user_mark(name: str) -> str:
    """A hash that stands for an excluded person's id or address, of which nothing is kept."""
    return sha256(name.encode()).hexdigest()[:16]


MAX_EXTRA_COUNTERS = 50
"""Undocumented counters of a window that are exported: a bound on what Gong can add."""

METRICS: tuple[str, ...] = tuple(metric_name(field) for field in COUNTERS)
"""The documented counters as ``metric`` label values."""

Values = tuple[int | None, ...]
"""One user's counters in one window, aligned with its ``metrics``; None is unknown, not 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowData:
    """One whole window, fetched at one moment.

    Attributes:
        window: the label value, such as ``7d``.
        start: first company day.
        end: the day after the last one.
        start_timestamp: Unix seconds at which ``start`` began in the company's zone, or the start
            that the responses state.
        end_timestamp: Unix seconds at which ``end`` began, or the end that the responses state.
        fetched_at: Unix seconds at which its last page was received.
        fingerprint: hash of the request (host, users, created range). Data with another
            fingerprint belongs to another configuration.
        metrics: the columns in snake_case: the documented ones, then the others received.
        users: values of the users that Gong returned, by id.
        emails: their addresses by id, if Gong gave one.
        covered: the ids that the window is about, if users are listed. Another user that is
            missing in ``users`` was not requested, so the value is unknown and not 0. None for all
            users, also for a window without days.
        as_stated: True if the timestamps are those that the responses state, because they differ
            from the company's days.
        excluded: marks (``user_mark``) of people who had activity and were excluded. Once they are
            not any more, their value is unknown here and not 0.
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
    covered: frozenset[str] | None = None
    as_stated: bool = False
    excluded: frozenset[str] = frozenset()

    def covers(self, user_id: str) -> bool:
        """True if the user has no activity when missing in ``users``."""
        if self.excluded and user_mark(user_id) in self.excluded:
            return False
        return self.covered is None or user_id in self.covered


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A known user, ready for labels.

    Attributes:
        user_id: Gong's ``userId``.
        email: the ``email`` label: plain, hashed or empty, as configured.
        labels: ``active`` and the roster columns (team, manager ...), the same names for every
            user.
    """

    user_id: str
    email: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The activity that a scrape shows.

    Attributes:
        windows: the ones with data fresh enough to serve, in the order of the configuration.
        users: known users, sorted by id. Each has a value or a zero in every window.
        unknown: listed users, as configured, that Gong never named, or that not all windows cover
            yet.
        metrics: the ``metric`` values to export; None for all.
    """

    windows: tuple[WindowData, ...] = ()
    users: tuple[User, ...] = ()
    unknown: tuple[str, ...] = ()
    metrics: tuple[str, ...] | None = None

    def columns(self, window: WindowData) -> tuple[tuple[int, str], ...]:
        """The exported columns of a window: index in ``Values``, and name."""
        return tuple(
            (index, name)
            for index, name in enumerate(window.metrics)
            if self.metrics is None or name in self.metrics
        )

    def active(self, window: WindowData) -> int:
        """Number of known users that the window contains."""
        return sum(user.user_id in window.users for user in self.users)


EMPTY = Snapshot()
"""No data yet."""


def build_window(
    *,
    window: WindowSpec,
    days: DayRange,
    zone: ZoneInfo,
    listing: Listing,
    covered: frozenset[str] | None,
    fetched_at: float,
    fingerprint: str,
    log: FilteringBoundLogger,
) -> WindowData:
    """Turn a whole listing into the data of a window."""
    fields, metrics = _columns(listing.users, log)
    stated = listing.stated
    return WindowData(
        window=window.name,
        start=days.start,
        end=days.end,
        start_timestamp=stated.start if stated else day_start(days.start, zone),
        end_timestamp=stated.end if stated else day_start(days.end, zone),
        fetched_at=fetched_at,
        fingerprint=fingerprint,
        metrics=metrics,
        users={user.user_id: tuple(map(user.counters.get, fields)) for user in listing.users},
        emails={user.user_id: user.email for user in listing.users if user.email},
        covered=covered,
        as_stated=stated is not None,
        excluded=listing.excluded,
    )


def _columns(
    users: Iterable[UserActivity], log: FilteringBoundLogger
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """API fields and their ``metric`` values: the documented ones, then the others received."""
    fields, metrics = list(COUNTERS), list(METRICS)
    names, limit = set(metrics), len(metrics) + MAX_EXTRA_COUNTERS
    for field in sorted({field for user in users for field in user.counters} - set(COUNTERS)):
        name = metric_name(field)
        if name in names:
            log.warning("a counter with the name of another one is left out", counter=field)
        elif len(metrics) == limit:
            log.warning(
                "too many undocumented counters: the rest is left out", limit=MAX_EXTRA_COUNTERS
            )
            break
        else:
            names.add(name)
            fields.append(field)
            metrics.append(name)
    return tuple(fields), tuple(metrics)
