"""What reviewers look for in dashboards, checked over the committed JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.dashboards.pages import UIDS, Json, dashboard, panels, span
from tools.dashboards.team import COUNTERS

CORE = {"bargauge", "barchart", "gauge", "stat", "table", "text", "timeseries"}
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
ALL_VALUES = {"job": ".+", "instance": ".+"}
ALL_VALUES |= dict.fromkeys(("team", "manager", "region", "role"), ".*")
"""``.*`` for columns of the roster: people who have none are kept."""

EVERY_PANEL = [(uid, panel) for uid in UIDS for panel in panels(dashboard(uid))]
PANELS = pytest.mark.parametrize(
    ("uid", "panel"), EVERY_PANEL, ids=[f"{uid}: {panel['title']}" for uid, panel in EVERY_PANEL]
)


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_is_ready_to_be_provisioned(uid: str) -> None:
    page = dashboard(uid)
    assert page["uid"] == uid
    assert page["id"] is None
    assert page["editable"] is False
    assert "gong" in page["tags"]
    assert page["title"].startswith("Gong / ")
    assert page["description"]
    assert page["refresh"]
    assert page["timezone"] == "browser"


@pytest.mark.parametrize("uid", UIDS)
def test_links_to_the_others_keep_time_and_choices(uid: str) -> None:
    links = dashboard(uid)["links"]
    order = [UIDS[-1], *UIDS[:-1]]  # this week is the first
    assert [link["url"] for link in links] == [f"/d/{other}" for other in order if other != uid]
    for link in links:
        assert link["type"] == "link"
        assert link["title"]
        assert link["keepTime"] is True
        assert link["includeVars"] is True


def cell_links(page: Json) -> Iterator[str]:
    """The addresses in a dashboard's cells."""
    for panel in panels(page):
        for override in panel["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                if prop["id"] == "links":
                    yield from (link["url"] for link in prop["value"])


def test_links_of_this_week_keep_all_that_can_be_chosen_on_both_pages() -> None:
    page = dashboard("gong-this-week")
    for url in cell_links(page):
        path, _, parameters = url.partition("?")
        target = dashboard(path.removeprefix("/d/"))
        names, there = (
            {one["name"] for one in each["templating"]["list"] if not one.get("hide")}
            for each in (page, target)
        )
        kept = set(re.findall(r"\$\{(\w+):queryparam\}", parameters))
        chosen = set(re.findall(r"var-(\w+)=", parameters))
        assert kept == (names & there) - chosen
        assert chosen <= there
        assert "${__url_time_range}" in parameters


def test_links_in_cells_keep_time_and_choices_and_lead_somewhere() -> None:
    found = {url for uid in UIDS[:-1] for url in cell_links(dashboard(uid))}
    assert found
    for url in found:
        path, _, parameters = url.partition("?")
        target = path.removeprefix("/d/")
        assert target in UIDS
        kept = set(re.findall(r"\$\{(\w+):queryparam\}", parameters))
        assert kept == {"datasource", "metric", "window"} | ({"job"} & kept)
        assert ("job" in kept) != ("var-job=${__data.fields.job" in parameters)
        assert "${__url_time_range}" in parameters
        names = {variable["name"] for variable in dashboard(target)["templating"]["list"]}
        assert kept | set(re.findall(r"var-(\w+)=", parameters)) <= names


def test_a_team_leads_to_the_team_of_its_own_company() -> None:
    """Another company may have one of the same name, whose members would be added to it."""
    (teams,) = (p for p in panels(dashboard(UIDS[0])) if p["title"].startswith("Teams"))
    (link,) = cell_links({"panels": [teams]})
    assert "var-job=${__data.fields.job:percentencode}" in link
    organized = [t["options"] for t in teams["transformations"] if t["id"] == "organize"]
    assert not any(options["excludeByName"].get("job") for options in organized)
    hidden = [o for o in teams["fieldConfig"]["overrides"] if o["matcher"]["options"] == "job"]
    assert hidden


@pytest.mark.parametrize("uid", UIDS)
def test_the_data_source_can_be_chosen(uid: str) -> None:
    first = dashboard(uid)["templating"]["list"][0]
    assert (first["type"], first["name"], first["label"]) == (
        "datasource",
        "datasource",
        "Data source",
    )
    assert first["query"] == "prometheus"


@pytest.mark.parametrize("uid", UIDS)
def test_variables_ask_prometheus_again_when_the_time_range_changes(uid: str) -> None:
    for variable in dashboard(uid)["templating"]["list"][1:]:
        assert variable["type"] == "query"
        assert variable["refresh"] == 2
        assert variable["datasource"] == DATA_SOURCE
        assert variable["label"]
        assert variable["description"]
        assert "\n" not in variable["query"]["query"]
        if variable.get("includeAll") and not variable.get("hide"):
            assert variable["allValue"] == ALL_VALUES[variable["name"]]


@pytest.mark.parametrize("uid", UIDS)
def test_jobs_can_be_chosen_and_processes_where_they_matter(uid: str) -> None:
    variables = {each["name"]: each for each in dashboard(uid)["templating"]["list"]}
    assert variables["job"]["multi"] is True
    # The others take replicas together, and backfilled samples may have no instance.
    assert ("instance" in variables) == (uid == "gong-exporter")


@PANELS
def test_a_panel_says_what_it_shows(uid: str, panel: Json) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 40
    assert panel["type"] in CORE
    assert panel["datasource"] == DATA_SOURCE
    assert panel["targets"]
    assert all(target["datasource"] == DATA_SOURCE for target in panel["targets"])
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@PANELS
def test_thresholds_begin_at_the_beginning_and_rise(uid: str, panel: Json) -> None:
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    if steps:
        values = [step["value"] for step in steps]
        assert values[0] is None
        assert values[1:] == sorted(set(values[1:]))
    if panel["type"] == "stat":
        # Also of the words in the place of a number: green would say that all is well.
        assert steps[0]["color"] == "text"


@pytest.mark.parametrize("uid", UIDS)
def test_titles_on_a_page_differ(uid: str) -> None:
    titles = [panel["title"] for panel in panels(dashboard(uid))]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("uid", UIDS)
def test_panels_fill_the_grid_without_overlap(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(uid)["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    height = max(y for _, y in taken) + 1
    assert taken == {(x, y) for x in range(COLUMNS) for y in range(height)}


@pytest.mark.parametrize("uid", UIDS)
def test_ids_of_panels_differ(uid: str) -> None:
    ids = [panel["id"] for panel in dashboard(uid)["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("uid", UIDS)
def test_freshness_is_in_the_first_line(uid: str) -> None:
    first = {p["title"] for p in panels(dashboard(uid)) if p["gridPos"]["y"] < 8}
    assert first & {"Freshness", "Oldest fetch"}


def test_the_quota_is_on_the_exporters_page_alone() -> None:
    with_quota = {uid for uid in UIDS if "quota" in json.dumps(dashboard(uid))}
    assert with_quota == {"gong-exporter"}


@PANELS
def test_a_panel_has_no_option_that_grafana_13_moves_or_ignores(uid: str, panel: Json) -> None:
    del uid
    overrides = panel["fieldConfig"]["overrides"]
    names = {prop["id"] for override in overrides for prop in override["properties"]}
    assert not names & {"custom.hidden", "custom.hideFrom", "custom.displayMode"}
    if panel["type"] == "table":
        assert "footer" not in panel["options"]


@PANELS
def test_a_panel_without_data_says_so_in_words(uid: str, panel: Json) -> None:
    del uid
    assert re.search(r"[a-zA-Z]{2}", panel["fieldConfig"]["defaults"]["noValue"])


@PANELS
def test_a_title_does_not_need_the_variables_of_numbers_to_be_read(uid: str, panel: Json) -> None:
    """A title of variables alone reads "Company: ," before there is any data."""
    del uid
    assert re.sub(r"\$\{[^}]*\}|\$\w+", "", panel["title"]).strip(" :,")


@pytest.mark.parametrize("uid", UIDS)
def test_the_moment_that_panels_show_is_in_no_address(uid: str) -> None:
    """A bookmark of yesterday would show yesterday."""
    hidden = [each for each in dashboard(uid)["templating"]["list"] if each.get("hide")]
    assert ("as_of" in {each["name"] for each in hidden}) == (uid != "gong-exporter")
    for variable in hidden:
        assert variable["hide"] == 2
        assert variable["skipUrlSync"] is True


@pytest.mark.parametrize("uid", UIDS)
def test_nothing_comes_from_elsewhere(uid: str) -> None:
    assert not re.search(r"https?://|<img|<script|<iframe", json.dumps(dashboard(uid)))


@pytest.mark.parametrize("uid", UIDS)
def test_the_first_range_is_within_prometheuss_default_retention(uid: str) -> None:
    assert span(dashboard(uid)) <= 15 * 86_400


LAPTOP, GRID_GAP, PANEL_EDGE = 1366, 16, 24
"""Pixels of a page; between panels; and of a panel beside its table."""


@PANELS
def test_columns_fit_a_laptop(uid: str, panel: Json) -> None:
    """Or names, and the last column, are cut."""
    if panel["type"] != "table":
        return
    widths = 0
    for override in panel["fieldConfig"]["overrides"]:
        properties = {prop["id"]: prop["value"] for prop in override["properties"]}
        if override["matcher"]["id"] == "byName" and "custom.hideFrom.viz" not in properties:
            least = properties.get("custom.minWidth", 0)
            widths += properties.get("custom.width", least)
    page = LAPTOP - GRID_GAP
    assert widths <= page * panel["gridPos"]["w"] / COLUMNS - GRID_GAP - PANEL_EDGE, uid


def test_short_titles_of_counters_are_explained_below_them() -> None:
    (legend,) = (p for p in dashboard("gong-team")["panels"] if p["type"] == "text")
    for metric, title in COUNTERS.items():
        assert f"**{title}** {metric.replace('_', ' ')}" in legend["options"]["content"]
