"""Who is on top of "This week" on a Monday, and what its tables say when they are empty.

The demo's company as the exporter would publish it, on a usual Monday, after Thanksgiving, and
after two weeks in which a team did a quarter. The queries of the committed dashboard are evaluated
and ordered as its table orders them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from gong_exporter.cli.demo_company import SLUMPS, demo_company
from gong_exporter.drops.thresholds import USER_YEARS
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import EventKind
from tests.dashboards.pages import dashboard, panels, targets
from tests.support.dashboard_company import MONDAYS, load
from tests.support.dashboard_history import History, roster_of
from tests.support.dashboard_scores import Scores, counted
from tests.support.dashboard_variables import Variables
from tests.support.servers import Prometheus, prometheus
from tools.dashboards.promql import CHANCE
from tools.dashboards.week_people import ALERT_STEPS, AWAY_TITLE, BELOW_TITLE, RARITY_TITLE
from tools.dashboards.week_words import LULL

pytestmark = pytest.mark.server("prometheus", "promtool")

PAGE = "gong-this-week"
ZONE = ZoneInfo("US/Pacific")
RULES = Path(__file__).parents[2] / "prometheus" / "rules" / "gong-activity.yml"
FIRST = 5
HOUR = timedelta(hours=1)

Row = Mapping[str, str | float]


@dataclass(frozen=True)
class Weeks:
    """A Prometheus with each company's Monday, and what is needed to ask it."""

    server: Prometheus
    companies: Mapping[str, SimulatedCompany]
    resolved: dict[tuple[str, timedelta], Variables]

    def now(self, job: str, later: timedelta = timedelta()) -> float:
        """Nine o'clock on the Monday, or later."""
        return (datetime.combine(self.companies[job].today, time(9), ZONE) + later).timestamp()

    def variables(self, job: str, later: timedelta = timedelta()) -> Variables:
        """The variables of the page."""
        if (job, later) not in self.resolved:
            models = dashboard(PAGE)["templating"]["list"]
            now = self.now(job, later)
            self.resolved[job, later] = Variables(models, self.server, now, {"job": job})
        return self.resolved[job, later]

    def rows(self, job: str, title: str, later: timedelta = timedelta()) -> Sequence[Row]:
        """The rows of a table: merged by person, with the titles and in the order of the page."""
        panel = next(p for p in panels(dashboard(PAGE)) if p["title"] == title)
        variables = self.variables(job, later)
        found: dict[str, dict[str, str | float]] = {}
        for target in targets({"panels": [panel]}):
            if target.instant:
                expr, _ = target.put(variables, 1)
                for labels, value in self.server.query(expr, variables.now):
                    row = found.setdefault(labels.get("user", ""), {})
                    row |= {**labels, f"Value #{target.ref}": value}
        changes: dict[str, Any] = {one["id"]: one["options"] for one in panel["transformations"]}
        titles, (order,) = changes["organize"]["renameByName"], changes["sortBy"]["sort"]
        rows = [{titles.get(name, name): row[name] for name in row} for row in found.values()]
        rows.sort(key=lambda row: float(row.get(order["field"], 0)), reverse=order["desc"])
        return rows

    def sentences(self, job: str, later: timedelta = timedelta()) -> Mapping[str, float]:
        """The sentences above the tables, and how bad they are."""
        (target,) = (t for t in targets(dashboard(PAGE)) if t.panel == "In a sentence")
        variables = self.variables(job, later)
        expr, _ = target.put(variables, 1)
        return {labels["words"]: value for labels, value in self.server.query(expr, variables.now)}

    def planted(self, job: str, *kinds: EventKind) -> set[str]:
        """Who is meant by such events of the company."""
        events = (one for one in self.companies[job].events if one.event.kind in kinds)
        return {user for event in events for user in event.user_ids}


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weeks]:
    """The three Mondays; and Mondays without scores, without people, and with few days."""
    folder = tmp_path_factory.mktemp("weeks")
    companies = {job: demo_company(ZONE, day) for job, day in MONDAYS.items()}
    rosters = {job: roster_of(company) for job, company in companies.items()}
    scores: dict[str, Scores | None] = {
        job: Scores(company, rosters[job]) for job, company in companies.items()
    }
    usual, roster = companies["usual"], rosters["usual"]
    scores |= {
        "few-days": Scores(usual, roster, history=9),
        "no-history": None,
        "no-people": Scores(usual, roster, people=False),
        "no-roster": Scores(usual, {}),
    }
    for job in scores.keys() - companies.keys():
        companies[job] = usual
        rosters[job] = {} if job == "no-roster" else roster
    for job, company in companies.items():
        now = datetime.combine(company.today, time(9), ZONE)
        labels = {"job": job, "instance": f"{job}:1"}
        load(History(company, 1, now, labels, rosters[job], hours=1, scores=scores[job]), folder)
    with prometheus(folder, {}, "--storage.tsdb.retention.time=100y") as server:
        yield Weeks(server, companies, {})


ABSENCES = (EventKind.SILENT, EventKind.TEAM_SILENT)


@pytest.mark.parametrize("job", MONDAYS)
def test_people_with_drops_are_the_first_rows(weeks: Weeks, job: str) -> None:
    rows = weeks.rows(job, BELOW_TITLE)
    users = [row["user"] for row in rows]
    dropped = weeks.planted(job, *SLUMPS)
    person, *_ = weeks.companies[job].events
    assert users[0] in person.user_ids
    assert set(users[:FIRST]) <= dropped


