"""The dashboards where not all is well: an outage, other windows, several companies, no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.dashboards.pages import UIDS, Json, dashboard, panels, target
from tests.support.dashboard_history import braces
from tests.support.dashboard_variables import Variables
from tests.support.servers import Prometheus, prometheus, promtool
from tools.dashboards.looks import TOO_LITTLE

pytestmark = pytest.mark.server("prometheus", "promtool")

OVERVIEW, TEAM, USER, EXPORTER = UIDS
NOW = int(datetime(2026, 3, 16, 18, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400
WENT_DOWN = NOW - 30 * HOUR

WELL, DOWN, TO_DATE, WEEK, STALE, LEFT = "well", "down", "to-date", "week", "stale", "left"
"""All well; down for thirty hours; month and week to date alone; a week alone; polls fail; nobody
has done anything this week, and one of them has left the company."""
WINDOWS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    WELL: {"7d": (7, 20), "28d": (28, 80)},
    DOWN: {"7d": (7, 20), "28d": (28, 80)},
    TO_DATE: {"mtd": (15, 40), "wtd": (3, 10)},
    WEEK: {"7d": (7, 20)},
    STALE: {"7d": (7, 11), "28d": (28, 80)},
    LEFT: {"7d": (7, 0), "28d": (28, 80)},
}
"""By job and window: how many days it has, and how many calls everybody had in it."""
FETCHED = {WELL: 60, STALE: 5 * HOUR}
"""Seconds ago."""


@dataclass(frozen=True)
class Situations:
    """A Prometheus with a few people in each situation."""

    server: Prometheus

    def variables(self, uid: str, **chosen: str) -> Variables:
        """A dashboard's variables."""
        return Variables(dashboard(uid)["templating"]["list"], self.server, NOW, chosen)

    def shown(
        self, uid: str, title: str, ref: str = "A", **chosen: str
    ) -> list[tuple[dict[str, str], float]]:
        """What a panel's query gives."""
        variables = self.variables(uid, **chosen)
        expr, _ = target(uid, title, ref).put(variables, DAY)
        return self.server.query(expr, NOW)


def samples() -> Iterator[str]:
    """Every ten minutes of three days."""
    families: dict[str, list[str]] = {}

    def add(name: str, labels: Mapping[str, str], value: float, last: int) -> None:
        lines = families.setdefault(name, [])
        for moment in range(NOW - 3 * DAY, last + 1, 600):
            lines.append(f"{name}{braces(labels)} {value} {moment}\n")

    for job, windows in WINDOWS.items():
        last = WENT_DOWN if job == DOWN else NOW
        target = {"job": job, "instance": f"{job}:1"}
        for person in ("1", "2"):
            who = {**target, "user": f"{job}-{person}", "email": f"{person}@{job}.example"}
            active = "false" if (job, person) == (LEFT, "2") else "true"
            add("gong_user_info", {**who, "team": "Same Name", "active": active}, 1, last)
            for window, (_, calls) in windows.items():
                what = {"metric": "calls_as_host", "window": window}
                add("gong_user_activity", {**who, **what}, calls, last)
        for window, (days, _) in windows.items():
            each = {**target, "window": window}
            end = last // DAY * DAY
            add("gong_activity_window_end_timestamp_seconds", each, end, last)
            add("gong_activity_window_start_timestamp_seconds", each, end - days * DAY, last)
            ago = last - FETCHED.get(job, 60)
            add("gong_exporter_last_success_timestamp_seconds", each, ago, last)
    for name, lines in families.items():
        yield f"# TYPE {name} gauge\n"
        yield from lines
    yield "# EOF\n"


@pytest.fixture(scope="module")
def situations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situations]:
    """All of them in one Prometheus."""
    folder: Path = tmp_path_factory.mktemp("situations")
    (folder / "samples.om").write_text("".join(samples()), encoding="utf-8")
    made = promtool(
        *("tsdb", "create-blocks-from", "--max-block-duration=1000h", "openmetrics"),
        str(folder / "samples.om"),
        str(folder / "data"),
    )
    assert made.returncode == 0, made.stderr.decode()
    with prometheus(folder, {}, "--storage.tsdb.retention.time=100y") as server:
        yield Situations(server)


@pytest.mark.parametrize("uid", [OVERVIEW, TEAM, USER])
def test_an_outage_does_not_take_away_what_can_be_chosen(situations: Situations, uid: str) -> None:
    before = situations.variables(uid, job=WELL).current
    after = situations.variables(uid, job=DOWN).current
    for name in ("metric", "window", "usual"):
        assert after[name] == before[name]
        assert after[name].value
    if uid == USER:
        assert after["user"].text == "1@down.example"


