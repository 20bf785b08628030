"""What the panels show is the truth, through replicas, changed addresses and missing rosters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from gong_exporter.simulator.company.company import SimulatedCompany
from tests.dashboards.conftest import BARE, CHANGED, DEMO, OTHER_TEAM, REPLICAS, TODAY, Past
from tests.dashboards.pages import dashboard as page
from tests.dashboards.pages import span, target
from tests.support.truth import NAMES
from tools.dashboards.looks import TOO_LITTLE

pytestmark = pytest.mark.server("prometheus", "promtool")

OVERVIEW, TEAM, USER = "gong-overview", "gong-team", "gong-user"
DAY = timedelta(days=1)


def counted(company: SimulatedCompany, days: int, field: str = "callsAsHost") -> dict[str, int]:
    """Everybody known, with their count up to yesterday."""
    known = {u.user_id for u in company.activity(TODAY - 28 * DAY, TODAY)}
    numbers = {u.user_id: u.counters[field] for u in company.activity(TODAY - days * DAY, TODAY)}
    return {user_id: numbers.get(user_id, 0) for user_id in known}


def usual(company: SimulatedCompany, field: str = "callsAsHost") -> dict[str, float]:
    """Everybody's mean week of the three before the last one."""
    week, month = counted(company, 7, field), counted(company, 28, field)
    return {user_id: (month[user_id] - week[user_id]) / 3 for user_id in week}


def shown(
    past: Past, uid: str, title: str, ref: str = "A", **chosen: str
) -> list[tuple[dict[str, str], float]]:
    """What a panel's instant query gives."""
    found = target(uid, title, ref)
    assert found.instant
    expr, _ = found.put(past.variables(uid, **chosen), span(page(uid)))
    return past.prometheus.query(expr, past.variables(uid).now)


def one(past: Past, uid: str, title: str, ref: str = "A", **chosen: str) -> float:
    """The one number of a panel."""
    ((_, value),) = shown(past, uid, title, ref, **chosen)
    return value


@pytest.mark.parametrize("job", [REPLICAS, BARE])
def test_the_company_is_counted_once(past: Past, job: str) -> None:
    total = one(past, OVERVIEW, "Company: ${metric:text}, $window", job=job)
    assert total == sum(counted(past.small, 7).values())


@pytest.mark.parametrize("job", [REPLICAS, BARE])
def test_the_company_is_compared_with_the_three_weeks_before(past: Past, job: str) -> None:
    change = one(past, OVERVIEW, "Against the usual", job=job)
    week, before = sum(counted(past.small, 7).values()), sum(usual(past.small).values())
    assert change == pytest.approx(week / before - 1)


def test_the_usual_of_another_window_is_scaled_to_its_days(past: Past) -> None:
    change = one(past, OVERVIEW, "Against the usual", job=DEMO, window="1d")
    day, month = (sum(counted(past.demo, days).values()) for days in (1, 28))
    assert change == pytest.approx(day / ((month - day) / 27) - 1)


def test_a_window_is_not_compared_with_itself(past: Past) -> None:
    assert one(past, OVERVIEW, "Against the usual", job=DEMO, window="28d") == TOO_LITTLE
    assert shown(past, OVERVIEW, "Fell silent", job=DEMO, window="28d") == []


def test_the_planted_slumps_and_silence_are_found(past: Past) -> None:
    slump, team, silent_person, *_ = (event.user_ids for event in past.demo.events)
    (silence,) = silent_person
    fallen = [
        labels["user"]
        for labels, _ in shown(past, OVERVIEW, "Most below their usual", "C", job=DEMO)
    ]
    silent = shown(past, OVERVIEW, "Who fell silent", job=DEMO)
    assert {*slump, *team} & set(fallen)
    assert silence in {labels["user"] for labels, _ in silent}
    assert one(past, OVERVIEW, "Fell silent", job=DEMO) == len(silent)


def test_silent_are_those_with_none_who_usually_have_five(past: Past) -> None:
    week, before = counted(past.demo, 7), usual(past.demo)
    expected = {u: before[u] for u in week if week[u] == 0 and before[u] >= 5}
    found = shown(past, OVERVIEW, "Who fell silent", job=DEMO)
    assert {labels["user"]: value for labels, value in found} == pytest.approx(expected)


def test_people_are_shown_by_name_else_address_else_id(past: Past) -> None:
    def person(job: str) -> Mapping[str, str]:
        found = shown(past, OVERVIEW, "Most above their usual", "C", job=job)
        return {labels["user"]: labels["person"] for labels, _ in found}

    names = {p.user_id: p.name for p in past.demo.people}
    assert all(shown == names[user] for user, shown in person(DEMO).items())
    assert person(BARE)
    assert all(shown == user for user, shown in person(BARE).items())


