"""A small company told day by day, for tests of the rules: who does what on which day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tools.study.counts import WINDOWS, Day

MONDAY = date(2026, 3, 2)
"""The first day of every story. Everybody has worked as usual for long before it."""

Week = tuple[int, int, int, int, int, int, int]
"""Calls hosted from Monday to Sunday."""

OFF: Week = (0, 0, 0, 0, 0, 0, 0)


def weekdays(calls: int) -> Week:
    """So many each working day."""
    return (calls, calls, calls, calls, calls, 0, 0)


@dataclass(frozen=True, slots=True)
class Someone:
    """A user.

    Attributes:
        user: the id.
        hosts: the calls hosted on an ordinary week's days.
        attends: the calls attended.
        team: by the roster; empty for none.
        spells: times at which it is other weeks: first day, day after the last, hosted, attended.
    """

    user: str
    hosts: Week
    attends: Week = OFF
    team: str = ""
    spells: tuple[tuple[date, date, Week, Week], ...] = ()

    def during(self, first: int, days: int, hosts: Week, attends: Week = OFF) -> Someone:
        """The same person with other weeks for some days from the story's day ``first`` on."""
        start = MONDAY + timedelta(days=first)
        spell = (start, start + timedelta(days=days), hosts, attends)
        return replace(self, spells=(*self.spells, spell))

    def away(self, first: int, days: int) -> Someone:
        """Away from the story's day ``first`` on."""
        return self.during(first, days, OFF)

    def does(self, day: date) -> Mapping[str, int]:
        """What is counted on a day."""
        hosts, attends = self.hosts, self.attends
        for start, end, *instead in self.spells:
            if start <= day < end:
                hosts, attends = instead
        return {"calls_as_host": hosts[day.weekday()], "calls_attended": attends[day.weekday()]}


def colleagues(count: int) -> tuple[Someone, ...]:
    """Others, so that there is a company."""
    return tuple(
        Someone(f"colleague-{number}", (3, 3, 3, 3, 2, 0, 0), weekdays(1))
        for number in range(count)
    )


def story(people: Sequence[Someone], days: int, closed: Sequence[int] = ()) -> list[Day]:
    """What an exporter shows each day from MONDAY on.

    Args:
        people: everybody.
        days: how many.
        closed: days of the story on which nobody works.
    """
    holidays = {MONDAY + timedelta(days=number) for number in closed}
    return [_day(people, MONDAY + timedelta(days=number), holidays) for number in range(days)]


def _day(people: Sequence[Someone], today: date, holidays: set[date]) -> Day:
    windows: dict[str, dict[str, dict[str, int]]] = {}
    for window, length in WINDOWS.items():
        users: dict[str, dict[str, int]] = {}
        for person in people:
            sums = {"calls_as_host": 0, "calls_attended": 0}
            for back in range(1, length + 1):
                day = today - timedelta(days=back)
                if day not in holidays:
                    for metric, count in person.does(day).items():
                        sums[metric] += count
            if any(sums.values()):
                users[person.user] = sums
        windows[window] = users
    return Day(
        today,
        windows,
        {person.user: person.team for person in people},
        {person.user: f"{person.user}@acme.com" for person in people},
    )
