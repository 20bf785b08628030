"""Properties of the detector on any data, and the rules of presence and reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.drops import detect, evidence
from gong_exporter.drops.people import hosting, own_activity, presences_of
from gong_exporter.drops.records import (
    Findings,
    Person,
    PersonFindings,
    Reason,
    WindowEvidence,
)

INT32 = 2**31 - 1


def person(
    name: str,
    days: Sequence[int],
    team: str = "",
    *,
    listened: Sequence[int] | None = None,
    **changes: bool,
) -> Person:
    """A person who hosts so many calls on each day, and does nothing else unless it is given."""
    listened = [0] * len(days) if listened is None else listened
    return Person(
        user_id=name,
        team=team,
        hosted=days,
        calls=days,
        contributions=[0] * len(days),
        listened=listened,
        active=[int(any(counts)) for counts in zip(days, listened, strict=True)],
        **changes,
    )


def workdays(
    per_day: int, days: int = 84, *, lately: int | None = None, for_days: int = 0
) -> list[int]:
    """The same count on each weekday, another on the newest days; day 0 is a Sunday."""
    return [
        0 if day % 7 in {0, 1} else (lately if lately is not None and day < for_days else per_day)
        for day in range(days)
    ]


def company(*others: Person, size: int = 20) -> list[Person]:
    return [*others, *(person(f"steady-{i}", workdays(4 + i % 3)) for i in range(size))]


def found(findings: Findings, name: str) -> PersonFindings:
    return next(one for one in findings.people if one.user_id == name)


counts = st.integers(0, INT32)


@given(
    days=st.integers(0, 84),
    data=st.data(),
    teams=st.lists(st.sampled_from(["", "north", "south"]), min_size=0, max_size=6),
)
def test_any_counts_lead_to_finite_numbers(
    days: int, data: st.DataObject, teams: list[str]
) -> None:
    row = st.lists(counts, min_size=days, max_size=days)
    people = []
    for index, team in enumerate(teams):
        hosted, more, given_, listened = (data.draw(row) for _ in range(4))
        calls = [a + b for a, b in zip(hosted, more, strict=True)]
        people.append(
            Person(
                user_id=str(index),
                team=team,
                hosted=hosted,
                calls=calls,
                contributions=given_,
                listened=listened,
                active=[int(any(each)) for each in zip(calls, given_, listened, strict=True)],
            )
        )
    findings = detect.find(people)
    for one in findings.people:
        for finding in (one.own_activity, one.hosting):
            if finding is not None:
                assert math.isfinite(finding.evidence)
                assert math.isfinite(finding.newest.deciding.expected)
                assert finding.years is not None
                assert 0 <= finding.years < math.inf
    assert all(math.isfinite(team.finding.evidence) for team in findings.teams.values())


def test_the_order_of_people_changes_nothing() -> None:
    people = company(person("ann", workdays(5, lately=1, for_days=10), team="a"))
    forward, backward = detect.find(people), detect.find(people[::-1])
    ann, same = found(forward, "ann"), found(backward, "ann")
    assert ann.own_activity is not None
    assert same.own_activity is not None
    assert ann.own_activity.evidence == pytest.approx(same.own_activity.evidence)


@pytest.mark.parametrize("days", [0, 1, 13])
def test_too_little_history_has_no_evidence_and_no_usual(days: int) -> None:
    findings = detect.find([person("ann", workdays(5, days))])
    (ann,) = findings.people
    assert (ann.own_activity, ann.hosting, ann.reason) == (None, None, None)
    assert (ann.usual_own_activity, ann.usual_hosting) == (None, None)
    assert (findings.teams, findings.company) == ({}, None)


def test_presence_counts_days_with_activity() -> None:
    on_leave = [0 if day < 5 else count for day, count in enumerate(workdays(8))]
    ann = found(detect.find(company(person("ann", on_leave))), "ann")
    assert (ann.active_days_7, ann.active_days_28, ann.last_active_day) == (2, 17, 5)


def test_presence_is_unknown_for_windows_longer_than_the_history() -> None:
    (ann,) = detect.find([person("ann", workdays(5, 10))]).people
    assert (ann.active_days_7, ann.active_days_28, ann.last_active_day) == (5, None, 2)


def test_somebody_who_never_did_anything_was_never_active() -> None:
    (ann,) = detect.find([person("ann", [0] * 84)]).people
    assert (ann.active_days_28, ann.last_active_day, ann.usual_hosting) == (0, None, None)


def test_nobody_at_all() -> None:
    assert detect.find([]) == Findings(people=(), teams={}, company=None)


def test_a_drop_must_hold_for_two_days() -> None:
    dropped_yesterday = workdays(8, lately=0, for_days=3)
    assert found(detect.find(company(person("ann", dropped_yesterday))), "ann").reason is None


def test_a_person_who_fell_to_a_quarter_has_strong_evidence_and_a_reason() -> None:
    ann = found(detect.find(company(person("ann", workdays(8, lately=1, for_days=14)))), "ann")
    assert ann.own_activity is not None
    assert ann.own_activity.evidence > 8
    assert ann.own_activity.newest.deciding.count == 10
    assert ann.own_activity.newest.deciding.expected == pytest.approx(80, rel=0.05)
    assert ann.usual_own_activity == pytest.approx(8 * 5 * 10 / 11 + 1 * 5 / 11)
    assert ann.reason in {Reason.ACTIVITY_DOWN, Reason.HOSTING_DOWN}


def test_a_week_of_leave_is_no_drop() -> None:
    on_leave = [0 if 7 <= day < 14 else count for day, count in enumerate(workdays(8))]
    ann = found(detect.find(company(person("ann", on_leave))), "ann")
    assert ann.own_activity is not None
    assert ann.own_activity.evidence < 0


@pytest.mark.parametrize("days_off", [1, 2, 3, 4])
def test_a_few_days_off_are_no_drop(days_off: int) -> None:
    off = [0 if 9 <= day < 9 + days_off else count for day, count in enumerate(workdays(8))]
    ann = found(detect.find(company(person("ann", off))), "ann")
    assert ann.own_activity is not None
    assert ann.own_activity.evidence < 0


def test_short_runs_of_empty_days_are_evidence_and_a_week_of_leave_is_not() -> None:
    def with_activity_on(days: set[int]) -> float:
        row = [
            (2 if day in days else 0) if day < 14 else count
            for day, count in enumerate(workdays(5))
        ]
        ann = found(detect.find(company(person("ann", row))), "ann")
        assert ann.own_activity is not None
        return ann.own_activity.evidence

    scattered, before_leave = with_activity_on({2, 5, 9, 12}), with_activity_on({2, 3, 4, 12})
    assert scattered > before_leave + 2


def test_empty_days_of_a_team_that_does_less_do_not_look_like_leave() -> None:
    some_days = [{3, 6, 10, 12}, {2, 5, 9, 13}, {4, 6, 9, 12}, {2, 6, 11, 13}]
    team = [
        person(
            f"n{i}",
            [(2 if day in days else 0) if day < 14 else n for day, n in enumerate(workdays(4))],
            team="north",
        )
        for i, days in enumerate(some_days)
    ]
    people = company(*team, size=40)
    own = own_activity(people, presences_of(people))
    without = replace(own, quiet_days=[{}] * len(people))
    seen, unseen = (detect.teams(people, one)["north"] for one in (own, without))
    assert seen.deciding.evidence > unseen.deciding.evidence + 1


def test_listening_less_to_others_is_further_evidence_that_is_not_counted() -> None:
    less = workdays(6, lately=1, for_days=14)

    def drop(own: list[int], listened: list[int]) -> WindowEvidence:
        ann = found(detect.find(company(person("ann", own, listened=listened))), "ann")
        assert ann.own_activity is not None
        return ann.own_activity.newest.deciding

    without, survives, falls, alone = (
        drop(less, workdays(0)),
        drop(less, workdays(2)),
        drop(less, workdays(2, lately=0, for_days=14)),
        drop(workdays(6), workdays(2, lately=0, for_days=14)),
    )
    assert falls.evidence > without.evidence + 1
    assert without.evidence > survives.evidence > without.evidence - 2.001
    assert alone.evidence < 0
    assert {(one.count, one.expected) for one in (survives, falls)} == {
        (without.count, without.expected)
    }


def test_contributions_count_for_half_of_calls() -> None:
    """They follow a person's calls, so they are not news of their own."""
    usual, less = workdays(6), workdays(6, lately=1, for_days=14)
    nothing = [0] * len(usual)

    def evidence_of(calls: list[int], contributions: list[int]) -> float:
        ann = replace(person("ann", usual), calls=calls, contributions=contributions)
        steady = [replace(one, contributions=one.calls) for one in company()]
        people = [ann, *steady]
        assessment = own_activity(people, presences_of(people)).assessments[0]
        assert assessment is not None
        return assessment.deciding.evidence

    assert evidence_of(nothing, less) == pytest.approx(evidence_of(less, nothing) / 2)


