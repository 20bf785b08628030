"""The detector: from everybody's days to the evidence for each person and team.

The published evidence is the smaller of two days, so that a drop must hold for a day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from operator import add

from gong_exporter.drops import dispersion
from gong_exporter.drops.dispersion import WEEK
from gong_exporter.drops.evidence import Group, Series, assess
from gong_exporter.drops.expectation import sum_of_days
from gong_exporter.drops.people import (
    PeopleEstimate,
    PeopleEvidence,
    QuietDays,
    hosting,
    own_activity,
    presences_of,
    too_short,
)
from gong_exporter.drops.rarity import ReturnPeriod, return_periods
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

TEAM_LEFT = 0.4
"""The share of the usual that a team's drop leaves.

Teams seldom fall as deep as a person does: with a quarter here, fewer drops to a half are found,
and not more of those to a quarter.
"""

MIN_TEAM_WEEK = 5.0
"""What a team's week should bring at least for dispersion to be learned from it."""

WORKDAYS = 5
"""Active days of a week of a member, for what members bring to their team's dispersion."""

MIN_TEAM_SIZE = 3
"""Fewer people are not a team: their evidence would be a person's."""


def find(people: Sequence[Person]) -> Findings:
    """Everything about people, teams and the company, from at least two days of evidence.

    Args:
        people: everybody in the history, people who left included: each day is compared with
            what the whole company did on it. All histories are equally long.
    """
    own, hosted, earlier = _day_before([person.as_of_the_day_before() for person in people])
    presence = presences_of(people)
    newest = own_activity(people, presence)
    newest_hosted = hosting(people, newest.quiet_days)
    periods = return_periods(newest.past, newest_hosted.past)
    own_findings = [_hold(*both, periods.own) for both in zip(newest.assessments, own, strict=True)]
    hosting_findings = [
        _hold(*both, periods.hosting)
        for both in zip(newest_hosted.assessments, hosted, strict=True)
    ]
    members = Counter(person.team for person in people if person.employed and any(person.active))
    found_teams = {
        name: TeamFinding(members[name], finding)
        for name, assessment in teams(people, newest).items()
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
    own = own_activity(people, presences_of(people))
    return (
        _evidence(own),
        _evidence(hosting(people, own.quiet_days)),
        {name: one.deciding.evidence for name, one in teams(people, own).items()},
    )


def _evidence(found: PeopleEvidence) -> list[float | None]:
    return [one.deciding.evidence if one else None for one in found.assessments]


def teams(people: Sequence[Person], own: PeopleEvidence) -> dict[str, Assessment]:
    """The evidence for a drop of each team of at least MIN_TEAM_SIZE people, by name.

    Args:
        people: everybody in the history.
        own: of their own activity. A team that does a quarter of the usual has days on which
            members do nothing: without ``quiet_days`` it would look like a team on leave.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(people):
        if person.team != NO_TEAM:
            members[person.team].append(index)
    members = {name: who for name, who in members.items() if len(who) >= MIN_TEAM_SIZE}
    if not members or too_short(people):
        return {}
    active = [person.active for person in people]
    days = range(len(active[0]) + 1)
    groups = []
    for estimate in own.estimates:
        series = [_team_series(estimate, active, own.quiet_days, who) for who in members.values()]
        weeks = [dispersion.moments(one.weeks(days, 0, MIN_TEAM_WEEK)) for one in series]
        dailies = [_members_daily(estimate, active, who) for who in members.values()]
        groups.append(
            [  # listening in full, as members' fits and starts average out
                Group(one, v, min(estimate.weight, 1.0), estimate.beside)
                for one, v in zip(series, dispersion.of_teams(weeks, dailies), strict=True)
            ]
        )
    nothing = [0.0] * len(days)
    return {
        name: assessment
        for name, *of_team in zip(members, *groups, strict=True)
        if (assessment := assess(of_team, days, nothing, TEAM_LEFT))
    }


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


def _hold(
    newest: Assessment | None, day_before: float | None, period: ReturnPeriod | None = None
) -> Finding | None:
    if newest is None or day_before is None:
        return None
    evidence = min(newest.deciding.evidence, day_before)
    return Finding(
        evidence=evidence,
        years=period.years(evidence) if period else None,
        newest=newest,
    )


def _team_series(
    estimate: PeopleEstimate,
    active: Sequence[Sequence[int]],
    quiet_days: Sequence[QuietDays],
    who: Sequence[int],
) -> Series:
    rates = estimate.totals.rates
    counts = sum_of_days(estimate.rows[i] for i in who)
    usual = sum_of_days([rates[i] * day for day in active[i]] for i in who)
    factors = estimate.totals.factors_without(counts, usual)
    for i in who:
        for day, quiet in quiet_days[i].items():
            usual[day] += rates[i] * quiet.at_work
    return Series(counts, [one * factor for one, factor in zip(usual, factors, strict=True)])


def _members_daily(
    estimate: PeopleEstimate, active: Sequence[Sequence[int]], who: Sequence[int]
) -> float:
    """The ``daily`` of a team's dispersion that comes from its members, each for themselves.

    Chance averages out between members, less so where one of them does most.
    """
    usual = [estimate.totals.rates[i] * sum(active[i]) for i in who]
    variance = sum(
        (one**2 * estimate.dispersions[i].over(WORKDAYS) for one, i in zip(usual, who, strict=True))
    )
    return WEEK * variance / total**2 if (total := sum(usual)) else 0.0
