"""Who takes part in a team's week, and how many of what each of them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gong_exporter.simulator.company.attendance import Attendance, Attendances
from gong_exporter.simulator.company.chance import LEVELS, WEEKLY_SHAPE, count_tables
from gong_exporter.simulator.company.duties import Duties, duties_of
from gong_exporter.simulator.company.layout import Team
from gong_exporter.simulator.company.offices import DAYS_A_WEEK
from gong_exporter.simulator.company.people import Staff

_FIXED_DRAWS = 19
_ACTION_DRAWS = 4

Draws = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Worker:
    """A person's part in a team's week.

    Attributes:
        place: who it is, in ``Staff.hires``.
        attendance: when and in what form.
        duties: what is usual.
        guest: whether this is the director, whose own calls belong to the leadership.
    """

    place: int
    attendance: Attendance
    duties: Duties
    guest: bool


def find_workers(
    team: Team, monday: date, staff: Staff, attendances: Attendances
) -> Iterator[Worker]:
    """The people of a team in the week from ``monday``, and its director."""
    following = monday + timedelta(days=DAYS_A_WEEK)
    parts = [(place, False) for place in staff.members(team.number, monday, following)]
    if parts and team.director is not None:
        parts += [(place, True) for place in staff.holders(team.director, monday, following)]
    for place, guest in parts:
        hire = staff.hires[place]
        weeks = (monday - hire.hired).days // DAYS_A_WEEK
        duties = duties_of(hire.seat.role, weeks, guest=guest)
        count = _FIXED_DRAWS + _ACTION_DRAWS * duties.actions
        yield Worker(place, attendances.week(place, team.number, monday, count), duties, guest)


def action_draws(week: Attendance) -> Iterator[Draws]:
    """The chance of each of a week's actions."""
    rest = iter(week.draws[_FIXED_DRAWS:])
    return zip(rest, rest, rest, rest, strict=False)


def week_count(level: int, byte: int) -> int:
    """A week's count."""
    return count_tables(WEEKLY_SHAPE)[min(level, LEVELS - 1)][byte] if level > 0 else 0


def day_counts(
    week: Attendance, level: int, slump: Sequence[int], first: int, *, high: bool
) -> list[tuple[int, int]]:
    """The days at work on which a count is not zero, with that count.

    Chance is the high or the low byte of the week's draws from ``first`` on.
    """
    tables = count_tables(week.hire.shape)
    draws, byte = week.draws, 8 if high else 0
    return [
        (offset, count)
        for day, offset, tilt in week.days
        if (lowered := tilt + level - slump[offset]) > 0
        and (count := tables[min(lowered, LEVELS - 1)][draws[first + day] >> byte & 0xFF])
    ]