def test_days_without_anything_are_evidence_for_less_hosting_too() -> None:
    empty = [0 if day in {2, 3, 5} else count for day, count in enumerate(workdays(6))]
    people = company(person("ann", empty))
    own = own_activity(people, presences_of(people))
    with_days, without = (
        hosting(people, quiet).assessments[0]
        for quiet in (own.quiet_days, [{}] * len(own.quiet_days))
    )
    assert with_days is not None
    assert without is not None
    assert with_days.deciding.evidence == pytest.approx(
        without.deciding.evidence + with_days.deciding.missing
    )
    assert with_days.deciding.missing > 1


def test_evidence_of_the_shortest_window_counts_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    people = company(person("ann", workdays(6, lately=1, for_days=7)))

    def week() -> float:
        assessment = own_activity(people, presences_of(people)).assessments[0]
        assert assessment is not None
        assert assessment.week is not None
        return assessment.week.evidence

    published = week()
    monkeypatch.setattr(evidence, "WEEK_AGAINST", 0.0)
    assert published == pytest.approx(week() - 0.5)


def test_a_team_that_listens_less_has_more_evidence() -> None:
    def evidence_of(listened: list[int]) -> float:
        less = workdays(6, lately=2, for_days=14)
        team = [person(f"n{i}", less, team="north", listened=listened) for i in range(4)]
        return detect.find(company(*team)).teams["north"].finding.evidence

    without, survives = evidence_of(workdays(0)), evidence_of(workdays(2))
    assert evidence_of(workdays(2, lately=0, for_days=14)) > without + 1
    assert without - 2.001 < survives < without


