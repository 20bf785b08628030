"""The detector: from everybody's days to the evidence for each person and team.

The published evidence is the smaller of two days, so that a drop must hold for a day.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add

from gong_exporter.drops import dispersion
from gong_exporter.drops.absences import MissingDay, Presence, presences
from gong_exporter.drops.dispersion import WEEK
from gong_exporter.drops.evidence import MIN_DAYS, Group, Series, assess
from gong_exporter.drops.expectation import DayTotals, day_totals
from gong_exporter.drops.reasons import days_of_history, reason
from gong_exporter.drops.records import (
    NO_TEAM,
    Assessment,
    CompanyWeek,
    Finding,
    Findings,
    Person,
    PersonFindings,
)

PERSON_LEFT = 0.25
"""The share of the usual that a person's drop leaves."""

TEAM_LEFT = 0.5
"""Likewise for a team; half of a team rarely stops at once."""

MIN_ACTIVE_DAYS = 2
"""Days of the last week on which a person must be active; otherwise they are away, not slow."""

MIN_WEEK_DAYS = 3
"""Active days of a week from which dispersion is learned."""

MIN_TEAM_WEEK = 5.0
"""What a team's week should bring at least for dispersion to be learned from it."""

MIN_TEAM_SIZE = 3
"""Fewer people are not a team: their evidence would be a person's."""


@dataclass(frozen=True, slots=True)
class PeopleEstimate:
    """One group of counters over everybody, as of one day.

    Attributes:
        totals: rates of people and totals of days.
        series: of each person.
        dispersion: ``v`` of people.
    """

    totals: DayTotals
    series: list[Series]
    dispersion: float


def find(people: Sequence[Person]) -> Findings:
    """Everything about people, teams and the company, from at least two days of evidence.

    Args:
        people: everybody in the history, people who left included: each day is compared with
            what the whole company did on it. All histories are equally long.
    """
    if _too_short(people):
        return Findings(people=(), teams={}, company=None)
    before = [person.as_of_the_day_before() for person in people]
    newest, presences_ = _own_activity(people)
    own = _held(newest, own_activity(before))
    hosted = _held(hosting(people), hosting(before))
    earlier = teams(before)
    found_teams = {
        name: finding
        for name, assessment in teams(people).items()
        if (finding := _hold(assessment, earlier.get(name)))
    }
    return Findings(
        people=tuple(
            PersonFindings(
                user_id=person.user_id,
                own_activity=own[i],
                hosting=hosted[i],
                usual_own_activity=_usual_week(
                    person, [*map(add, person.calls, person.contributions)]
                ),
                usual_hosting=_usual_week(person, person.hosted),
                reason=reason(
                    person, own[i], hosted[i], found_teams.get(person.team), presences_[i]
                ),
            )
            for i, person in enumerate(people)
        ),
        teams=found_teams,
        company=company_week(people),
    )


def own_activity(people: Sequence[Person]) -> list[Assessment | None]:
    """The evidence for a drop of all that people do themselves, as of the newest day.

    In the order of ``people``; None where nothing can be said.
    """
    return [None] * len(people) if _too_short(people) else _own_activity(people)[0]


def _own_activity(
    people: Sequence[Person],
) -> tuple[list[Assessment | None], list[Presence]]:
    active = [person.active for person in people]
    groups = [
        estimate_people([person.calls for person in people], active),
        estimate_people([person.contributions for person in people], active),
    ]
    found, missing = presences(active, [person.team for person in people])
    return [
        _assess_person(
            [Group(group.series[i], group.dispersion) for group in groups],
            row,
            _missing_values(missing[i], groups, i),
        )
        for i, row in enumerate(active)
    ], found


def hosting(people: Sequence[Person]) -> list[Assessment | None]:
    """The same for ``callsAsHost`` alone. Missing days add nothing here."""
    active = [person.active for person in people]
    if _too_short(people):
        return [None] * len(people)
    group = estimate_people([person.hosted for person in people], active)
    nothing = [0.0] * (len(active[0]) + 1)
    return [
        _assess_person([Group(series, group.dispersion)], row, nothing)
        for series, row in zip(group.series, active, strict=True)
    ]


