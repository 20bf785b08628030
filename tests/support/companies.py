"""A tiny company for tests: its numbers are a plain function of user, day and counter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from gong_exporter.simulator.records import COUNTERS, ApiUserActivity

SATURDAY = 5
NOT_ADDITIVE = "callsReceivedFeedback"
"""The counter whose window is its best day, so that a client that adds days up is caught."""


class FixtureCompany:
    """A company whose numbers can be worked out by hand.

    On one day, counter ``c`` of user ``i`` is ``(7i + 3 * day.toordinal() + 5c) % 11``; over a
    window it is the sum of its days, except ``NOT_ADDITIVE``, the largest of its days. Users with
    an even index do nothing at weekends; users in ``silent`` never do anything.
    """

    def __init__(
        self,
        users: int = 3,
        time_zone: str | ZoneInfo = "US/Pacific",
        silent: Collection[int] = (),
    ) -> None:
        self._time_zone = ZoneInfo(time_zone) if isinstance(time_zone, str) else time_zone
        self._user_ids = tuple(user_id(index) for index in range(users))
        self._silent = frozenset(silent)

    @property
    def time_zone(self) -> ZoneInfo:
        return self._time_zone

    @property
    def user_ids(self) -> Sequence[str]:
        return self._user_ids

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        everyone = (
            ApiUserActivity(name, email(index), window_counters(index, start, end))
            for index, name in enumerate(self._user_ids)
            if index not in self._silent
        )
        return [user for user in everyone if any(user.counters.values())]


def zone_where_it_is_morning() -> str:
    """One in which today began some six hours ago: midnight is far, whenever the test runs."""
    offset = 6 - datetime.now(UTC).hour
    offset += 24 if offset < -12 else 0
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def user_id(index: int) -> str:
    """The id of a user: short ones, Gong's usual length, and 20 digits (beyond 64 bits)."""
    return str((7_000, 234_599_484_848_423, 90_000_000_000_000_000_000)[index % 3] + index)


def email(index: int) -> str:
    """The address of a user."""
    return f"user{index}@acme.example"


def window_counters(index: int, start: date, end: date) -> Mapping[str, int]:
    """Every counter of one user over ``[start, end)``."""
    return _class_counters(index % 22, start, end)  # 22: the rule repeats every 2 x 11 users


@cache
def _class_counters(index: int, start: date, end: date) -> Mapping[str, int]:
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    table = [day_counters(index, day) for day in days]
    return {
        name: (max if name == NOT_ADDITIVE else sum)([0, *(row[place] for row in table)])
        for place, name in enumerate(COUNTERS)
    }


def day_counters(index: int, day: date) -> Sequence[int]:
    """The counters of one user on one day, in the order of ``COUNTERS``."""
    if index % 2 == 0 and day.weekday() >= SATURDAY:
        return (0,) * len(COUNTERS)
    return [(7 * index + 3 * day.toordinal() + 5 * place) % 11 for place in range(len(COUNTERS))]
