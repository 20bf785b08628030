"""What is served: whole windows, known users, and the zeros in between. Immutable.

Counters are kept as one tuple per user and window, aligned with the window's ``metrics``: at
10,000 users that is a fifth of what a dict per user takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gong_exporter.gong.records import COUNTERS

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

    def tells_of(self, user_id: str) -> bool:
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
