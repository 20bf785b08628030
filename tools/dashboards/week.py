"""This week: who needs attention, against what was expected of them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, stat, table
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.common import NOON
from tools.dashboards.looks import (
    AGE,
    COMPANY_CHANGE,
    PERSON_CHANGE,
    Step,
    coloured,
    graph,
    leads_to,
    narrow,
    prop,
    query,
    sorted_by,
    transform,
    wide,
)
from tools.dashboards.page import KEEP, Page, job, query_variable, team
from tools.dashboards.panels import number, rows
from tools.dashboards.promql import PERSON
from tools.dashboards.week_promql import (
    ENOUGH_DAYS,
    GONE,
    LAST_ANSWER,
    LISTED,
    PEOPLE,
    WEEK,
    active_days,
    alert,
    away_people,
    change,
    eight_weeks,
    expected,
    facts,
    for_everybody,
    known,
    last_active,
    listed,
    observed,
    of_the_chosen_team,
    rarity,
    roster,
    team_change,
    with_names,
)
from tools.dashboards.week_words import how_many, instead_of, lull, no_scores

TEAMS = 5
HERE = f"{KEEP}&${{job:queryparam}}"
PERSON_LINK = f"/d/gong-user?{HERE}&var-user=${{__data.fields.user}}"
TEAM_LINK = f"/d/gong-team?{HERE}&var-team=${{__data.fields.team:percentencode}}"
LABELLED_TEAM_LINK = f"/d/gong-team?{HERE}&var-team=${{__field.labels.team:percentencode}}"

RARITY: tuple[Step, ...] = ((None, "text"), (9, "orange"), (24, "red"))
"""In years; as the alerts on users, of severity info and warning."""

MARKS: Mapping[str, tuple[str, str]] = {
    "0": ("\u2713", "green"),
    "1": ("i", "blue"),
    "2": ("!", "orange"),
    "3": ("!", "red"),
}
"""Of sentences, by how bad they are."""

YEARS = (1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 24, 30, 40, 50, 70)
CAP = 100
"""From each of these on a rarity has its name. No rarity is above the last one."""

NOBODY_BELOW = "Nobody did less than chance explains"
NOBODY_AWAY = "Nobody who is usually active was away all week"

HIDE = models.VariableHide.HIDE_VARIABLE

ALERTS: Mapping[str, tuple[str, str]] = {
    "4": ("firing", "red"),
    "3": ("info", "orange"),
    "2": ("pending", "text"),
    "1": ("pending", "text"),
    "0": (" ", "text"),
}


def week() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-this-week",
        "Gong / This week",
        "Who needs attention this week, against what was expected of them, and why.",
        since="now-7d",
        refresh="5m",
    )
    page.choices(job(), as_of(), team(), manager(), listed_people())
    page.line(4, (6, _company()), (12, _teams()), (3, _up_to()), (3, _fetched()))
    page.line(4, (24, _sentences()))
    page.line(12, (24, _people()))
    page.line(9, (24, _away()))
    return page.build()


def manager() -> dashboard.QueryVariable:
    """Which manager's people."""
    return (
        query_variable(
            "manager",
            "Manager",
            "A manager of the roster (label manager). All is everybody.",
            f"query_result(count by (manager) ({roster('manager')}))",
        )
        .regex('/manager="(?<text>(?<value>.+))"/')
        .include_all(True)
        .all_value(".*")
    )


def as_of() -> dashboard.QueryVariable:
    """When the exporter last answered."""
    variable = query_variable(
        "as_of",
        "As of",
        "When the exporter last answered, in Unix seconds. Without an answer now, the last numbers"
        " are shown.",
        f"query_result({LAST_ANSWER})",
    )
    return variable.regex(r"/} (?<text>(?<value>\S+)) /").hide(HIDE)


def listed_people() -> dashboard.QueryVariable:
    """Who is in the first table; its other queries read these people alone."""
    return (
        query_variable(
            "listed",
            "Listed",
            "Gong's ids of the people in the first table.",
            f"query_result({listed()})",
        )
        .regex('/user="(?<text>(?<value>[^"]*))"/')
        .multi(True)
        .include_all(True)
        .hide(HIDE)
    )


def _company() -> stat.Panel:
    did, usual = (
        f"sum({known(f'gong_company_{kind}_activity', WEEK)})" for kind in ("observed", "usual")
    )
    panel = number(
        "Company, last 7 days",
        "Calls and contributions of everybody in the last seven whole days, against the mean of"
        " the three weeks before. Holidays are not taken out. Orange below -15 %, red below -30 %.",
        query(f"{did} / ({usual} > 0) - 1", "A", legend="change"),
        query(did, "B", legend="did"),
        query(usual, "C", legend="usual"),
        names=True,
        missing="needs 28 days of history",
    )
    return panel.override_by_query(
        "A", [prop("unit", "percentunit"), prop("thresholds", marks(COMPANY_CHANGE))]
    )


