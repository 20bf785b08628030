"""The evidence for a drop of each person, and how much of it there was by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from gong_exporter.drops import dispersion
from gong_exporter.drops.absences import MissingRun, Presences, presences
from gong_exporter.drops.dispersion import WEEK, Dispersion
from gong_exporter.drops.evidence import MIN_DAYS, Group, Series, assess
from gong_exporter.drops.expectation import DayTotals, day_totals
from gong_exporter.drops.rarity import (
    PAST_DAYS,
    PAST_HISTORY,
    PAST_HOSTING_EXPECTED,
    PAST_LEFT,
    PAST_OWN_EXPECTED,
)
from gong_exporter.drops.records import Assessment, Person

PERSON_LEFT = 0.25
"""The share of the usual that a person's drop leaves."""

MIN_ACTIVE_DAYS = 2
"""Days of the last week on which a person must be active; otherwise they are away, not slow."""

MIN_WEEK_DAYS = 3
"""Active days of a week from which dispersion is learned."""

CONTRIBUTIONS_WEIGHT = MISSING_WEIGHT = 0.5
"""Contributions, and days without anything, count for half of their evidence.

Both follow the good and bad weeks of a person's calls: in full, the same news would count twice.
"""

LISTENING_WEIGHT, LISTENING_WEEKLY_TIMES = 1.5, 6.0
"""Listening to others' calls counts for more, because it has good and bad weeks of its own.

It goes by fits and starts: ``weekly`` is so many times what neighboring weeks show, or a few calls
would decide. It may survive a drop, because it needs no calls of one's own: hence
``evidence.MOST_BESIDE_AGAINST``.
"""

MOST_PAST_PEOPLE = 1000
"""The past of so many people tells how rare evidence is; that of more would take too long."""


@dataclass(frozen=True, slots=True)
class PeopleEstimate:
    """One group of counters over everybody, as of one day.

    Attributes:
        rows: the counts of each person on each day.
        totals: rates of people and totals of days.
        dispersions: of each person.
        weight: see ``Group``.
        beside: whether it is further evidence only, see ``Group``.
    """

    rows: Sequence[Sequence[int]]
    totals: DayTotals
    dispersions: Sequence[Dispersion]
    weight: float = 1.0
    beside: bool = False

    def group(self, index: int, active: Sequence[int]) -> Group:
        """One person's counts and exposure. Made when needed: all together would be large."""
        row = self.rows[index]
        series = Series(row, self.totals.exposures(index, row, active))
        return Group(series, self.dispersions[index], self.weight, self.beside)


class QuietDay(NamedTuple):
    """A day without any activity on which a person may have been at work.

    Attributes:
        at_work: if a quarter is left, the probability of that.
        evidence: what the day contributes to the evidence for a drop.
    """

    at_work: float
    evidence: float


QuietDays = Mapping[int, QuietDay]
"""By the index of the day."""


@dataclass(frozen=True, slots=True)
class PeopleEvidence:
    """The evidence for a drop of one kind of activity.

    Attributes:
        assessments: as of the newest day, in the order of the people; None where nothing can be
            said.
        quiet_days: of each person, the days without any activity on which they may have been at
            work. Empty for hosting.
        estimates: what it was computed from, one for each group of counters.
        past: the evidence as of each of PAST_DAYS, of everybody of whom enough was expected or, in
            a large company, of some. Computed while it is read, which can be done once.
    """

    assessments: Sequence[Assessment | None]
    quiet_days: Sequence[QuietDays]
    estimates: Sequence[PeopleEstimate]
    past: Iterator[float]


def presences_of(people: Sequence[Person]) -> Presences:
    """When everybody is usually active, in comparison with the team."""
    return presences([person.active for person in people], [person.team for person in people])


def own_activity(people: Sequence[Person], presence: Presences) -> PeopleEvidence:
    """The evidence for a drop of all that people do themselves, as of the newest day.

    Listening to others' calls is further evidence. It is not counted: own activity, as it is
    published, is calls and contributions.

    Args:
        people: everybody in the history.
        presence: when they are usually active.
    """
    if too_short(people):
        return PeopleEvidence([None] * len(people), [], [], iter(()))
    active = [person.active for person in people]
    calls = estimate_people([person.calls for person in people], active)
    contributions = estimate_people([person.contributions for person in people], active)
    counted = [calls, contributions]
    estimates = [
        calls,
        replace(contributions, weight=CONTRIBUTIONS_WEIGHT),
        _estimate_listening(people, active),
    ]
    found: list[Assessment | None] = []
    quiet_days: list[QuietDays] = []
    for i, person in enumerate(people):
        groups = [estimate.group(i, person.active) for estimate in estimates]
        runs = presence.missing_runs(i, person.team, person.active)
        quiet = _quiet_days(runs, counted, groups[: len(counted)])
        found.append(_assess_person(groups, person.active, _missing(quiet, person.active)))
        quiet_days.append(quiet)
    past = _past(counted, active, PAST_OWN_EXPECTED)
    return PeopleEvidence(found, quiet_days, estimates, past)


