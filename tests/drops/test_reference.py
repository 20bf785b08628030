"""The detector against reference values, computed independently from the same twelve people.

The detector differs from the reference in eight points, because all find more drops with the same
number of wrong alerts (docs/alerting.md): it estimates for each person how uneven single days are,
it takes up to four days without activity in a row for evidence, not only single ones, also for
teams and for hosting, it lets contributions and these days count for half, it takes listening less
to others' calls for evidence, it asks for more evidence in the shortest window, it knows how uneven
each team's members are, and it looks for team drops to a quarter, not to a half. Here all are as in
the reference, where listening makes a day active and is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.drops import (
    absences,
    detect,
    dispersion,
    evidence,
    expectation,
    people,
    rarity,
)
from gong_exporter.drops.people import estimate_people, own_activity, presences_of
from gong_exporter.drops.records import Assessment, Person

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "data" / "drops" / "reference.json").read_text()
)
EXPECTED: dict[str, Any] = REFERENCE["expected"]
STEPS: dict[str, Any] = REFERENCE["steps"]
TOLERANCE = 1e-5
YEARS_TOLERANCE = 6e-5
LISTED_DAYS = 28
"""The reference lists missing days only up to here."""


@pytest.fixture(autouse=True)
def _as_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispersion, "of_people", _of_people_with_even_days)
    monkeypatch.setattr(dispersion, "of_teams", _of_teams_of_even_members)
    monkeypatch.setattr(absences, "PRIOR_RUNS", absences.PRIOR_RUNS[:1])
    monkeypatch.setattr(people, "CONTRIBUTIONS_WEIGHT", 1.0)
    monkeypatch.setattr(people, "MISSING_WEIGHT", 1.0)
    monkeypatch.setattr(detect, "hosting", _hosting_without_missing_days)
    monkeypatch.setattr(evidence, "WEEK_AGAINST", 0.0)
    monkeypatch.setattr(detect, "TEAM_LEFT", 0.5)


def _of_people_with_even_days(
    found: Sequence[dispersion.Moments],
) -> list[dispersion.Dispersion]:
    weekly = dispersion.estimate_weekly(found, [0.0] * len(found), dispersion.PEOPLE)
    return [dispersion.Dispersion(weekly)] * len(found)


def _of_teams_of_even_members(
    found: Sequence[dispersion.Moments], dailies: Sequence[float]
) -> list[dispersion.Dispersion]:
    weekly = dispersion.estimate_weekly(found, [0.0] * len(dailies), dispersion.TEAMS)
    return [dispersion.Dispersion(weekly)] * len(found)


def _hosting_without_missing_days(
    who: Sequence[Person], quiet_days: Sequence[people.QuietDays]
) -> people.PeopleEvidence:
    return people.hosting(who, [{}] * len(quiet_days))


def reference_people(*, days: int = 84, skip: int = 0, roster: bool = True) -> list[Person]:
    """The reference's people, with so many of the newest days, the first ``skip`` left out."""
    return [_person(raw, slice(skip, days), roster=roster) for raw in REFERENCE["people"]]


def _person(raw: dict[str, Any], days: slice, *, roster: bool) -> Person:
    own = zip(raw["hosted"], raw["attended"], raw["listened_own"], strict=True)
    calls = [sum(counts) for counts in own]
    kinds = zip(calls, raw["contributions"], raw["listened_others"], strict=True)
    return Person(
        user_id=raw["id"],
        team=raw["team"] if roster else "",
        hosted=raw["hosted"][days],
        calls=calls[days],
        contributions=raw["contributions"][days],
        listened=[0] * len(calls[days]),
        active=[int(any(counts)) for counts in kinds][days],
    )


def assert_matches(expected: dict[str, Any] | None, found: Assessment | None) -> None:
    if expected is None or found is None:
        assert expected is None
        assert found is None
        return
    for key in ("evidence", "window", "count", "expected", "missing"):
        if key in expected:
            value = getattr(found.deciding, key)
            assert value == pytest.approx(expected[key], abs=TOLERANCE), key


OWN_ACTIVITY_YEARS = rarity.ReturnPeriod(intercept=-1.79, slope=0.79)
HOSTING_YEARS = rarity.ReturnPeriod(intercept=-2.79, slope=1.13)
"""Of the reference, which was fitted to one dispersion for everybody and to each kind alone."""


def own_assessments(who: Sequence[Person]) -> Sequence[Assessment | None]:
    return own_activity(who, presences_of(who)).assessments


def assert_all_match(
    name: str, who: Sequence[Person], found: Sequence[Assessment | None], years: rarity.ReturnPeriod
) -> None:
    for person, one in zip(who, found, strict=True):
        expected = EXPECTED[name][person.user_id]
        assert_matches(expected, one)
        if one is not None:
            assert years.years(one.deciding.evidence) == pytest.approx(
                expected["years"], abs=YEARS_TOLERANCE
            )


