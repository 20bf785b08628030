"""Each person's days are as uneven as that person's own counts say."""

from __future__ import annotations

import math
import random

import pytest

from gong_exporter.drops.dispersion import (
    DAILY_PRIOR,
    MOST_UNLIKE,
    PEOPLE,
    Dispersion,
    Moments,
    Week,
    moments,
    of_people,
)
from gong_exporter.drops.people import own_activity, presences_of
from gong_exporter.drops.records import Person
from tests.support.drops_people import active_on_workdays

WEEKS = 12
WORKDAYS = 5
EVEN = (4, 4, 4, 4, 4)
UNEVEN = (0, 0, 10, 0, 10)


def person(name: str, this_week: tuple[int, ...], usual: tuple[int, ...]) -> Person:
    """A person whose usual weeks all have the same days, newest day first, in another order."""
    chance = random.Random(name)  # noqa: S311 -- the order of made-up days
    days: list[int] = []
    for week in range(WEEKS):
        counts = list(this_week if week == 0 else usual)
        chance.shuffle(counts)
        days += [0, 0, *counts]
    return active_on_workdays(name, days)


def colleagues() -> list[Person]:
    return [person(f"even-{n}", EVEN, EVEN) for n in range(20)] + [
        person(f"uneven-{n}", UNEVEN, UNEVEN) for n in range(20)
    ]


def test_the_same_week_proves_more_about_somebody_with_even_days() -> None:
    low = (1, 1, 1, 1, 1)
    who = [person("ann", low, EVEN), person("ben", low, UNEVEN), *colleagues()]
    ann, ben, *_ = own_activity(who, presences_of(who)).assessments
    assert ann is not None
    assert ben is not None
    assert ann.deciding.count == ben.deciding.count
    assert ann.deciding.evidence > ben.deciding.evidence + 1


def test_few_active_days_prove_less_than_many() -> None:
    uneven = Dispersion(weekly=0.05, daily=0.5)
    assert uneven.over(2) > uneven.over(5) > uneven.over(10) > 0.05
    assert uneven.over(0) == uneven.over(1)


def test_days_that_differ_as_by_chance_have_no_dispersion_of_their_own() -> None:
    chance = random.Random(5)  # noqa: S311 -- made-up counts

    def poisson(mean: float) -> int:
        count, left = 0, chance.random()
        term = math.exp(-mean)
        while left > term:
            left -= term
            count += 1
            term *= mean / count
        return count

    def weeks(spread: float) -> list[Week | None]:
        found: list[Week | None] = []
        for _ in range(200):
            days = [
                poisson(5 * (chance.gammavariate(1 / spread, spread) if spread else 1))
                for _ in range(WORKDAYS)
            ]
            found.append(Week(sum(days), sum(day * day for day in days), 5.0, WORKDAYS))
        return found

    even, uneven = moments(weeks(0)), moments(weeks(0.4))
    assert even.days / even.days_weight == pytest.approx(0, abs=0.05)
    assert uneven.days / uneven.days_weight == pytest.approx(0.4, abs=0.1)
    for one in of_people([even, uneven]):
        assert one.weekly == pytest.approx(PEOPLE.least, abs=0.03)


def test_somebody_without_counts_is_as_uneven_as_the_company() -> None:
    assert [one.daily for one in of_people([Moments(), Moments()])] == [DAILY_PRIOR, DAILY_PRIOR]
    assert of_people([]) == []
    known = Moments(days=9e6, days_weight=1e7)
    nobody, somebody = of_people([Moments(), known])
    assert nobody.daily == pytest.approx(0.9, abs=0.01)
    assert somebody.daily == pytest.approx(0.9, abs=0.01)


def test_nobody_is_much_less_or_more_uneven_than_the_company() -> None:
    calm, wild = Moments(days=0, days_weight=1e5), Moments(days=8e7, days_weight=1e7)
    company = (8e7 + DAILY_PRIOR * 2000) / (1e7 + 1e5 + 2000)
    most = min(company, 5.0)
    assert of_people([calm, wild])[0].daily >= most / MOST_UNLIKE
    assert of_people([calm, wild])[1].daily <= most * MOST_UNLIKE