def teams(people: Sequence[Person]) -> dict[str, Assessment]:
    """The evidence for a drop of each team of at least MIN_TEAM_SIZE people, by name."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(people):
        if person.team != NO_TEAM:
            members[person.team].append(index)
    members = {name: who for name, who in members.items() if len(who) >= MIN_TEAM_SIZE}
    if not members or _too_short(people):
        return {}
    active = [person.active for person in people]
    days = range(len(active[0]) + 1)
    rows = ([person.calls for person in people], [person.contributions for person in people])
    series = [_team_series(counts, active, members.values()) for counts in rows]
    dispersions = [
        dispersion.estimate((one.weeks(days, 0, MIN_TEAM_WEEK) for one in group), dispersion.TEAMS)
        for group in series
    ]
    nothing = [0.0] * len(days)
    found: dict[str, Assessment] = {}
    for index, name in enumerate(members):
        groups = [Group(group[index], v) for group, v in zip(series, dispersions, strict=True)]
        if assessment := assess(groups, days, nothing, TEAM_LEFT):
            found[name] = assessment
    return found


def company_week(people: Sequence[Person]) -> CompanyWeek | None:
    """The company's last 7 days beside its usual week; None without four weeks of history.

    There is no evidence here: a closure or a stopped recording is invisible to evidence per
    active day.
    """
    if not people or len(people[0].active) < 4 * WEEK:
        return None
    rows = [row for person in people for row in (person.calls, person.contributions)]
    return CompanyWeek(
        observed=sum(sum(row[:WEEK]) for row in rows),
        usual=sum(sum(row[WEEK : 4 * WEEK]) for row in rows) / 3,
    )


def _usual_week(person: Person, counts: Sequence[int]) -> float:
    """The mean week since the person's first activity, the newest week left out if possible.

    Weeks on leave are part of it: this is what a calendar week usually brings.
    """
    days = days_of_history(person)
    start = WEEK if days > WEEK else 0
    return WEEK * sum(counts[start:days]) / max(days - start, 1)


def _held(
    newest: Sequence[Assessment | None], before: Sequence[Assessment | None]
) -> list[Finding | None]:
    return [_hold(now, then) for now, then in zip(newest, before, strict=True)]


def _hold(newest: Assessment | None, day_before: Assessment | None) -> Finding | None:
    if newest is None or day_before is None:
        return None
    return Finding(
        evidence=min(newest.deciding.evidence, day_before.deciding.evidence), newest=newest
    )


def _too_short(people: Sequence[Person]) -> bool:
    return not people or len(people[0].active) < MIN_DAYS


def estimate_people(
    rows: Sequence[Sequence[int]], active: Sequence[Sequence[int]]
) -> PeopleEstimate:
    """Rates, exposure and dispersion of everybody, for one group of counters.

    Args:
        rows: the counts of each person on each day, newest day first.
        active: 1 for each day on which that person was active, otherwise 0.
    """
    totals = day_totals(rows, active)
    series = [
        Series(row, _exposure(totals, row, days, rate))
        for row, days, rate in zip(rows, active, totals.rates, strict=True)
    ]
    v = dispersion.estimate(
        (
            one.weeks((0, *accumulate(days)), MIN_WEEK_DAYS, 0.0)
            for one, days in zip(series, active, strict=True)
        ),
        dispersion.PEOPLE,
    )
    return PeopleEstimate(totals, series, v)


def _exposure(
    totals: DayTotals, counts: Sequence[int], active: Sequence[int], rate: float
) -> list[float]:
    factors = totals.factors_without(counts, [rate * day for day in active])
    return [factor * day for factor, day in zip(factors, active, strict=True)]


def _assess_person(
    groups: Sequence[Group], active: Sequence[int], missing: Sequence[float]
) -> Assessment | None:
    if sum(active[:WEEK]) < MIN_ACTIVE_DAYS:
        return None
    return assess(groups, (0, *accumulate(active)), missing, PERSON_LEFT)


def _missing_values(
    missing: Iterable[MissingDay], groups: Sequence[PeopleEstimate], index: int
) -> list[float]:
    """Running sum over the days of what the person's single missing days contribute."""
    values = [0.0] * len(groups[0].totals.counts)
    for day in missing:
        usual = left = 1.0
        for group in groups:
            # Nobody else's day changes because this person was missing: no activity to leave out.
            factor = group.totals.factor_on(day.day)
            mean = group.series[index].rate * factor
            usual *= _nothing_at_all(mean, group.dispersion)
            left *= _nothing_at_all(mean * PERSON_LEFT, group.dispersion)
        values[day.day] = math.log(
            (day.off + (1 - day.off) * left) / (day.off + (1 - day.off) * usual)
        )
    return [0.0, *accumulate(values)]


def _nothing_at_all(mean: float, v: float) -> float:
    """The probability of a day without any count for somebody at work."""
    return float((1 + v * mean) ** (-1 / v))


def _team_series(
    rows: Sequence[Sequence[int]],
    active: Sequence[Sequence[int]],
    members: Iterable[Sequence[int]],
) -> list[Series]:
    totals = day_totals(rows, active)
    series = []
    for who in members:
        counts = [sum(column) for column in zip(*(rows[i] for i in who), strict=True)]
        usual = [
            sum(column)
            for column in zip(
                *([totals.rates[i] * day for day in active[i]] for i in who), strict=True
            )
        ]
        factors = totals.factors_without(counts, usual)
        exposure = [one * factor for one, factor in zip(usual, factors, strict=True)]
        series.append(Series(counts, exposure))
    return series