def test_a_drop_of_a_team_of_uneven_people_proves_less() -> None:
    def members(team: str, *usual: int) -> list[Person]:
        """They take turns in who does how much, so that all teams do as much on each day."""
        return [
            person(
                f"{team}{i}",
                [
                    n and (1 if day < 14 else usual[(i + day + day // 7 * 2) % 5])
                    for day, n in enumerate(workdays(1))
                ],
                team=team,
            )
            for i in range(5)
        ]

    both = [*members("even", 4, 4, 4, 4, 4), *members("uneven", 16, 1, 1, 1, 1)]
    found = detect.find(company(*both, size=40)).teams
    assert found["even"].finding.newest.deciding.expected == pytest.approx(
        found["uneven"].finding.newest.deciding.expected
    )
    assert found["even"].finding.evidence > found["uneven"].finding.evidence + 1


def test_a_holiday_of_a_team_is_no_drop() -> None:
    holiday = [0 if day in {3, 4} else count for day, count in enumerate(workdays(8))]
    people = company(*(person(f"n{i}", holiday, team="north") for i in range(5)), size=40)
    team = detect.find(people).teams["north"]
    assert team.finding.evidence < 0


def test_someone_away_for_the_whole_week_has_no_evidence() -> None:
    away = [0 if day < 7 else count for day, count in enumerate(workdays(8))]
    ann = found(detect.find(company(person("ann", away))), "ann")
    assert ann.own_activity is None
    assert ann.reason is None


def test_a_closure_of_the_whole_company_drops_nobody() -> None:
    closed = [0 if 2 <= day < 4 else count for day, count in enumerate(workdays(8))]
    findings = detect.find([person(f"p{i}", closed) for i in range(20)])
    assert all(
        one.own_activity is not None and one.own_activity.evidence < 0 for one in findings.people
    )
    assert findings.company is not None
    assert findings.company.observed == pytest.approx(findings.company.usual * 3 / 5)


DOWN = workdays(8, lately=1, for_days=14)


@pytest.mark.parametrize(
    ("ann", "team", "reason"),
    [
        (person("ann", DOWN, employed=False), [], Reason.INACTIVE),
        (person("ann", [*DOWN[:27], *[0] * 57]), [], Reason.NEW),
        (person("ann", [0, 0, 0, 0, *DOWN[4:]]), [], Reason.AWAY),
        (
            person("ann", DOWN, team="north"),
            [person(f"n{i}", DOWN, team="north") for i in range(3)],
            Reason.TEAM_DOWN,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_reasons(ann: Person, team: list[Person], reason: Reason) -> None:
    one = found(detect.find(company(ann, *team, size=40)), "ann")
    assert one.reason is reason


def test_hosting_that_falls_alone_is_the_reason() -> None:
    attends = [0 if day % 7 in {0, 1} else 6 for day in range(84)]
    hosts = workdays(6, lately=1, for_days=14)
    ann = Person(
        user_id="ann",
        team="",
        hosted=hosts,
        calls=[a + b for a, b in zip(attends, hosts, strict=True)],
        contributions=[0] * 84,
        listened=[0] * 84,
        active=[int(count > 0) for count in attends],
    )
    assert found(detect.find(company(ann)), "ann").reason is Reason.HOSTING_DOWN


def test_teams_of_two_and_people_without_a_team_have_no_team_evidence() -> None:
    people = [person("a", workdays(4), "pair"), person("b", workdays(4), "pair")]
    assert detect.find(company(*people)).teams == {}


def test_people_are_not_changed() -> None:
    ann = person("ann", tuple(workdays(4)))
    before = replace(ann)
    detect.find([ann, ann])
    assert ann == before