def test_somebody_in_two_teams_by_two_rosters_is_counted_in_one(past: Past) -> None:
    teams = [o.value for o in past.variables(TEAM, job=REPLICAS).options["team"]]
    assert OTHER_TEAM in teams
    title = "${team:text}: ${metric:text}, $window"
    found = [shown(past, TEAM, title, job=REPLICAS, team=team) for team in teams]
    numbers = [value for answer in found for _, value in answer]
    assert sum(numbers) == sum(counted(past.small, 7).values())
    assert counted(past.small, 7)[past.moved] > 0, "whom it would show if they were counted twice"


def test_the_teams_table_agrees_with_the_teams_own_page(past: Past) -> None:
    table = shown(past, OVERVIEW, "Teams against their usual", "B", job=DEMO)
    assert len(table) > 1
    for labels, value in table:
        title = "${team:text}: ${metric:text}, $window"
        assert one(past, TEAM, title, job=DEMO, team=labels["team"]) == value


def test_all_teams_are_everybody_also_without_a_roster(past: Past) -> None:
    for job in (REPLICAS, BARE):
        total = one(past, TEAM, "${team:text}: ${metric:text}, $window", job=job)
        assert total == sum(counted(past.small, 7).values())


def test_without_a_roster_the_teams_table_has_one_row(past: Past) -> None:
    found = shown(past, OVERVIEW, "Teams against their usual", "B", job=BARE)
    assert [labels["team"] for labels, _ in found] == ["no team"]


def test_no_team_leads_to_those_who_have_none(past: Past) -> None:
    """Its row in the table is a link, as the others' are."""
    ((_, row),) = shown(past, OVERVIEW, "Teams against their usual", "B", job=BARE)
    title = "${team:text}: ${metric:text}, $window"
    assert one(past, TEAM, title, job=BARE, team="no team") == row
    assert past.variables(TEAM, job=BARE, team="no team").current["team"].value == "no team"
    assert len(shown(past, TEAM, "Side by side, $window", "B", job=BARE, team="no team")) > 1


def test_members_are_side_by_side_over_every_counter_once(past: Past) -> None:
    found = shown(past, TEAM, "Side by side, $window", "A", job=REPLICAS)
    cells = {(labels["user"], labels["metric"]): value for labels, value in found}
    assert len(cells) == len(found)
    for field, metric in NAMES.items():
        week = counted(past.small, 7, field)
        assert {u: v for (u, m), v in cells.items() if m == metric} == week


def test_a_person_is_one_row_though_the_address_changed(past: Past) -> None:
    variables = past.variables(USER, job=REPLICAS)
    assert [o.value for o in variables.options["user"]].count(past.moved) == 1
    emails = past.prometheus.query(f'gong_user_info{{email="{CHANGED}"}}', variables.now)
    assert emails, "one replica has the new address"
    assert len(shown(past, USER, "Who", job=REPLICAS, user=past.moved)) == 1


def test_every_counter_of_a_person_is_against_their_own_usual(past: Past) -> None:
    slump = past.demo.events[0].user_ids[0]
    title = "Every counter against their own usual, $window"
    for ref, truth in (
        ("A", {f: float(counted(past.demo, 7, f)[slump]) for f in NAMES}),
        ("B", {f: usual(past.demo, f)[slump] for f in NAMES}),
    ):
        found = shown(past, USER, title, ref, job=DEMO, user=slump)
        numbers = {labels["words"].strip(): value for labels, value in found}
        expected = {NAMES[f].replace("_", " "): value for f, value in truth.items()}
        assert numbers == pytest.approx(expected)


def test_the_trend_ends_at_what_is_shown_now(past: Past) -> None:
    now = one(past, OVERVIEW, "Company: ${metric:text}, $window", job=DEMO)
    trend = target(OVERVIEW, "Trend: ${metric:text}, $window at a time")
    values = trend.values(past.prometheus, past.variables(OVERVIEW, job=DEMO), 14 * 86_400)
    assert values[-1] == now


def test_the_trend_has_no_gaps_between_daily_samples(past: Past) -> None:
    variables = past.variables(OVERVIEW, job=DEMO)
    for ref in ("A", "B"):
        trend = target(OVERVIEW, "Trend: ${metric:text}, $window at a time", ref)
        _, step = trend.put(variables, 14 * 86_400)
        values = trend.values(past.prometheus, variables, 14 * 86_400)
        assert len(values) == 14 * 86_400 // step + 1


def test_a_counter_is_chosen_by_its_words(past: Past) -> None:
    options = past.variables(OVERVIEW, job=DEMO).options["metric"]
    assert {o.value: o.text for o in options} == {m: m.replace("_", " ") for m in NAMES.values()}


def test_big_companies_are_not_drawn_person_by_person(past: Past) -> None:
    people = len(counted(past.demo, 28))
    for uid, title in (
        (OVERVIEW, "Most below their usual"),
        (OVERVIEW, "Most above their usual"),
        (OVERVIEW, "Who fell silent"),
    ):
        ref = "A" if title == "Who fell silent" else "C"
        assert len(shown(past, uid, title, ref, job=DEMO)) <= 10 < people
    members = shown(past, TEAM, "Members against their own usual: ${metric:text}", job=DEMO)
    assert len(members) == 40 < people
