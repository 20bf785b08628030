"""How unevenly people work, estimated from the company's own days and weeks.

Counts of real people vary more than chance, and some people's far more than others'. The variance
of what a person does on ``n`` active days, with the mean ``mu``, is
``mu + (weekly + daily / n) * mu ** 2``: good and bad weeks are the same for everybody in the
company, and how uneven single days are is each person's own. A window with few active days, for
example because of a holiday, is therefore known to prove less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

WEEK = 7

PRIOR_WEIGHT = 5000.0
"""How much evidence the prior counts for; a company of about ten people outweighs it."""

DAILY_PRIOR, DAILY_PRIOR_WEIGHT = 0.25, 2000.0
"""``daily`` before any data, and how much evidence that counts for."""

LEAST_DAILY, MOST_DAILY = 0.01, 5.0

PERSON_PRIOR_SHARE = 0.5
"""The company's ``daily`` counts as much as half of what is known about a median person."""

MOST_UNLIKE = 8.0
"""A person's ``daily`` is at most so many times the company's, and at least its eighth."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is assumed of ``weekly`` before any data, and the range that data may move it in.

    Attributes:
        value: ``weekly`` without any data.
        least: the smallest ``weekly``.
        most: the largest ``weekly``.
    """

    value: float
    least: float
    most: float


PEOPLE = Prior(value=0.1, least=0.01, most=2.0)
TEAMS = Prior(value=0.03, least=0.005, most=1.0)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How much more than chance the counts of one person or team vary.

    Attributes:
        weekly: what more days do not average out.
        daily: of a single day, beyond that; of a team, of its members' weeks as well.
    """

    weekly: float
    daily: float = 0.0

    def over(self, days: int) -> float:
        """The relative variance of a count of so many active days; at least of one."""
        return self.weekly + self.daily / max(days, 1)


@dataclass(frozen=True, slots=True)
class Week:
    """One person's or team's week.

    Attributes:
        count: what was counted.
        squares: the sum of the squares of the days' counts.
        exposure: the sum of the days' exposure, see ``evidence.Series``.
        active_days: of the person; of a team, all days.
    """

    count: int
    squares: int
    exposure: float
    active_days: int


@dataclass(slots=True)
class Moments:
    """What is learned about dispersion from the weeks of one person or team.

    Attributes:
        days: how much days differ from the mean of their week, beyond chance.
        days_weight: what ``days`` is divided by, to give ``daily``.
        weeks: how much neighboring weeks differ, beyond chance.
        weeks_weight: what ``weeks`` is divided by, to give ``weekly`` if ``daily`` is 0.
        weeks_daily: the part of ``weeks`` that comes from uneven days, if ``daily`` is 1.
    """

    days: float = 0.0
    days_weight: float = 0.0
    weeks: float = 0.0
    weeks_weight: float = 0.0
    weeks_daily: float = 0.0


def moments(weeks: Iterable[Week | None]) -> Moments:
    """Add up what the weeks of one person or team say.

    Given the sum of two weeks, the first is expected to have its share of the exposure. What
    exceeds the binomial variance of that split is unevenness. The same holds for the days of one
    week, which are all expected to have the same share.

    Args:
        weeks: the whole weeks, newest first; None where a week has too few active days.
    """
    found = Moments()
    before: Week | None = None
    for week in weeks:
        if week:
            share = 1 / week.active_days
            found.days += week.squares - week.count**2 * share - week.count * (1 - share)
            found.days_weight += week.count * (week.count - 1) * share * (1 - share)
        if week and before:
            total = before.count + week.count
            share = before.exposure / (before.exposure + week.exposure)
            variance = share * (1 - share)
            weight = total * (total - 1) * variance**2
            found.weeks += (before.count - total * share) ** 2 - total * variance
            found.weeks_weight += 2 * weight
            found.weeks_daily += (1 / before.active_days + 1 / week.active_days) * weight
        before = week
    return found


def of_people(people: Sequence[Moments]) -> list[Dispersion]:
    """The dispersion of each person: ``weekly`` is the company's, ``daily`` the person's own."""
    company = (sum(one.days for one in people) + DAILY_PRIOR * DAILY_PRIOR_WEIGHT) / (
        sum(one.days_weight for one in people) + DAILY_PRIOR_WEIGHT
    )
    company = min(max(company, LEAST_DAILY), MOST_DAILY)
    least, most = company / MOST_UNLIKE, company * MOST_UNLIKE
    prior = PERSON_PRIOR_SHARE * median(
        [one.days_weight for one in people if one.days_weight > 0] or [1.0]
    )
    dailies = [
        min(max((one.days + prior * company) / (one.days_weight + prior), least), most)
        for one in people
    ]
    weekly = estimate_weekly(people, dailies, PEOPLE)
    return [Dispersion(weekly, daily) for daily in dailies]


def of_teams(teams: Sequence[Moments], dailies: Sequence[float]) -> list[Dispersion]:
    """The dispersion of each team: ``weekly`` is what all teams share beyond their members'.

    Args:
        teams: what their weeks say.
        dailies: what the members' dispersion alone makes of each team's ``daily``.
    """
    weekly = estimate_weekly(teams, dailies, TEAMS)
    return [Dispersion(weekly, daily) for daily in dailies]


def estimate_weekly(found: Iterable[Moments], dailies: Iterable[float], prior: Prior) -> float:
    """The dispersion of weeks, without what uneven days bring to it."""
    excess, weight = prior.value * PRIOR_WEIGHT, PRIOR_WEIGHT
    for one, daily in zip(found, dailies, strict=True):
        excess += one.weeks - daily * one.weeks_daily
        weight += one.weeks_weight
    return min(max(excess / weight, prior.least), prior.most)
