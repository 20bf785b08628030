"""This week: who needs attention, against what was expected of them, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import dashboard, stat, table
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.common import NO_TEAM, freshness
from tools.dashboards.expected import WEEK, team_change
from tools.dashboards.looks import (
    COMPANY_CHANGE,
    leads_to,
    prop,
    query,
    thresholds,
    transform,
    wide,
)
from tools.dashboards.page import (
    Page,
    filter_by,
    job,
    last_scraped,
    query_variable,
    team,
)
from tools.dashboards.panels import number, rows, sized
from tools.dashboards.promql import FILTERS, last_known, with_company
from tools.dashboards.week_people import (
    AWAY_TITLE,
    BELOW_TITLE,
    TEAM_LINK,
    people_away,
    people_below,
)
from tools.dashboards.week_promql import (
    HISTORY,
    away,
    listed,
    of_the_chosen_team,
)
from tools.dashboards.week_words import how_many, lull, no_scores, why_empty

TEAMS = 5
LABELLED_TEAM_LINK = TEAM_LINK.replace("__data.fields.", "__field.labels.")

MARKS: Mapping[str, tuple[str, str]] = {
    "0": ("\u2713", "green"),
    "1": ("i", "blue"),
    "2": ("!", "orange"),
    "3": ("!", "red"),
}
"""Of sentences, by how bad they are."""

HIDE = models.VariableHide.HIDE_VARIABLE


def week() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-this-week",
        "Gong / This week",
        "Who needs attention this week, against what was expected of them, and why.",
        since="now-7d",
        refresh="5m",
    )
    page.choices(
        job(),
        last_scraped(HISTORY),
        team(),
        *map(filter_by, FILTERS),
        people_of("listed", BELOW_TITLE, listed()),
        people_of("away", AWAY_TITLE, away()),
        why_lists_are_empty(),
    )
    up_to, fresh = freshness(HISTORY, "")
    page.line(4, (6, _company()), (10, _teams()), (3, up_to), (5, fresh))
    page.line(4, (24, _sentences()))
    page.line(12, (24, people_below()))
    page.line(8, (24, people_away()))
    return page.build()


def people_of(name: str, title: str, chosen: str) -> dashboard.QueryVariable:
    """Who is in a table; its queries read these people alone."""
    return (
        query_variable(
            name,
            name.capitalize(),
            f'Gong\'s ids of the people in the table "{title}".',
            f"query_result({chosen})",
        )
        .regex('/user="(?<text>(?<value>[^"]*))"/')
        .multi(True)
        .include_all(True)
        .hide(HIDE)
    )


def why_lists_are_empty() -> dashboard.QueryVariable:
    """What tables without people say."""
    return (
        query_variable(
            "why_empty",
            "Why empty",
            "Why a list of people is empty.",
            f"query_result({why_empty()})",
        )
        .regex('/words="(?<text>(?<value>[^"]*))"/')
        .hide(HIDE)
    )


def _company() -> stat.Panel:
    did, usual = (
        f"sum({last_known(f'gong_company_{kind}_activity', WEEK)})"
        for kind in ("observed", "usual")
    )
    panel = number(
        "Company, last 7 days",
        "Calls and contributions of everybody in the last seven whole days, against the mean of"
        " the three weeks before. Holidays are not taken out. Orange below -15 %, red below -30 %.",
        query(f"{did} / ({usual} > 0) - 1", legend="change"),
        query(did, legend="did"),
        query(usual, legend="usual"),
        names=True,
        missing="not known",
    )
    sized(panel, title=12, value=22)
    return panel.override_by_query("A", [prop("unit", "percentunit"), thresholds(*COMPANY_CHANGE)])


def _teams() -> stat.Panel:
    lowest = f"bottomk({TEAMS}, {of_the_chosen_team(team_change())})"
    panel = number(
        "Teams against expected, lowest first",
        f"The {TEAMS} teams furthest below what their usual would have brought in the last seven"
        " days, given the days on which their members were at work and how these days were for"
        " the rest of the company. Teams have at least three people.",
        query(f"sort({with_company(lowest)})", legend="{{team}} {{company}}"),
        unit="percentunit",
        thresholds=COMPANY_CHANGE,
        names=True,
        missing=NO_TEAM,
    )
    sized(panel, title=12, value=22)
    return panel.override_by_query("A", [leads_to("Open this team", LABELLED_TEAM_LINK)])


def _sentences() -> table.Panel:
    panel = rows(
        "In a sentence",
        "Whether the numbers are whole, how many people did less than chance brings one person once"
        " a year, and regions"
        " (teams, where the roster has no regions) that were at work on less than three quarters"
        " of their usual days, as in a week with a holiday. Leave and holidays are taken out of"
        " what is expected of people and teams.",
        f"{no_scores()}\nor {how_many()}\nor {lull()}",
        missing="no data",
    )
    panel.show_header(False)
    panel.with_transformation(
        transform("filterFieldsByName", include={"names": ["Value", "words"]})
    )
    panel.with_transformation(transform("organize", indexByName={"Value": 0, "words": 1}))
    panel.override_by_name("words", [prop("custom.wrapText", True)])
    marked = {value: {"text": text, "color": color} for value, (text, color) in MARKS.items()}
    return panel.override_by_name(
        "Value",
        [
            wide(34),
            prop("custom.align", "center"),
            prop("custom.cellOptions", {"type": "color-text"}),
            prop("mappings", [{"type": "value", "options": marked}]),
        ],
    )
