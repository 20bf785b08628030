"""Who takes part in a team's week, and how much of what each of them does.

The usual numbers are those before habits, form and season.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gong_exporter.simulator.company.attendance import Attendance, Attendances
from gong_exporter.simulator.company.chance import LEVELS, WEEKLY_SHAPE, count_tables, level_of
from gong_exporter.simulator.company.layout import Role, Segment, Team
from gong_exporter.simulator.company.offices import DAYS_A_WEEK
from gong_exporter.simulator.company.people import Staff

_FIXED_DRAWS = 19
_ACTION_DRAWS = 4

Draws = tuple[int, int, int, int]
"""Chance of one action."""

NEW_WEEKS = 9
"""Weeks for which a person counts as new, listening much and hosting little."""


@dataclass(frozen=True, slots=True)
class Duties:
    """The usual amount of everything, as levels.

    Attributes:
        joins: calls of others joined, a day.
        own: own calls listened to, a day.
        reviews: calls of others listened to for their own sake, a week.
        asks: requests for feedback, a week.
        shares: calls shared inside the company, a week.
        shares_out: calls shared outside, a week.
        comments: how many in 256 reviewed calls get a comment.
        scorecards: how many get a scorecard.
        feedback: how many get feedback.
        marks: how many are marked as reviewed.
        actions: the most reviews, requests and shares in one week.
    """

    joins: int
    own: int
    reviews: int
    asks: int
    shares: int
    shares_out: int
    comments: int
    scorecards: int
    feedback: int
    marks: int
    actions: int


def _duties(amounts: Sequence[float], outcomes: Sequence[int], actions: int) -> Duties:
    joins, own, reviews, asks, shares, shares_out = (level_of(amount) for amount in amounts)
    comments, scorecards, feedback, marks = outcomes
    return Duties(
        joins=joins,
        own=own,
        reviews=reviews,
        asks=asks,
        shares=shares,
        shares_out=shares_out,
        comments=comments,
        scorecards=scorecards,
        feedback=feedback,
        marks=marks,
        actions=actions,
    )


_DUTIES = {
    Role.REPRESENTATIVE: _duties((0.3, 0.55, 1.3, 0.8, 1.0, 0.8), (36, 3, 18, 8), 24),
    Role.MANAGER: _duties((1.1, 0.08, 10.0, 0.04, 1.3, 0.2), (128, 77, 110, 90), 44),
    Role.ENGINEER: _duties((2.4, 0.12, 1.3, 0.08, 0.5, 0.4), (50, 2, 40, 6), 24),
    Role.DIRECTOR: _duties((0.3, 0.03, 1.2, 0.03, 0.3, 0.05), (90, 10, 70, 40), 24),
}
_NEW = _duties((1.2, 0.9, 9.0, 1.8, 0.3, 0.2), (10, 1, 4, 2), 40)
_GUEST = _duties((0.07, 0.02, 1.6, 0.02, 0.06, 0.02), (90, 20, 70, 40), 16)
_HOSTED = {Role.MANAGER: 0.55, Role.ENGINEER: 0.35, Role.DIRECTOR: 0.7}


def duties_of(role: Role, weeks: int, *, guest: bool) -> Duties:
    """What a person does in a team, so many weeks after the first day; a guest leads several."""
    if guest:
        return _GUEST
    return _NEW if role is not Role.DIRECTOR and weeks < NEW_WEEKS else _DUTIES[role]


def hosting_level(role: Role, segment: Segment) -> int:
    """The level of calls hosted a day by an experienced person."""
    return level_of(_HOSTED.get(role, segment.hosted))


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
