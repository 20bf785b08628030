"""This week: who needs attention, against what was expected of them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, stat, table
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.common import freshness
from tools.dashboards.expected import team_change
from tools.dashboards.looks import (
    COMPANY_CHANGE,
    HIDDEN,
    PERSON_CHANGE,
    Step,
    coloured,
    graph,
    leads_to,
    narrow,
    prop,
    query,
    sorted_by,
    thresholds,
    transform,
    wide,
)
from tools.dashboards.page import (
    KEEP,
    Page,
    filter_by,
    job,
    last_scraped,
    query_variable,
    team,
)
from tools.dashboards.panels import number, rows
from tools.dashboards.promql import FILTERS, PERSON, last_known, with_company
from tools.dashboards.week_promql import (
    ENOUGH_DAYS,
    HISTORY,
    LISTED,
    PEOPLE,
    RETURN_PERIOD,
    WEEK,
    active_days,
    alert,
    away_people,
    change,
    eight_weeks,
    expected,
    facts,
    for_everybody,
    last_active,
    listed,
    observed,
    of_the_chosen_team,
    per_person,
    rarity,
    with_names,
)
from tools.dashboards.week_words import how_many, instead_of, lull, no_scores, nobody

TEAMS = 5
CHOICES = "&".join(f"${{{name}:queryparam}}" for name in FILTERS)
PERSON_LINK = (
    f"/d/gong-user?{KEEP}&${{job:queryparam}}&${{team:queryparam}}&var-user=${{__data.fields.user}}"
)
TEAM_LINK = (
    f"/d/gong-team?{KEEP}&{CHOICES}&var-job=${{__data.fields.job:percentencode}}"
    "&var-team=${__data.fields.team:percentencode}"
)
LABELLED_TEAM_LINK = TEAM_LINK.replace("__data.fields.", "__field.labels.")

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
    page.choices(
        job(),
        last_scraped(HISTORY),
        team(),
        *map(filter_by, FILTERS),
        listed_people(),
        nobody_listed(),
    )
    up_to, fresh = freshness(HISTORY, "")
    page.line(4, (5, _company()), (11, _teams()), (3, up_to), (5, fresh))
    page.line(4, (24, _sentences()))
    page.line(12, (24, _people()))
    page.line(9, (24, _away()))
    return page.build()


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


def nobody_listed() -> dashboard.QueryVariable:
    """What tables without people say."""
    return (
        query_variable(
            "nobody",
            "Nobody",
            "Why nobody is listed, where nobody is.",
            f"query_result({nobody()})",
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
        query(f"{did} / ({usual} > 0) - 1", "A", legend="change"),
        query(did, "B", legend="did"),
        query(usual, "C", legend="usual"),
        names=True,
        missing="not known",
    )
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
        missing="no team has scores",
    )
    panel.text(common.VizTextDisplayOptions().title_size(12).value_size(22))
    return panel.override_by_query("A", [leads_to("Open this team", LABELLED_TEAM_LINK)])


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
    columns = {
        "A": with_names(rarity(LISTED)),
        "B": for_everybody(observed()),
        "C": for_everybody(expected()),
        "D": for_everybody(change()),
        "E": facts(),
        "F": active_days(7, LISTED),
        "G": last_active(LISTED),
        "H": alert(),
    }
    panel = rows(
        "Less than expected: the least explained by chance first",
        f"The {PEOPLE} people with the strongest evidence for a drop, among those whom chance"
        " alone lets do so little no more than once a year. Did and expected: calls and"
        " contributions of the last seven days, given the days at work; hosted calls where only"
        " hosting is down. Chance: one such person has so little once in this time. Alert: the"
        " state of GongUserActivityDrop in Prometheus; blank with Grafana's own rules.",
        *(
            query(instead_of(per_person(RETURN_PERIOD, LISTED), expr), ref, as_table=True)
            for ref, expr in columns.items()
        ),
        graph(eight_weeks(), "I", legend="", step="1d"),
        missing="no data",
    )
    panel.time_from("8w").hide_time_override(True).max_data_points(60)
    # Of this query alone: Grafana takes a table with one row for a series as well.
    series = transform("timeSeriesTable", I={"stat": "lastNotNull"})
    series.filter_val = models.MatcherConfig(id_val="byRefId", options="I")
    panel.with_transformation(series)
    titles = {
        PERSON: "Person",
        "team": "Team",
        "manager": "Manager",
        "company": "Company",
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
        "job": "job",
        "user": "user",
    }
    _arranged(panel, titles, "By chance", down=True)
    panel.override_by_name("By chance", [wide(130), *_rarity()])
    panel.override_by_regexp("/^(Did|Days)$/", [wide(50)])
    panel.override_by_name("Expected", [wide(76)])
    panel.override_by_name("Change", [wide(62), *coloured("percentunit", *PERSON_CHANGE)[:-1]])
    panel.override_by_name("Team's", [wide(62), prop("custom.align", "right")])
    panel.override_by_name(
        "8 weeks",
        [
            wide(66),
            prop("custom.cellOptions", SPARKLINE),
            prop("color", {"mode": "fixed", "fixedColor": "blue"}),
        ],
    )
    panel.override_by_name("Last active", [wide(92), prop("unit", "time:ddd D MMM")])
    panel.override_by_name("Alert", [wide(56), *_alerts()])
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
            excludeByName=dict.fromkeys(("Time", "Value #E"), True),
            indexByName={name: place for place, name in enumerate(titles)},
            renameByName=dict(titles),
        )
    )
    sorted_by(panel, first, down=down)
    panel.mappings([EMPTY])
    panel.override_by_name("Person", [narrow(120), leads_to("Open this person", PERSON_LINK)])
    panel.override_by_name("Team", [narrow(120), leads_to("Open this team", TEAM_LINK)])
    panel.override_by_name("Manager", [wide(118)])
    panel.override_by_name("Why", [narrow(150)])
    panel.override_by_regexp("/Person|Team|Manager|Why/", [prop("custom.wrapText", True)])
    panel.override_by_name("Company", [wide(90)])
    panel.override_by_name("job", HIDDEN)
    panel.override_by_name("user", HIDDEN)


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
        (CAP, None, "over 100 years"),
    ]


def _alerts() -> list[models.DynamicConfigValue]:
    texts = {value: {"text": text, "color": color} for value, (text, color) in ALERTS.items()}
    return [
        prop("custom.cellOptions", {"type": "color-text"}),
        prop("mappings", [{"type": "value", "options": texts}]),
    ]


def _away() -> table.Panel:
    gone = away_people()
    only = f"\nand on (job, user) ({gone})"
    columns = {
        "A": with_names(gone),
        "B": f"{active_days(7)}{only}",
        "C": f"{active_days(28)} - {active_days(7)}{only}",
        "D": f"{last_active()}{only}",
    }
    panel = rows(
        "Away: nothing, or one day of the last seven",
        f"The {PEOPLE} people with the highest usual among those who were active on at most one of"
        f" the last seven days, and on at least {ENOUGH_DAYS} of the three weeks before. Most"
        " often this is leave, or a holiday of their region; without days at work there is no"
        " evidence for a drop.",
        *(query(instead_of(gone, expr), ref, as_table=True) for ref, expr in columns.items()),
        missing="no data",
    )
    titles = {
        PERSON: "Person",
        "team": "Team",
        "manager": "Manager",
        "company": "Company",
        "words": "Why",
        "Value #B": "Days of 7",
        "Value #C": "Days of the 21 before",
        "Value #A": "Usual week",
        "Value #D": "Last active",
        "job": "job",
        "user": "user",
    }
    _arranged(panel, titles, "Last active", down=False)
    panel.override_by_name("Days of 7", [wide(90)])
    panel.override_by_name("Days of the 21 before", [wide(160)])
    panel.override_by_name("Usual week", [wide(110)])
    return panel.override_by_name("Last active", [wide(110), prop("unit", "time:ddd D MMM")])
