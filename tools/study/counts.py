"""What the exporter would have shown on each day: windows by user and metric, and the roster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gong_exporter.activity.snapshot import metric_name
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.records import COUNTERS

Window = Mapping[str, Mapping[str, int]]
"""Counts by user and metric; users without any activity in it are left out."""

WINDOWS = {"1d": 1, "7d": 7, "28d": 28}

WATCHED = ("calls_as_host", "calls_attended")
"""The metrics that the rules watch."""

OWN = (
    *WATCHED,
    "calls_gave_feedback",
    "calls_requested_feedback",
    "own_calls_listened_to",
    "others_calls_listened_to",
    "calls_shared_internally",
    "calls_shared_externally",
    "calls_comments_given",
)
"""What only somebody at work does: the rules see by them who was there on a day."""

_NAMES = {counter: metric_name(counter) for counter in COUNTERS}


@dataclass(frozen=True, slots=True)
class Day:
    """What an exporter shows on one company day, after the poll that follows midnight.

    Attributes:
        day: the company's current day: every window ends as it begins.
        windows: by name.
        teams: the roster, team by user; empty for those without.
        emails: address by user.
    """

    day: date
    windows: Mapping[str, Window]
    teams: Mapping[str, str]
    emails: Mapping[str, str]

    @property
    def users(self) -> Sequence[str]:
        """Everyone named in any window, which is in the longest."""
        return sorted(self.windows["28d"])

    def count(self, window: str, user: str, metric: str) -> int:
        """A known user's counter; 0 for who is left out of the window."""
        return self.windows[window].get(user, {}).get(metric, 0)


def company_days(
    company: SimulatedCompany, rosters: Mapping[date, Mapping[str, str]], first: date, days: int
) -> Iterator[Day]:
    """The days from ``first`` on.

    Args:
        company: whose activity.
        rosters: team by user, by the first day on which each roster holds (see ``rosters``).
        first: the first day.
        days: how many.
    """
    emails = {person.user_id: person.email for person in company.people}
    for number in range(days):
        day = first + timedelta(days=number)
        windows = {
            name: {
                user.user_id: {_NAMES[counter]: n for counter, n in user.counters.items()}
                for user in company.activity(day - timedelta(days=length), day)
            }
            for name, length in WINDOWS.items()
        }
        since = max((start for start in rosters if start <= day), default=min(rosters))
        yield Day(day, windows, rosters[since], emails)


def monthly_rosters(
    found: SimulatedCompany, users: int, seed: int, first: date, days: int
) -> dict[date, dict[str, str]]:
    """Who was in which team, month by month: the company's past is the same whatever its today."""
    months = [first]
    while (after := (months[-1].replace(day=1) + timedelta(days=32)).replace(day=1)) < (
        first + timedelta(days=days)
    ):
        months.append(after)
    return {
        month: {
            person.user_id: person.team
            for person in SimulatedCompany(users, seed, found.time_zone, month).people
        }
        for month in months
    }
