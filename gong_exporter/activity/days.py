"""Company days of the history: what was counted for each person on one day.

Sums of days serve comparison only. Gong counts a call with feedback on two days once in a window
that contains both, so a sum can exceed the window's own count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gong_exporter.activity.snapshot import METRICS, Values, WindowData
from gong_exporter.activity.users import ALL_USERS, fingerprint
from gong_exporter.gong.records import COUNTERS, UserActivity

CALLS = ("calls_as_host", "calls_attended", "own_calls_listened_to")
"""Counters of the group "calls"."""

CONTRIBUTIONS = (
    "calls_gave_feedback",
    "calls_requested_feedback",
    "calls_shared_internally",
    "calls_shared_externally",
    "calls_comments_given",
)
"""Counters of the group "contributions"."""

LISTENED = "others_calls_listened_to"
"""The counter of other people's calls that a person listened to."""

Counts = tuple[int, int, int, int]
"""One person's ``calls_as_host``, sum of CALLS, sum of CONTRIBUTIONS, and LISTENED, of one day:
what a person does. The other counters are received from others."""

_GROUPS = (("calls_as_host",), CALLS, CONTRIBUTIONS, (LISTENED,))
"""The counters in each of the Counts."""

_COUNTS_VERSION = 2
"""Part of the key of saved days. Raise it when what Counts are changes: saved days are then unknown
and fetched again. In version 1, without LISTENED, the key had no such part."""


@dataclass(frozen=True, slots=True)
class HistoryKey:
    """What the days are about. Days with another key are discarded.

    Attributes:
        fingerprint: of the host, the created range, and what Counts are.
        time_zone: the company's, which says when its days begin.
    """

    fingerprint: str
    time_zone: str

    @classmethod
    def of(
        cls, host: str, created_from: str | None, created_to: str | None, time_zone: str
    ) -> HistoryKey:
        """The key of what is requested. The users are not part of it: each day states its own."""
        request = fingerprint(host, ALL_USERS, created_from, created_to)
        return cls(f"{request}-{_COUNTS_VERSION}", time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayInfo:
    """A known day, without its counts.

    Attributes:
        day: the company day.
        fetched_at: Unix seconds at which its last page was received.
        covered: the ids that it is about; it says nothing about others. None for everybody.
        filter_fails: Gong answered 404 to the ids of ``covered`` although some of them had data,
            so that this day was taken from the listing of everybody.
        no_data: Gong answered 404 because none of these ids had data, as that listing showed.
        excluded: ``Exclusion.marks`` of entries for which people may be missing here.
    """

    day: date
    fetched_at: float
    covered: frozenset[str] | None = None
    filter_fails: bool = False
    no_data: bool = False
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DayRecord:
    """A whole company day.

    Attributes:
        info: which day it is, and whom it is about.
        counts: of the people with any activity on it. The others that it covers have 0.
    """

    info: DayInfo
    counts: Mapping[str, Counts]


def counts_of(metrics: tuple[str, ...], users: Mapping[str, Values]) -> dict[str, Counts]:
    """Each person's counts of a day, without people who have none.

    A person whose record lacks one of the counters is left out as well. So the day is taken for
    one away, which does not speak for a drop; the missing counter as 0 would. A counter that all
    records lack is 0: Gong does not send it.

    Args:
        metrics: names of the columns in snake_case.
        users: each person's values by id, aligned with ``metrics``.
    """
    columns = {name: i for i, name in enumerate(metrics)}
    sent = {
        name
        for name in (*CALLS, *CONTRIBUTIONS, LISTENED)
        if name in columns and any(row[columns[name]] is not None for row in users.values())
    }
    groups = [[columns[name] for name in group if name in sent] for group in _GROUPS]
    found: dict[str, Counts] = {}
    for user_id, row in users.items():
        values = [row[columns[name]] for name in sent]
        if any(values) and None not in values:
            hosted, calls, contributions, listened = (
                sum(row[i] or 0 for i in group) for group in groups
            )
            found[user_id] = hosted, calls, contributions, listened
    return found


def counts_of_listing(users: Iterable[UserActivity]) -> dict[str, Counts]:
    """Likewise, for the users of a listing of one day."""
    return counts_of(
        METRICS, {user.user_id: tuple(map(user.counters.get, COUNTERS)) for user in users}
    )


def day_of_window(window: WindowData) -> DayRecord | None:
    """The day of a window of one day; None for any other window."""
    if (window.end - window.start).days != 1:
        return None
    return DayRecord(
        DayInfo(day=window.start, fetched_at=window.fetched_at, covered=window.covered),
        counts_of(window.metrics, window.users),
    )
