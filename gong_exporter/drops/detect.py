"""The detector: from everybody's days to the evidence for each person and team.

The published evidence is the smaller of two days, so that a drop must hold for a day.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add

from gong_exporter.drops import dispersion
from gong_exporter.drops.absences import MissingDay, Presences, presences
from gong_exporter.drops.dispersion import WEEK, Dispersion
from gong_exporter.drops.evidence import MIN_DAYS, Group, Series, assess
from gong_exporter.drops.expectation import DayTotals, day_totals, sum_of_days
from gong_exporter.drops.reasons import days_of_history, reason
from gong_exporter.drops.records import (
    NO_TEAM,
    Assessment,
    CompanyWeek,
    Finding,
    Findings,
    Person,
    PersonFindings,
    TeamFinding,
)

PERSON_LEFT = 0.25
"""The share of the usual that a person's drop leaves."""

TEAM_LEFT = 0.25
"""Likewise for a team."""

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
        rows: the counts of each person on each day.
        totals: rates of people and totals of days.
        dispersions: of each person.
    """

    rows: Sequence[Sequence[int]]
    totals: DayTotals
    dispersions: Sequence[Dispersion]

    def group(self, index: int, active: Sequence[int]) -> Group:
        """One person's counts and exposure. Made when needed: all together would be large."""
        return Group(
            _person_series(self.totals, index, self.rows[index], active), self.dispersions[index]
        )


def find(people: Sequence[Person]) -> Findings:
    """Everything about people, teams and the company, from at least two days of evidence.

    Args:
        people: everybody in the history, people who left included: each day is compared with
            what the whole company did on it. All histories are equally long.
    """
    own, hosted, earlier = _day_before([person.as_of_the_day_before() for person in people])
    newest, presence = _own_activity(people)
    own_findings = [_hold(*both) for both in zip(newest, own, strict=True)]
    hosting_findings = [_hold(*both) for both in zip(hosting(people), hosted, strict=True)]
    members = Counter(person.team for person in people)
    found_teams = {
        name: TeamFinding(members[name], finding)
        for name, assessment in teams(people).items()
        if (finding := _hold(assessment, earlier.get(name)))
    }
    return Findings(
        people=tuple(
            PersonFindings(
                user_id=person.user_id,
                own_activity=own_findings[i],
                hosting=hosting_findings[i],
                usual_own_activity=_usual_week(
                    person, [*map(add, person.calls, person.contributions)]
                ),
                usual_hosting=_usual_week(person, person.hosted),
                active_days_7=_active_days(person, WEEK),
                active_days_28=_active_days(person, 4 * WEEK),
                last_active_day=next(
                    (day for day, active in enumerate(person.active) if active), None
                ),
                reason=reason(
                    person,
                    own_findings[i],
                    hosting_findings[i],
                    found_teams.get(person.team),
                    presence.people[i],
                ),
            )
            for i, person in enumerate(people)
        ),
        teams=found_teams,
        company=company_week(people),
    )


def _day_before(
    people: Sequence[Person],
) -> tuple[list[float | None], list[float | None], dict[str, float]]:
    """The evidence as of the day before, for own activity, hosting and teams."""
    return (
        [one.deciding.evidence if one else None for one in own_activity(people)],
        [one.deciding.evidence if one else None for one in hosting(people)],
        {name: one.deciding.evidence for name, one in teams(people).items()},
    )


def own_activity(people: Sequence[Person]) -> list[Assessment | None]:
    """The evidence for a drop of all that people do themselves, as of the newest day.

    In the order of ``people``; None where nothing can be said.
    """
    return _own_activity(people)[0]


def _own_activity(people: Sequence[Person]) -> tuple[list[Assessment | None], Presences]:
    active = [person.active for person in people]
    presence = presences(active, [person.team for person in people])
    if _too_short(people):
        return [None] * len(people), presence
    estimates = [
        estimate_people([person.calls for person in people], active),
        estimate_people([person.contributions for person in people], active),
    ]
    found: list[Assessment | None] = []
    for i, person in enumerate(people):
        groups = [estimate.group(i, person.active) for estimate in estimates]
        days = presence.missing_days(i, person.team, person.active)
        missing = _missing_values(days, estimates, groups)
        found.append(_assess_person(groups, person.active, missing))
    return found, presence