def marks(pairs: Sequence[Step]) -> dict[str, object]:
    """Thresholds of an override."""
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": color} for value, color in pairs],
    }


def _teams() -> stat.Panel:
    panel = number(
        "Teams against expected, lowest first",
        f"The {TEAMS} teams furthest below what their usual would have brought in the last seven"
        " days, given the days on which their members were at work and how these days were for"
        " the rest of the company. Teams have at least three people.",
        query(f"sort(bottomk({TEAMS}, {of_the_chosen_team(team_change())}))", legend="{{team}}"),
        unit="percentunit",
        thresholds=COMPANY_CHANGE,
        names=True,
        missing="no team has scores",
    )
    panel.text(common.VizTextDisplayOptions().title_size(12).value_size(22))
    return panel.override_by_query("A", [leads_to("Open this team", LABELLED_TEAM_LINK)])


def _up_to() -> stat.Panel:
    return number(
        "Data up to",
        "The last whole day of the company that the scores cover. Gong counts closed days only, so"
        " that yesterday is the freshest there is. With several companies: the oldest.",
        query(f"1000 * (min({known('gong_activity_history_end_timestamp_seconds')}) - {NOON})"),
        unit="time:ddd, D MMM",
        decimals=None,
        missing="no scores",
    )


def _fetched() -> stat.Panel:
    success = known("gong_exporter_last_success_timestamp_seconds")
    oldest = f"time() - min(max by (job, window) ({success}))"
    panel = number(
        "Fetched",
        "Time since numbers last arrived whole from Gong: the oldest, with several companies or"
        " windows. Orange after three hours, red after a day, and red while the exporter does not"
        " answer.",
        query(f"({oldest}) unless on () {GONE}", "A"),
        query(f"({oldest}) and on () {GONE}", "B"),
        unit="s",
        thresholds=AGE,
        missing="never",
    )
    return panel.override_by_query("B", [prop("color", {"mode": "fixed", "fixedColor": "red"})])