def test_an_outage_leaves_the_trends(situations: Situations) -> None:
    trend = target(OVERVIEW, "Trend: ${metric:text}, $window at a time")
    variables = situations.variables(OVERVIEW, job=DOWN)
    assert set(trend.values(situations.server, variables, 2 * DAY)) == {40}


@pytest.mark.parametrize(
    "title", ["Company: ${metric:text}, $window", "Against the usual", "Fell silent"]
)
def test_an_outage_shows_no_numbers_of_before(situations: Situations, title: str) -> None:
    assert situations.shown(OVERVIEW, title, job=DOWN) == []


def test_windows_are_in_the_order_of_their_lengths(situations: Situations) -> None:
    chosen = situations.variables(OVERVIEW, job=TO_DATE)
    assert [option.value for option in chosen.options["window"]] == ["wtd", "mtd"]
    assert [option.value for option in chosen.options["usual"]] == ["mtd", "wtd"]
    ((_, change),) = situations.shown(OVERVIEW, "Against the usual", job=TO_DATE)
    assert change == pytest.approx(20 / (60 * 3 / 12) - 1)


def test_with_one_window_nobody_is_said_not_to_be_silent(situations: Situations) -> None:
    ((_, change),) = situations.shown(OVERVIEW, "Against the usual", job=WEEK)
    assert change == TOO_LITTLE
    assert situations.shown(OVERVIEW, "Fell silent", job=WEEK) == []
    assert situations.shown(TEAM, "Fell silent", job=WEEK) == []
    assert situations.shown(USER, "Counters down by half", job=WEEK) == []


@pytest.mark.parametrize("title", ["Who fell silent", "Most below their usual"])
def test_who_has_left_the_company_is_in_no_list(situations: Situations, title: str) -> None:
    rows = situations.shown(OVERVIEW, title, job=LEFT)
    assert [labels["user"] for labels, _ in rows] == [f"{LEFT}-1"]


def test_who_has_left_the_company_is_not_counted_as_silent(situations: Situations) -> None:
    ((_, silent),) = situations.shown(OVERVIEW, "Fell silent", job=LEFT)
    assert silent == 1


def test_only_companies_with_both_windows_are_compared(situations: Situations) -> None:
    """Or somebody's week would be held against nobody's month."""
    alone = situations.shown(OVERVIEW, "Against the usual", job=WELL)
    variables = situations.variables(OVERVIEW, job=WELL)
    expr, _ = target(OVERVIEW, "Against the usual").put(variables, DAY)
    both = expr.replace(f'job=~"{WELL}"', f'job=~"{WELL}|{WEEK}"')
    assert both != expr
    assert situations.server.query(both, NOW) == alone


def test_teams_of_the_same_name_say_whose_they_are(situations: Situations) -> None:
    variables = situations.variables(OVERVIEW, job=WELL)
    title = "Teams against their usual"
    expr, _ = target(OVERVIEW, title).put(variables, DAY)
    both = expr.replace(f'job=~"{WELL}"', f'job=~"{WELL}|{STALE}"')
    rows = [labels for labels, _ in situations.server.query(both, NOW)]
    assert sorted(labels["company"] for labels in rows) == sorted([WELL, STALE])
    ((labels, _),) = situations.shown(OVERVIEW, title, job=WELL)
    assert "company" not in labels, "one company needs no column"


def test_a_stale_company_is_not_behind_a_fresh_one(situations: Situations) -> None:
    rows = situations.shown(EXPORTER, "Windows", "C", job="$__all")
    ages = {labels["job"]: age for labels, age in rows if labels["window"] == "7d"}
    assert ages[WELL] == FETCHED[WELL]
    assert ages[STALE] == FETCHED[STALE]


EVERY_PANEL = [(uid, panel) for uid in UIDS for panel in panels(dashboard(uid))]


@pytest.mark.parametrize(
    ("uid", "panel"), EVERY_PANEL, ids=[f"{uid}: {panel['title']}" for uid, panel in EVERY_PANEL]
)
def test_no_number_is_neither_good_nor_bad(uid: str, panel: Json) -> None:
    """Words in the place of a number have the first colour: green would say that all is well."""
    del uid
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["noValue"]
    if panel["type"] == "stat":
        assert defaults["thresholds"]["steps"][0]["color"] == "text"