def _estimate_listening(
    people: Sequence[Person], active: Sequence[Sequence[int]]
) -> PeopleEstimate:
    estimate = estimate_people([person.listened for person in people], active)
    dispersions = [
        replace(one, weekly=LISTENING_WEEKLY_TIMES * one.weekly) for one in estimate.dispersions
    ]
    return replace(estimate, dispersions=dispersions, weight=LISTENING_WEIGHT, beside=True)


def hosting(people: Sequence[Person], quiet_days: Sequence[QuietDays]) -> PeopleEvidence:
    """The same for ``callsAsHost`` alone.

    Args:
        people: everybody in the history.
        quiet_days: of own activity.
    """
    if too_short(people):
        return PeopleEvidence([None] * len(people), [], [], iter(()))
    active = [person.active for person in people]
    estimate = estimate_people([person.hosted for person in people], active)
    found = [
        _assess_person([estimate.group(i, row)], row, _missing(quiet, row))
        for i, (row, quiet) in enumerate(zip(active, quiet_days, strict=True))
    ]
    return PeopleEvidence(found, [], [estimate], _past([estimate], active, PAST_HOSTING_EXPECTED))


def _past(
    estimates: Sequence[PeopleEstimate], active: Sequence[Sequence[int]], least_expected: float
) -> Iterator[float]:
    """The evidence as of some earlier days, for as many people as there is time for."""
    days = len(active[0])
    nothing = [0.0] * (days + 1)
    past_days = [ago for ago in PAST_DAYS if ago + PAST_HISTORY <= days]
    for i in range(0, len(active), math.ceil(len(active) / MOST_PAST_PEOPLE)):
        groups = [estimate.group(i, active[i]) for estimate in estimates]
        for ago in past_days:
            found = _assess_person(groups, active[i], nothing, PAST_LEFT, ago)
            if found and found.deciding.expected >= least_expected:
                yield found.deciding.evidence


def too_short(people: Sequence[Person]) -> bool:
    """Whether there are no people, or too few days to say anything about them."""
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
    found = []
    for i, (row, days) in enumerate(zip(rows, active, strict=True)):
        series = Series(row, totals.exposures(i, row, days))
        weeks = series.weeks((0, *accumulate(days)), MIN_WEEK_DAYS, 0.0)
        found.append(dispersion.moments(weeks))
    return PeopleEstimate(rows, totals, dispersion.of_people(found))


def _assess_person(
    groups: Sequence[Group],
    active: Sequence[int],
    missing: Sequence[float],
    left: float = PERSON_LEFT,
    ago: int = 0,
) -> Assessment | None:
    if sum(active[ago : ago + WEEK]) < MIN_ACTIVE_DAYS:
        return None
    return assess(groups, (0, *accumulate(active)), missing, left, ago)


def _quiet_days(
    runs: Iterable[MissingRun], estimates: Sequence[PeopleEstimate], groups: Sequence[Group]
) -> QuietDays:
    found: dict[int, QuietDay] = {}
    for run in runs:
        usual = left = 1.0
        for estimate, group in zip(estimates, groups, strict=True):
            mean = group.series.rate * sum(estimate.totals.factor_on(day) for day in run.days)
            v = group.dispersion.over(len(run.days))
            usual *= _nothing_at_all(mean, v)
            left *= _nothing_at_all(mean * PERSON_LEFT, v)
        at_work = (1 - run.off) * left
        evidence = math.log((run.off + at_work) / (run.off + (1 - run.off) * usual))
        each = QuietDay(
            at_work=at_work / (run.off + at_work),
            evidence=MISSING_WEIGHT * evidence / len(run.days),
        )
        found.update((day, each) for day in run.days)
    return found


def _missing(quiet_days: QuietDays, active: Sequence[int]) -> list[float]:
    """Running sum over the days of what those without any activity contribute."""
    values = [0.0] * (len(active) + 1)
    for day, quiet in quiet_days.items():
        values[day + 1] = quiet.evidence
    return [*accumulate(values)]


def _nothing_at_all(mean: float, v: float) -> float:
    """The probability of no count at all in days at work on which ``mean`` is usual."""
    return float((1 + v * mean) ** (-1 / v))