def _sentences() -> table.Panel:
    panel = rows(
        "In a sentence",
        "Whether the numbers are whole, how many people did less than chance explains, and regions"
        " (teams, where the roster has no regions) that were at work on less than three quarters"
        " of their usual days, as in a week with a holiday. Leave and holidays are taken out of"
        " what is expected of people and teams.",
        query(f"{no_scores()}\nor {how_many()}\nor {lull()}", as_table=True),
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


def _people() -> table.Panel:
    panel = rows(
        "Less than expected: the least explained by chance first",
        f"The {PEOPLE} people with the strongest evidence for a drop, among those whom chance"
        " alone lets do so little no more than once a year. Did and expected: calls and"
        " contributions of the last seven days, given the days at work; hosted calls where only"
        " hosting is down. Chance: one such person has so little once in this time. Alert: the"
        " state of GongUserActivityDrop in Prometheus; blank with Grafana's own rules.",
        query(instead_of(with_names(rarity(LISTED)), NOBODY_BELOW), "A", as_table=True),
        query(for_everybody(observed()), "B", as_table=True),
        query(for_everybody(expected()), "C", as_table=True),
        query(for_everybody(change()), "D", as_table=True),
        query(facts(), "E", as_table=True),
        query(active_days(7, LISTED), "F", as_table=True),
        query(last_active(LISTED), "G", as_table=True),
        query(alert(), "H", as_table=True),
        graph(eight_weeks(), "I", legend="", step="1d"),
        missing="no data",
    )
    panel.time_from("8w").hide_time_override(True).max_data_points(60)
    panel.with_transformation(transform("timeSeriesTable", I={"stat": "lastNotNull"}))
    titles = {
        PERSON: "Person",
        "team": "Team",
        "manager": "Manager",
        "words": "Why",
        "Value #A": "By chance",
        "Value #B": "Did",
        "Value #C": "Expected",
        "Value #D": "Change",
        "of_team": "Team's",
        "Trend #I": "8 weeks",
        "Value #F": "Days",
        "Value #G": "Last active",
        "Value #H": "Alert",
        "user": "user",
    }
    _arranged(panel, titles, "By chance", down=True)
    panel.override_by_name("By chance", [wide(122), *_rarity()])
    panel.override_by_regexp("/^(Did|Days)$/", [wide(50)])
    panel.override_by_name("Expected", [wide(78)])
    panel.override_by_name("Change", [wide(64), *coloured("percentunit", *PERSON_CHANGE)[:-1]])
    panel.override_by_name("Team's", [wide(64), prop("custom.align", "right")])
    panel.override_by_name(
        "8 weeks",
        [
            wide(76),
            prop("custom.cellOptions", SPARKLINE),
            prop("color", {"mode": "fixed", "fixedColor": "blue"}),
        ],
    )
    panel.override_by_name("Last active", [wide(94), prop("unit", "time:ddd D MMM")])
    panel.override_by_name("Alert", [wide(60), *_alerts()])
    return panel


EMPTY = models.SpecialValueMap(
    options=models.DashboardSpecialValueMapOptions(
        match=models.SpecialValueMatch.NULL_AND_NAN,
        result=models.ValueMappingResult(text=" "),
    )
)
"""Of an empty cell: the row beside it says what is to be said."""

SPARKLINE = {
    "type": "sparkline",
    "drawStyle": "line",
    "lineWidth": 1,
    "fillOpacity": 20,
    "hideValue": True,
    "showPoints": "never",
}


def _arranged(panel: table.Panel, titles: Mapping[str, str], first: str, *, down: bool) -> None:
    """One table of all queries, the columns and rows in order.

    The last column holds the id for the links of the others.
    """
    panel.with_transformation(transform("merge"))
    panel.with_transformation(
        transform(
            "organize",
            excludeByName=dict.fromkeys(("Time", "job", "Value #E"), True),
            indexByName={name: place for place, name in enumerate(titles)},
            renameByName=dict(titles),
        )
    )
    sorted_by(panel, first, down=down)
    panel.mappings([EMPTY])
    panel.override_by_name("Person", [narrow(135), leads_to("Open this person", PERSON_LINK)])
    panel.override_by_name("Team", [narrow(160), leads_to("Open this team", TEAM_LINK)])
    panel.override_by_name("Manager", [narrow(130)])
    panel.override_by_name("Why", [wide(200)])
    panel.override_by_regexp("/Person|Team|Manager|Why/", [prop("custom.wrapText", True)])
    arrow = {"type": "regex", "options": {"pattern": "/.*/", "result": {"text": "\u203a"}}}
    panel.override_by_name(
        "user",
        [
            prop("custom.hideFrom.viz", True),
            prop("displayName", " "),
            prop("mappings", [arrow]),
            wide(24),
            leads_to("Open this person", PERSON_LINK),
        ],
    )


def _rarity() -> list[models.DynamicConfigValue]:
    """Years in words, in the colours of the alerts."""
    named = [
        {
            "type": "range",
            "options": {"from": years, "to": after, "result": {"text": text}},
        }
        for years, after, text in _named_years()
    ]
    return [
        *coloured("none", *RARITY)[:-1],
        prop("mappings", named),
    ]


def _named_years() -> Sequence[tuple[int, float | None, str]]:
    after = [year - 1e-9 for year in (*YEARS[1:], CAP)]
    named = ["once a year", *(f"once in {year} years" for year in YEARS[1:])]
    return [
        (0, 1 - 1e-9, " "),
        *zip(YEARS, after, named, strict=True),
        (CAP, None, "once a century"),
    ]


def _alerts() -> list[models.DynamicConfigValue]:
    texts = {value: {"text": text, "color": color} for value, (text, color) in ALERTS.items()}
    return [
        prop("custom.cellOptions", {"type": "color-text"}),
        prop("mappings", [{"type": "value", "options": texts}]),
    ]


def _away() -> table.Panel:
    panel = rows(
        "Away: nothing, or one day of the last seven",
        f"The {PEOPLE} people with the highest usual among those who were active on at most one of"
        f" the last seven days, and on at least {ENOUGH_DAYS} of the three weeks before. Most"
        " often this is leave, or a holiday of their region; without days at work there is no"
        " evidence for a drop.",
        query(instead_of(with_names(away_people()), NOBODY_AWAY), "A", as_table=True),
        query(f"{active_days(7)}\nand on (job, user) ({away_people()})", "B", as_table=True),
        query(
            f"{active_days(28)} - {active_days(7)}\nand on (job, user) ({away_people()})",
            "C",
            as_table=True,
        ),
        query(f"{last_active()}\nand on (job, user) ({away_people()})", "D", as_table=True),
        missing="no data",
    )
    titles = {
        PERSON: "Person",
        "team": "Team",
        "manager": "Manager",
        "words": "Why",
        "Value #B": "Days of 7",
        "Value #C": "Days of the 21 before",
        "Value #A": "Usual week",
        "Value #D": "Last active",
        "user": "user",
    }
    _arranged(panel, titles, "Last active", down=False)
    panel.override_by_name("Days of 7", [wide(90)])
    panel.override_by_name("Days of the 21 before", [wide(160)])
    panel.override_by_name("Usual week", [wide(110)])
    return panel.override_by_name("Last active", [wide(110), prop("unit", "time:ddd D MMM")])
