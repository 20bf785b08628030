"""The dashboards where not all is well: an outage, other windows, several companies, no numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dashboards.pages import UIDS, dashboard, panels, target, targets
from tests.support.dashboard_situations import (
    DAY,
    DOWN,
    EARLIER,
    FETCHED,
    FILLED,
    HOUR,
    LEFT,
    LONG_DOWN,
    NEW,
    NOW,
    STALE,
    TO_DATE,
    WELL,
    WENT_DOWN,
    samples,
)
from tests.support.dashboard_variables import Variables
from tests.support.servers import Prometheus, prometheus, promtool
from tools.dashboards.expected import NOON
from tools.dashboards.history import UNKNOWN
from tools.dashboards.looks import SCRAPED

pytestmark = pytest.mark.server("prometheus", "promtool")

OVERVIEW, TEAM, USER, EXPORTER, _ = UIDS


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

    def of_well_and(
        self, job: str, title: str, ref: str = "A"
    ) -> list[tuple[dict[str, str], float]]:
        """What a query of the overview gives for two companies, now."""
        expr, _ = target(OVERVIEW, title, ref).put(self.variables(OVERVIEW, job=WELL), DAY)
        return self.server.query(expr.replace(f'job=~"{WELL}"', f'job=~"{WELL}|{job}"'), NOW)


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


def current(situations: Situations, uid: str, job: str) -> dict[str, str]:
    """What is chosen, apart from the moment that panels show."""
    chosen = situations.variables(uid, job=job).current
    return {name: option.text for name, option in chosen.items() if name != "as_of"}


@pytest.mark.parametrize("job", [DOWN, LONG_DOWN, FILLED, NEW])
@pytest.mark.parametrize("uid", [OVERVIEW, TEAM, USER])
def test_what_can_be_chosen_is_there_after_an_outage_or_a_backfill_and_at_the_start(
    situations: Situations, uid: str, job: str
) -> None:
    found = current(situations, uid, job)
    assert found == current(situations, uid, WELL) | (
        {"job": job} | ({"user": f"1@{job}.example"} if uid == USER else {})
    )
    assert (found["metric"], found["window"]) == ("calls as host", "7d")


@pytest.mark.parametrize("uid", [OVERVIEW, TEAM, USER])
def test_an_outage_takes_no_number_away(situations: Situations, uid: str) -> None:
    """The numbers change once a day."""
    compared = 0
    for each in targets(dashboard(uid)):
        if each.instant and each.panel != "Freshness":
            well, down = (
                sorted(value for _, value in situations.shown(uid, each.panel, each.ref, job=job))
                for job in (WELL, DOWN)
            )
            if job_has_numbers := bool(well):
                assert down == well or each.panel == "Against earlier, $window", each.panel
            compared += job_has_numbers
    assert compared > 5


def test_an_outage_of_one_company_takes_it_out_of_no_sum(situations: Situations) -> None:
    both = f"{WELL}|{DOWN}"
    variables = situations.variables(OVERVIEW, job=WELL)
    (model,) = (each for each in variables.models if each["name"] == "as_of")
    query = variables.put_into(model["query"]["query"]).replace(f'"{WELL}"', f'"{both}"')
    ((_, as_of),) = situations.server.query(query.removeprefix("query_result"), NOW)
    assert as_of == WENT_DOWN[DOWN]
    expr, _ = target(OVERVIEW, "Teams against what was expected").put(variables, DAY)
    expr = expr.replace(f'"{WELL}"', f'"{both}"')
    expr = expr.replace(f"@ {variables.current['as_of'].value}", f"@ {as_of}")
    rows = situations.server.query(expr, NOW)
    assert {labels["job"] for labels, _ in rows} == {WELL, DOWN}


@pytest.mark.parametrize(
    ("job", "seconds"), [(WELL, 0), (DOWN, HOUR), (LONG_DOWN, 30 * HOUR), (NEW, 60)]
)
def test_freshness_says_how_old_the_numbers_are(
    situations: Situations, job: str, seconds: int
) -> None:
    ((_, scraped),) = situations.shown(OVERVIEW, "Freshness", "B", job=job)
    assert scraped == seconds
    colours = [colour for value, colour in SCRAPED if value is None or value <= scraped]
    assert colours[-1] == ("red" if job in WENT_DOWN else "green")


def test_freshness_is_that_of_the_company_that_is_furthest_behind(situations: Situations) -> None:
    for ref, seconds in (("A", FETCHED[STALE]), ("B", 0)):
        ((_, age),) = situations.of_well_and(STALE, "Freshness", ref)
        assert age == seconds


def test_data_reaches_as_far_as_that_of_the_company_that_is_furthest_behind(
    situations: Situations,
) -> None:
    ((_, day),) = situations.of_well_and(STALE, "Data up to")
    assert day == 1000 * (NOW // DAY * DAY - DAY - NOON)


@pytest.mark.parametrize(
    ("title", "value"),
    [("Last poll", 1), ("Oldest fetch", HOUR + 60), ("Next poll in", 600 - HOUR)],
)
def test_the_exporters_page_knows_the_last_poll_after_an_outage(
    situations: Situations, title: str, value: int
) -> None:
    ((_, found),) = situations.shown(EXPORTER, title, job=DOWN)
    assert found == value


def test_the_exporters_page_shows_others_as_they_are_during_an_outage_of_one(
    situations: Situations,
) -> None:
    rows = situations.shown(EXPORTER, "Windows", "C", job="$__all")
    ages = {labels["job"]: age for labels, age in rows if labels["window"] == "7d"}
    assert (ages[WELL], ages[DOWN]) == (FETCHED[WELL], HOUR + 60)


def test_an_outage_leaves_the_trends(situations: Situations) -> None:
    trend = target(OVERVIEW, "Trend: ${metric:text}, $window at a time")
    variables = situations.variables(OVERVIEW, job=LONG_DOWN)
    assert set(trend.values(situations.server, variables, 2 * DAY)) == {40}


def test_windows_are_in_the_order_of_their_lengths(situations: Situations) -> None:
    chosen = situations.variables(OVERVIEW, job=TO_DATE)
    assert [option.value for option in chosen.options["window"]] == ["wtd", "mtd"]


@pytest.mark.parametrize(
    ("uid", "title", "words"),
    [
        (OVERVIEW, "All activity, 7 days", "not known yet"),
        (OVERVIEW, "Against the usual", "not known yet"),
        (OVERVIEW, "Silent for a week", "not known yet"),
        (TEAM, "All activity, 7 days", "no team has scores"),
        (TEAM, "Against expected", "no team has scores"),
        (TEAM, "Silent for a week", "not known yet"),
    ],
)
def test_what_the_detector_does_not_know_yet_is_no_number(
    situations: Situations, uid: str, title: str, words: str
) -> None:
    """A green 0 would say that all people are active."""
    assert situations.shown(uid, title, job=STALE) == []
    (panel,) = (p for p in panels(dashboard(uid)) if p["title"] == title)
    assert panel["fieldConfig"]["defaults"]["noValue"] == words


def test_who_has_left_the_company_is_in_no_list(situations: Situations) -> None:
    for uid, title in (
        (OVERVIEW, "Furthest below what was expected"),
        (TEAM, "Members against what was expected"),
    ):
        rows = situations.shown(uid, title, job=LEFT)
        assert [labels["user"] for labels, _ in rows] == [f"{LEFT}-1"]


def test_who_has_left_the_company_is_not_counted_as_silent(situations: Situations) -> None:
    ((_, silent),) = situations.shown(OVERVIEW, "Silent for a week", job=LEFT)
    assert silent == 1
    ((_, silent),) = situations.shown(OVERVIEW, "Silent for a week", job=DOWN)
    assert silent == 0


@pytest.mark.parametrize("uid", [OVERVIEW, TEAM, USER])
def test_the_window_is_against_a_quarter_and_a_year_ago(situations: Situations, uid: str) -> None:
    for ref, days in (("A", 91), ("B", 364)):
        ((_, change),) = situations.shown(uid, "Against earlier, $window", ref, job=WELL)
        assert change == pytest.approx(20 / EARLIER[days] - 1)
        ((_, change),) = situations.shown(uid, "Against earlier, $window", ref, job=STALE)
        assert change == UNKNOWN


def test_teams_of_the_same_name_say_whose_they_are(situations: Situations) -> None:
    title = "Teams against what was expected"
    rows = situations.of_well_and(LEFT, title)
    assert sorted(labels["company"] for labels, _ in rows) == sorted([WELL, LEFT])
    ((labels, _),) = situations.shown(OVERVIEW, title, job=WELL)
    assert "company" not in labels, "one company needs no column"


def test_a_stale_company_is_not_behind_a_fresh_one(situations: Situations) -> None:
    rows = situations.shown(EXPORTER, "Windows", "C", job="$__all")
    ages = {labels["job"]: age for labels, age in rows if labels["window"] == "7d"}
    assert ages[WELL] == FETCHED[WELL]
    assert ages[STALE] == FETCHED[STALE]
