"""Evidence is as rare as the company's own past says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gong_exporter.drops import detect
from gong_exporter.drops.people import hosting, own_activity, presences_of
from gong_exporter.drops.rarity import (
    USUAL,
    USUAL_PAST_HOSTING,
    USUAL_PAST_OWN,
    PastEvidence,
    ReturnPeriods,
    return_periods,
)
from gong_exporter.drops.records import Person
from tests.support.drops_people import active_on_workdays

WEEKS = 12


def person(name: str, *, bad_weeks: float) -> Person:
    """A person who has no counts in some weeks, active as ever and without a reason."""
    chance = random.Random(name)  # noqa: S311 -- made-up days
    days: list[int] = []
    for week in range(WEEKS):
        most = 0 if week > 0 and chance.random() < bad_weeks else 6
        days += [0, 0, *(chance.randint(min(most, 1), most) for _ in range(5))]
    return active_on_workdays(name, days)


def company(size: int, *, bad_weeks: float) -> list[Person]:
    return [person(str(n), bad_weeks=bad_weeks) for n in range(size)]


def periods_of(people: Sequence[Person]) -> ReturnPeriods:
    own = own_activity(people, presences_of(people))
    return return_periods(own.past, hosting(people, own.quiet_days).past)


def past(usual: PastEvidence, *, more: float = 1.0, often: float = 1.0) -> list[float]:
    """Past evidence that is so many times as much, and as frequent, as in a usual company."""
    cases = 20_000
    found = round(cases * usual.share * often)
    return [usual.least + usual.mean * more] * found + [usual.least - 3.0] * (cases - found)


def test_more_evidence_is_rarer() -> None:
    assert USUAL.own.years(3.0) == pytest.approx(3.72, abs=0.01)
    assert USUAL.own.years(5.0) == pytest.approx(37.5, abs=0.1)


def test_a_company_like_the_usual_one_has_the_usual_periods() -> None:
    found = return_periods(past(USUAL_PAST_OWN), past(USUAL_PAST_HOSTING))
    for kind in ("own", "hosting"):
        assert getattr(found, kind).slope == pytest.approx(getattr(USUAL, kind).slope)
        assert getattr(found, kind).intercept == pytest.approx(getattr(USUAL, kind).intercept)
    assert return_periods([], []) == USUAL


def test_a_calm_past_makes_evidence_no_rarer() -> None:
    calm = return_periods(
        past(USUAL_PAST_OWN, more=0.1, often=0.1), past(USUAL_PAST_HOSTING, more=0.1, often=0.1)
    )
    assert calm == USUAL


def test_evidence_that_was_twice_as_frequent_in_both_kinds_is_a_quarter_as_rare() -> None:
    found = return_periods(past(USUAL_PAST_OWN, often=2), past(USUAL_PAST_HOSTING, often=2))
    for kind in ("own", "hosting"):
        of_usual, of_found = getattr(USUAL, kind), getattr(found, kind)
        assert of_found.years(5.0) == pytest.approx(of_usual.years(5.0) / 4, rel=0.15)


def test_where_bad_weeks_come_out_of_nothing_evidence_is_less_rare() -> None:
    even, uneven = (periods_of(company(100, bad_weeks=share)) for share in (0.0, 0.15))
    for kind in ("own", "hosting"):
        of_even, of_uneven = getattr(even, kind), getattr(uneven, kind)
        assert of_uneven.years(9.0) < of_even.years(9.0) / 3


def test_people_who_do_next_to_nothing_do_not_count() -> None:
    sellers = company(60, bad_weeks=0.06)
    few = [int(day % 14 == 3) for day in range(7 * WEEKS)]
    viewers = [
        replace(one, user_id=f"viewer-{one.user_id}", hosted=few, calls=few)
        for one in company(240, bad_weeks=0.0)
    ]
    alone, together = periods_of(sellers), periods_of([*sellers, *viewers])
    assert alone.own.slope < 0.5 * USUAL.own.slope
    assert together.own.slope == pytest.approx(alone.own.slope, rel=0.2)
    assert together.hosting.slope == pytest.approx(alone.hosting.slope, rel=0.2)


def test_a_company_of_few_people_keeps_nearly_the_usual_periods() -> None:
    few, many = (periods_of(company(size, bad_weeks=0.1)) for size in (3, 200))
    moved_by_few, moved_by_many = (USUAL.own.slope - found.own.slope for found in (few, many))
    assert 0 < moved_by_few < moved_by_many / 2


def test_a_short_history_keeps_the_usual_periods() -> None:
    young = [
        replace(
            one,
            hosted=one.hosted[:41],
            calls=one.calls[:41],
            contributions=one.contributions[:41],
            listened=one.listened[:41],
            active=one.active[:41],
        )
        for one in company(100, bad_weeks=0.15)
    ]
    assert periods_of(young) == USUAL


def test_a_large_company_is_sampled_and_the_same_people_give_the_same_periods() -> None:
    people = company(300, bad_weeks=0.1)
    assert periods_of(people) == periods_of(list(people))
    copies = [replace(one, user_id=f"{one.user_id}-{n}") for one in people for n in range(4)]
    sampled = len(list(own_activity(copies, presences_of(copies)).past))
    assert sampled < len(copies) * 4


def test_the_findings_carry_the_periods_of_the_company() -> None:
    people = company(100, bad_weeks=0.15)
    periods = periods_of(people)
    for one in detect.find(people).people:
        for finding, period in ((one.own_activity, periods.own), (one.hosting, periods.hosting)):
            assert finding is not None
            assert finding.years == pytest.approx(period.years(finding.evidence))
