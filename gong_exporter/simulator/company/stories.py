"""Every call of a team's week, with what users did on it: for studies, and to test the counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gong_exporter.simulator.company.counters import WIDTH
from gong_exporter.simulator.company.people import Staff
from gong_exporter.simulator.company.teamwork import TeamWeek
from gong_exporter.simulator.records import COUNTERS


@dataclass(frozen=True, slots=True)
class CallStory:
    """One call.

    Attributes:
        host: the ``userId`` of the host.
        day: the company day on which it took place.
        deeds: by user and counter, the company days on which the user did this on the call (or
            received it). Attendance is not included: the company only has the number of calls
            that a user joined on a day.
    """

    host: str
    day: date
    deeds: Mapping[tuple[str, str], tuple[date, ...]]


def call_stories(week: TeamWeek, monday: date, staff: Staff) -> Iterator[CallStory]:
    """The calls of a team's week, in no particular order."""
    sunday = monday - timedelta(days=1)
    users = [staff.hires[worker.place].user_id for worker in week.workers]
    deeds: list[dict[tuple[str, str], tuple[date, ...]]] = [{} for _ in week.hosts]
    for key, marked in week.marks.items():
        rest, counter = divmod(key, WIDTH)
        call, worker = divmod(rest, len(users))
        deeds[call][users[worker], COUNTERS[counter]] = tuple(
            sunday + timedelta(days=day) for day in range(marked.bit_length()) if marked >> day & 1
        )
    for call, host in enumerate(week.hosts):
        yield CallStory(users[host], sunday + timedelta(days=week.days[call]), deeds[call])