@pytest.mark.parametrize("job", MONDAYS)
def test_nobody_on_leave_or_holiday_is_among_the_first(weeks: Weeks, job: str) -> None:
    first = {row["user"] for row in weeks.rows(job, BELOW_TITLE)[:FIRST]}
    dropped = weeks.planted(job, *SLUMPS)
    assert not first & (weeks.planted(job, *ABSENCES) - dropped)
    if job == "holiday":
        people = {person.user_id: person for person in weeks.companies[job].people}
        assert not [user for user in first - dropped if people[str(user)].region == "Americas"]


@pytest.mark.parametrize("job", MONDAYS)
def test_a_sentence_counts_who_is_below_and_who_alerts(weeks: Weeks, job: str) -> None:
    rarities = [float(row[RARITY_TITLE]) for row in weeks.rows(job, BELOW_TITLE)]
    alerting = sum(years >= USER_YEARS for years in rarities)
    words = f"{len(rarities)} people did less than chance brings once a year"
    if alerting:
        first = "the first" if alerting == 1 else f"the first {alerting}"
        words += f"; {first}, less than once in {USER_YEARS:g} years"
    assert weeks.sentences(job)[words] == (2 if alerting else 0)


@pytest.mark.parametrize("job", MONDAYS)
def test_a_holiday_is_said_to_explain_the_week(weeks: Weeks, job: str) -> None:
    share, region = min((share, name) for name, share in at_work(weeks.companies[job]).items())
    said = [words for words in weeks.sentences(job) if words.endswith("a holiday, or leave?")]
    assert len(said) == (share < LULL)
    for words in said:
        assert words.startswith(f"{region} at work on {round(100 * share)} % of the usual days")
    if job == "holiday":
        assert said
        assert region == "Americas"


def at_work(company: SimulatedCompany) -> Mapping[str, float]:
    """Each region's days at work in the last week, against a mean week of the three before."""
    roster = roster_of(company)
    days: dict[str, list[int]] = {row["region"]: [0, 0] for row in roster.values()}
    for ago in range(1, 29):
        day = company.today - timedelta(days=ago)
        for user in counted(company, day).keys() & roster.keys():
            days[roster[user]["region"]][ago > 7] += 1
    return {region: 3 * week / before for region, (week, before) in days.items()}


@pytest.mark.parametrize("job", MONDAYS)
def test_a_row_says_why(weeks: Weeks, job: str) -> None:
    team = weeks.companies[job].events[1].user_ids
    for row in weeks.rows(job, BELOW_TITLE):
        assert row["Person"]
        assert row["Team"]
        assert row["Manager"]
        assert row["Why"]
        assert str(row["Team's"]).endswith("%")
        expected = float(row["Expected"])
        shown = float(row["Did"]) / expected - 1 if expected >= CHANCE else math.nan
        assert row["Change"] == pytest.approx(shown, nan_ok=True)
        if row["user"] in team:
            assert row["Why"] == "team is down too" or str(row["Why"]).startswith("silent since")


@pytest.mark.parametrize("job", MONDAYS)
def test_whoever_is_away_is_in_one_list_alone(weeks: Weeks, job: str) -> None:
    away = {row["user"] for row in weeks.rows(job, AWAY_TITLE)}
    assert away
    assert not away & {row["user"] for row in weeks.rows(job, BELOW_TITLE)}
    silent = [
        event.user_ids
        for event in weeks.companies[job].events
        if event.event.kind is EventKind.SILENT and event.event.days > 7
    ]
    assert {user for users in silent for user in users} <= away


def test_without_a_roster_people_are_addresses_and_there_are_no_empty_columns(
    weeks: Weeks,
) -> None:
    rows = weeks.rows("no-roster", BELOW_TITLE)
    assert rows
    for row in rows:
        assert "@" in str(row["Person"])
        assert row["Why"]
        assert not {"Team", "Manager", "Team's", "Company"} & row.keys()


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("few-days", "Scores start after 14 days of history: 9 of 84 days are here"),
        ("no-history", "no-history has no scores: it keeps no day history"),
        ("no-people", "no-people publishes scores of teams, and none of people"),
    ],
)
def test_an_empty_table_says_why(weeks: Weeks, job: str, words: str) -> None:
    assert words in weeks.sentences(job)
    for title in (BELOW_TITLE, AWAY_TITLE):
        (row,) = weeks.rows(job, title)
        assert row["Why"] == words


def test_an_outage_leaves_the_last_numbers_and_is_said(weeks: Weeks) -> None:
    before = weeks.rows("usual", BELOW_TITLE)
    after = weeks.rows("usual", BELOW_TITLE, HOUR)
    assert [row["user"] for row in after] == [row["user"] for row in before]
    assert weeks.rows("usual", AWAY_TITLE, HOUR) == weeks.rows("usual", AWAY_TITLE)
    assert weeks.sentences("usual", HOUR)["usual does not answer: these are its last numbers"] == 3


def test_long_after_an_exporter_went_down_that_is_said_alone(weeks: Weeks) -> None:
    long_after = timedelta(days=9)
    words = "No exporter has answered in the last seven days"
    assert weeks.sentences("usual", long_after) == {words: 3}
    for title in (BELOW_TITLE, AWAY_TITLE):
        (row,) = weeks.rows("usual", title, long_after)
        assert row["Why"] == words


def test_rarities_have_the_colours_of_the_alerts() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    years = {
        float(rule["expr"].rpartition(">")[2])
        for group in groups
        for rule in group["rules"]
        if rule["alert"] == "GongUserActivityDrop"
    }
    assert {value for value, _ in ALERT_STEPS if value is not None} == years