def hosting(people: Sequence[Person]) -> list[Assessment | None]:
    """The same for ``callsAsHost`` alone. Missing days add nothing here."""
    if _too_short(people):
        return [None] * len(people)
    active = [person.active for person in people]
    estimate = estimate_people([person.hosted for person in people], active)
    nothing = [0.0] * (len(active[0]) + 1)
    return [_assess_person([estimate.group(i, row)], row, nothing) for i, row in enumerate(active)]


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
        dispersion.of_teams(
            [dispersion.moments(one.weeks(days, 0, MIN_TEAM_WEEK)) for one in group]
        )
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


def _usual_week(person: Person, counts: Sequence[int]) -> float | None:
    """The mean week since the person's first activity; the newest week is left out.

    Weeks on leave are part of it: this is what a calendar week usually brings. None where there
    is less than a week.
    """
    days = days_of_history(person)
    return WEEK * sum(counts[WEEK:days]) / (days - WEEK) if days >= 2 * WEEK else None


def _active_days(person: Person, days: int) -> int | None:
    return sum(person.active[:days]) if len(person.active) >= days else None


def _hold(newest: Assessment | None, day_before: float | None) -> Finding | None:
    if newest is None or day_before is None:
        return None
    return Finding(evidence=min(newest.deciding.evidence, day_before), newest=newest)


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
    found = [
        dispersion.moments(
            _person_series(totals, i, row, days).weeks((0, *accumulate(days)), MIN_WEEK_DAYS, 0.0)
        )
        for i, (row, days) in enumerate(zip(rows, active, strict=True))
    ]
    return PeopleEstimate(rows, totals, dispersion.of_people(found))


def _person_series(
    totals: DayTotals, index: int, counts: Sequence[int], active: Sequence[int]
) -> Series:
    rate = totals.rates[index]
    factors = totals.factors_without(counts, [rate * day for day in active])
    return Series(counts, [factor * day for factor, day in zip(factors, active, strict=True)])


def _assess_person(
    groups: Sequence[Group], active: Sequence[int], missing: Sequence[float]
) -> Assessment | None:
    if sum(active[:WEEK]) < MIN_ACTIVE_DAYS:
        return None
    return assess(groups, (0, *accumulate(active)), missing, PERSON_LEFT)


def _missing_values(
    missing: Iterable[MissingDay], estimates: Sequence[PeopleEstimate], groups: Sequence[Group]
) -> list[float]:
    """Running sum over the days of what the person's single missing days contribute."""
    values = [0.0] * len(estimates[0].totals.counts)
    for day in missing:
        usual = left = 1.0
        for estimate, group in zip(estimates, groups, strict=True):
            mean = group.series.rate * estimate.totals.factor_on(day.day)
            v = group.dispersion.over(1)
            usual *= _nothing_at_all(mean, v)
            left *= _nothing_at_all(mean * PERSON_LEFT, v)
        values[day.day] = math.log(
            (day.off + (1 - day.off) * left) / (day.off + (1 - day.off) * usual)
        )
    return [0.0, *accumulate(values)]


def _nothing_at_all(mean: float, v: float) -> float:
    """The probability of a day without any count for a person at work."""
    return float((1 + v * mean) ** (-1 / v))


def _team_series(
    rows: Sequence[Sequence[int]],
    active: Sequence[Sequence[int]],
    members: Iterable[Sequence[int]],
) -> list[Series]:
    totals = day_totals(rows, active)
    series = []
    for who in members:
        counts = sum_of_days(rows[i] for i in who)
        usual = sum_of_days([totals.rates[i] * day for day in active[i]] for i in who)
        factors = totals.factors_without(counts, usual)
        exposure = [one * factor for one, factor in zip(usual, factors, strict=True)]
        series.append(Series(counts, exposure))
    return series