@pytest.mark.parametrize(
    ("name", "days", "skip", "roster"),
    [
        ("all", 84, 0, True),
        ("all_as_of_the_day_before", 84, 1, True),
        ("all_without_a_roster", 84, 0, False),
        ("all_with_13_days_of_history", 13, 0, True),
        ("all_with_14_days_of_history", 14, 0, True),
        ("all_with_15_days_of_history", 15, 0, True),
        ("all_with_17_days_of_history", 17, 0, True),
        ("all_with_20_days_of_history", 20, 0, True),
        ("all_with_21_days_of_history", 21, 0, True),
        ("all_with_35_days_of_history", 35, 0, True),
        ("all_with_42_days_of_history", 42, 0, True),
    ],
)
def test_own_activity(*, name: str, days: int, skip: int, roster: bool) -> None:
    who = reference_people(days=days, skip=skip, roster=roster)
    assert_all_match(name, who, own_assessments(who), OWN_ACTIVITY_YEARS)


@pytest.mark.parametrize(("name", "skip"), [("hosting", 0), ("hosting_as_of_the_day_before", 1)])
def test_hosting(name: str, skip: int) -> None:
    who = reference_people(skip=skip)
    assert_all_match(name, who, people.hosting(who, [{}] * len(who)).assessments, HOSTING_YEARS)


@pytest.mark.parametrize(("name", "skip"), [("teams", 0), ("teams_as_of_the_day_before", 1)])
def test_teams(name: str, skip: int) -> None:
    who = reference_people(skip=skip)
    found = team_assessments(who)
    assert found.keys() == EXPECTED[name].keys()
    for team, expected in EXPECTED[name].items():
        assert_matches(expected, found[team])


def team_assessments(who: Sequence[Person]) -> dict[str, Assessment]:
    own = own_activity(who, presences_of(who))
    return detect.teams(who, replace(own, quiet_days=[{}] * len(who)))


def test_bob_active_on_one_of_the_last_seven_days_is_away() -> None:
    who = [
        person if person.user_id != "bob" else _only_day_six_of_the_last_seven(person)
        for person in reference_people()
    ]
    assert_all_match(
        "all_with_bob_active_on_at_most_one_of_seven_days",
        who,
        own_assessments(who),
        OWN_ACTIVITY_YEARS,
    )


def _only_day_six_of_the_last_seven(person: Person) -> Person:
    return replace(
        person,
        hosted=[0] * 6 + [*person.hosted[6:]],
        calls=[0] * 6 + [*person.calls[6:]],
        contributions=[0] * 6 + [*person.contributions[6:]],
        active=[0] * 6 + [*person.active[6:]],
    )


def test_a_team_that_never_contributes() -> None:
    who = [
        replace(person, contributions=[0] * 84) if person.team == "south" else person
        for person in reference_people()
    ]
    expected = EXPECTED["teams_with_a_south_that_never_contributes"]
    found = team_assessments(who)
    assert found.keys() == expected.keys()
    for team, values in expected.items():
        assert_matches(values, found[team])


def test_what_is_published_held_for_two_days() -> None:
    findings = detect.find(reference_people())
    own, hosted = EXPECTED["published"], EXPECTED["published_hosting"]
    for person in findings.people:
        assert person.own_activity is not None
        assert person.hosting is not None
        assert person.own_activity.evidence == pytest.approx(own[person.user_id], abs=TOLERANCE)
        assert person.hosting.evidence == pytest.approx(hosted[person.user_id], abs=TOLERANCE)


@pytest.mark.parametrize("case", STEPS["gamma_poisson"])
def test_log_likelihood_ratio(case: dict[str, float]) -> None:
    value = evidence.log_likelihood_ratio(case["count"], case["expected"], case["v"], case["left"])
    assert value == pytest.approx(case["value"], abs=TOLERANCE)


@pytest.mark.parametrize("group", ["calls", "contributions"])
def test_rates_and_day_factors(group: str) -> None:
    who = reference_people()
    active = [person.active for person in who]
    rows = [getattr(person, group) for person in who]
    totals = expectation.day_totals(rows, active)
    assert [person.user_id for person in who] == [*STEPS["rate_per_day_active"][group]]
    assert totals.rates == pytest.approx(
        [*STEPS["rate_per_day_active"][group].values()], abs=TOLERANCE
    )
    ann = totals.factors_without(rows[0], [totals.rates[0] * day for day in active[0]])
    assert ann[:14] == pytest.approx(STEPS["day_factor_without_ann_first_14"][group], abs=TOLERANCE)
    exposures = [factor * day for factor, day in zip(ann, active[0], strict=True)]
    assert totals.exposures(0, rows[0], active[0]) == exposures
    for one in estimate_people(rows, active).dispersions:
        assert one.daily == 0
        assert one.weekly == pytest.approx(STEPS["unevenness"][group], abs=TOLERANCE)


def test_presence() -> None:
    who = reference_people()
    found = absences.presences([person.active for person in who], [p.team for p in who])
    for person, presence in zip(who, found.people, strict=True):
        step = STEPS["presence"][person.user_id]
        assert presence.usual == pytest.approx(step["usual_share_by_day_mod_7"], abs=TOLERANCE)
        recent = [day for (day,) in presence.missing if day < LISTED_DAYS]
        assert recent == step["missing_days_that_count"]
        assert (presence.gaps, presence.present) == ((step["gaps"],), step["present"])
