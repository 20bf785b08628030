"""What the panels show is the truth, through replicas, changed addresses and missing rosters."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import isnan
from urllib.parse import urlencode

import pytest

from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.dashboards.conftest import BARE, CHANGED, DEMO, OTHER_TEAM, REPLICAS, TODAY, Past
from tests.dashboards.pages import dashboard as page
from tests.dashboards.pages import span, target
from tests.support.dashboard_history import roster_of
from tests.support.dashboard_scores import Scores
from tests.support.truth import NAMES
from tools.dashboards.history import UNKNOWN

pytestmark = pytest.mark.server("prometheus", "promtool")

OVERVIEW, TEAM, USER = "gong-overview", "gong-team", "gong-user"
DAY = timedelta(days=1)
BELOW, ABOVE = "Furthest below what was expected", "Furthest above what was expected"
MEMBERS = "Members against what was expected"
TREND = "Trend: ${metric:text}, $window at a time"
WEEKS = "Whole weeks: ${metric:text}"


def counted(company: SimulatedCompany, days: int, field: str = "callsAsHost") -> dict[str, int]:
    """Everybody known, with their count up to yesterday."""
    known = {u.user_id for u in company.activity(TODAY - 28 * DAY, TODAY)}
    numbers = {u.user_id: u.counters[field] for u in company.activity(TODAY - days * DAY, TODAY)}
    return {user_id: numbers.get(user_id, 0) for user_id in known}


@cache
def scores(company: SimulatedCompany) -> DropReport:
    """What the detector says about the company."""
    return Scores(company, roster_of(company)).report(TODAY, counted(company, 28))


def differences(company: SimulatedCompany) -> dict[str, float]:
    """How much more than expected everybody did, of whom something is expected."""
    people = scores(company).people
    found = {user: people.at(place).own_activity for user, place in people.indexes().items()}
    return {
        user: score.week_counted - score.week_expected
        for user, score in found.items()
        if not isnan(score.week_expected)
    }


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


def drawn(
    past: Past, uid: str, title: str, days: int, ref: str = "A", **chosen: str
) -> dict[date, float]:
    """What a panel draws, by the day of each step; the viewer is in UTC."""
    found = target(uid, title, ref)
    variables = past.variables(uid, **chosen)
    expr, step = found.put(variables, days * 86_400)
    end = variables.now // step * step
    path = f"/api/v1/query_range?{urlencode({'query': expr, 'step': step, 'end': end})}"
    answer = past.prometheus.get(f"{path}&start={end - days * 86_400 // step * step}")
    return {
        datetime.fromtimestamp(at, UTC).date(): float(value)
        for series in answer["data"]["result"]
        for at, value in series["values"]
    }


@pytest.mark.parametrize("job", [REPLICAS, BARE])
def test_the_company_is_counted_once(past: Past, job: str) -> None:
    company = scores(past.small).company
    assert company
    assert one(past, OVERVIEW, "All activity, 7 days", job=job) == company.observed
    change = one(past, OVERVIEW, "Against the usual", job=job)
    assert change == pytest.approx(company.observed / company.usual - 1)


@pytest.mark.parametrize(("title", "sign"), [(BELOW, 1), (ABOVE, -1)])
def test_people_are_against_what_the_detector_expects(past: Past, title: str, sign: int) -> None:
    rows = shown(past, OVERVIEW, title, "A", job=DEMO)
    ranked = sorted(differences(past.demo).items(), key=lambda each: sign * each[1])
    expected = {user: value for user, value in ranked[:10] if sign * value <= -0.5}
    assert {labels["user"]: value for labels, value in rows} == pytest.approx(expected)


def test_people_are_against_their_team_too(past: Past) -> None:
    teams = {
        name: team.score.week_counted / team.score.week_expected - 1
        for name, team in scores(past.demo).teams.items()
        if team.score.week_expected > 0
    }
    roster = roster_of(past.demo)
    rows = shown(past, OVERVIEW, BELOW, "E", job=DEMO)
    assert rows
    for labels, value in rows:
        assert value == pytest.approx(teams[roster[labels["user"]]["team"]])


def test_the_planted_slump_is_among_the_first(past: Past) -> None:
    """By counts. By evidence, as "This week" ranks people, it is the first."""
    (slump,) = past.demo.events[0].user_ids
    rows = shown(past, OVERVIEW, BELOW, "A", job=DEMO)
    rows = sorted(rows, key=lambda row: row[1])
    assert slump in {labels["user"] for labels, _ in rows[:5]}


def test_the_silent_are_those_of_the_alert(past: Past) -> None:
    people = scores(past.demo).people
    found = [people.at(place) for place in people.indexes().values()]
    silent = [p for p in found if p.active_days_7 == 0 and (p.active_days_28 or 0) >= 5]
    assert silent
    assert one(past, OVERVIEW, "Silent for a week", job=DEMO) == len(silent)


def test_people_who_dropped_most_are_on_a_large_teams_page(past: Past) -> None:
    """And not those with the highest counts, who dropped least."""
    rows = {labels["user"] for labels, _ in shown(past, TEAM, MEMBERS, "A", job=DEMO)}
    side_by_side = {labels["user"] for labels, _ in shown(past, TEAM, "Side by side, $window", "B")}
    everybody = differences(past.demo)
    ranked = sorted(everybody, key=lambda user: everybody[user])
    below = [user for user in ranked if everybody[user] < 0]
    assert len(rows) == 40 < len(counted(past.demo, 28))
    assert set(below) <= rows
    assert ranked[-1] not in rows
    assert side_by_side == {
        labels["user"] for labels, _ in shown(past, TEAM, MEMBERS, "A", job="$__all")
    }


def test_a_days_calls_are_drawn_on_that_day(past: Past) -> None:
    days = drawn(past, OVERVIEW, TREND, 10, job=DEMO, window="1d")
    assert max(days) == TODAY - DAY, "today is not over"
    longer = drawn(past, OVERVIEW, TREND, 91, job=DEMO, window="1d")
    assert set(longer) == {TODAY - ago * DAY for ago in range(1, 15)}
    assert days == {day: longer[day] for day in days}
    for day, value in days.items():
        activity = past.demo.activity(day, day + DAY)
        assert value == sum(user.counters["callsAsHost"] for user in activity)


def test_whole_weeks_begin_on_mondays(past: Past) -> None:
    weeks = drawn(past, OVERVIEW, WEEKS, 21, job=DEMO)
    mondays = {day - timedelta(days=day.weekday()): value for day, value in weeks.items()}
    assert max(mondays) == TODAY - 7 * DAY, "this week is not over"
    assert len(mondays) > 1
    for monday, value in mondays.items():
        activity = past.demo.activity(monday, monday + 7 * DAY)
        assert value == sum(user.counters["callsAsHost"] for user in activity)


def test_the_teams_trend_is_that_of_its_members(past: Past) -> None:
    team = past.demo.people[0].team
    members = {user for user, columns in roster_of(past.demo).items() if columns["team"] == team}
    days = drawn(past, TEAM, TREND, 5, job=DEMO, window="7d", team=team)
    assert days
    for day, value in days.items():
        activity = past.demo.activity(day - 6 * DAY, day + DAY)
        hosted = [user.counters["callsAsHost"] for user in activity if user.user_id in members]
        assert value == sum(hosted)


def test_what_was_expected_is_drawn_on_the_same_days(past: Past) -> None:
    title = "All activity against the usual"
    observed = drawn(past, OVERVIEW, title, 10, "A", job=DEMO)
    usual = drawn(past, OVERVIEW, title, 10, "B", job=DEMO)
    company = scores(past.demo).company
    assert company
    assert observed[TODAY - DAY] == company.observed
    assert usual[TODAY - DAY] == company.usual
    assert observed.keys() == usual.keys()


def test_without_history_nothing_is_said_about_long_ago(past: Past) -> None:
    for ref in ("A", "B"):
        assert one(past, OVERVIEW, "Against earlier, $window", ref, job=DEMO) == UNKNOWN


def test_a_role_has_its_median_and_quarters(past: Past) -> None:
    roles = {user: columns["role"] for user, columns in roster_of(past.demo).items()}
    week = counted(past.demo, 7)
    title = "By role: ${metric:text}, $window"
    for role in {*roles.values()}:
        values = [value for user, value in week.items() if roles.get(user) == role]
        if len(values) < 2:
            continue
        quarters = statistics.quantiles(values, n=4, method="inclusive")
        for ref, truth in zip("ABCDE", (len(values), *quarters, max(values)), strict=True):
            rows = {labels["role"]: v for labels, v in shown(past, OVERVIEW, title, ref, job=DEMO)}
            assert rows[role] == pytest.approx(truth)


def test_a_person_has_a_place_among_the_role(past: Past) -> None:
    roles = {user: columns["role"] for user, columns in roster_of(past.demo).items()}
    week = counted(past.demo, 7)
    user = max(week, key=lambda each: (each in roles, week[each]))
    peers = [week[each] for each in week if roles.get(each) == roles[user]]
    place = sum(value <= week[user] for value in peers) / len(peers)
    title = "Place among the role: ${metric:text}"
    assert one(past, USER, title, "A", job=DEMO, user=user) == pytest.approx(place)
    assert one(past, USER, title, "B", job=DEMO, user=user) == len(peers)
    title = "Spread of the role: ${metric:text}, $window"
    median = one(past, USER, title, "C", job=DEMO, user=user)
    assert median == statistics.median(peers)


@pytest.mark.parametrize("column", ["manager", "region", "role"])
def test_people_are_chosen_by_a_column_of_the_roster(past: Past, column: str) -> None:
    roster = roster_of(past.demo)
    options = [option.value for option in past.variables(OVERVIEW, job=DEMO).options[column]]
    assert set(options) == {columns[column] for columns in roster.values()} - {""}
    seen = 0
    for option in options:
        rows = shown(past, TEAM, MEMBERS, "A", job=DEMO, **{column: option})
        seen += len(rows)
        assert all(roster[labels["user"]][column] == option for labels, _ in rows)
    assert seen >= 40


def test_people_are_shown_by_name_else_address_else_id(past: Past) -> None:
    def person(job: str) -> Mapping[str, str]:
        found = shown(past, OVERVIEW, ABOVE, "A", job=job)
        return {labels["user"]: labels["person"] for labels, _ in found}

    names = {p.user_id: p.name for p in past.demo.people}
    assert all(shown == names[user] for user, shown in person(DEMO).items())
    assert person(BARE)
    assert all(shown == user for user, shown in person(BARE).items())


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


def test_a_counter_is_chosen_by_its_words(past: Past) -> None:
    options = past.variables(OVERVIEW, job=DEMO).options["metric"]
    assert {o.value: o.text for o in options} == {m: m.replace("_", " ") for m in NAMES.values()}


def test_somebody_in_two_teams_by_two_rosters_is_counted_in_one(past: Past) -> None:
    teams = [o.value for o in past.variables(TEAM, job=REPLICAS).options["team"]]
    assert OTHER_TEAM in teams
    found = [shown(past, TEAM, MEMBERS, "A", job=REPLICAS, team=team) for team in teams]
    members = [labels["user"] for answer in found for labels, _ in answer]
    assert past.moved in members
    assert len(members) == len({*members}) == len(counted(past.small, 28))


def test_the_teams_table_agrees_with_the_teams_own_page(past: Past) -> None:
    table = shown(past, OVERVIEW, "Teams against what was expected", "A", job=DEMO)
    assert len(table) > 1
    for labels, value in table:
        change = one(past, TEAM, "Against expected", job=DEMO, team=labels["team"])
        assert change == pytest.approx(value)


def test_without_a_roster_everybody_is_on_the_teams_page(past: Past) -> None:
    for team in ("$__all", "no team"):
        members = shown(past, TEAM, MEMBERS, "A", job=BARE, team=team)
        assert {labels["user"] for labels, _ in members} == set(counted(past.small, 28))
    assert past.variables(TEAM, job=BARE, team="no team").current["team"].value == "no team"
    assert shown(past, OVERVIEW, "Teams against what was expected", job=BARE) == []


def test_a_person_without_a_team_is_compared_with_everybody(past: Past) -> None:
    user = max(counted(past.small, 7).items(), key=lambda each: each[1])[0]
    found = shown(past, USER, "Every counter, $window", "C", job=BARE, user=user)
    medians = {labels["words"].strip(): value for labels, value in found}
    assert medians["calls as host"] == statistics.median(counted(past.small, 7).values())


def test_a_counter_of_a_person_is_against_the_weeks_before(past: Past) -> None:
    slump = past.demo.events[0].user_ids[0]
    week, month = (
        {NAMES[f].replace("_", " "): counted(past.demo, days, f)[slump] for f in NAMES}
        for days in (7, 28)
    )
    before = {name: (month[name] - week[name]) / 3 for name in week}
    for ref, truth in (("A", week), ("B", before)):
        found = shown(past, USER, "Every counter, $window", ref, job=DEMO, user=slump)
        numbers = {labels["words"].strip(): value for labels, value in found}
        assert numbers == pytest.approx(truth)
