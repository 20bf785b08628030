"""The two tables of "This week": who did less than expected, and who is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as models

from gong_exporter.drops.thresholds import USER_INFO_YEARS, USER_YEARS
from tools.dashboards.expected import active_days, last_active, per_person, usual
from tools.dashboards.looks import (
    BLUE,
    HIDDEN,
    PERSON_CHANGE,
    Step,
    coloured,
    fixed,
    graph,
    leads_to,
    merged,
    narrow,
    prop,
    sorted_by,
    transform,
    wide,
)
from tools.dashboards.page import KEEP, team_link
from tools.dashboards.panels import rows
from tools.dashboards.promql import FILTERS, PERSON
from tools.dashboards.week_promql import (
    AWAY,
    ENOUGH_DAYS,
    LISTED,
    PEOPLE,
    RETURN_PERIOD,
    alert,
    change,
    eight_weeks,
    expected,
    facts,
    for_everybody,
    observed,
    rarity,
    with_names,
)
from tools.dashboards.week_words import instead_of

PERSON_LINK = (
    f"/d/gong-user?{KEEP}&${{job:queryparam}}&${{team:queryparam}}&var-user=${{__data.fields.user}}"
)
TEAM_LINK = team_link(*FILTERS)

ALERT_STEPS: tuple[Step, ...] = ((None, "text"), (USER_INFO_YEARS, "orange"), (USER_YEARS, "red"))
"""In years; as the alerts on users, of severity info and warning."""

YEARS_IN_WORDS: Sequence[tuple[float, float | None, str]] = (
    (0, 1 - 1e-9, " "),
    (1, 1.5 - 1e-9, "1 year"),
    (99.5, None, "over 100 years"),
)
"""From, to, text. All others are whole years, as in messages. No rarity is above 100 years."""

ALERTS: Mapping[str, tuple[str, str]] = {
    "4": ("firing", "red"),
    "3": ("info", "orange"),
    "2": ("pending", "text"),
    "1": ("pending", "text"),
    "0": (" ", "text"),
}


BELOW_TITLE = "Less than expected: the least explained by chance first"
RARITY_TITLE = "By chance once in"
AWAY_TITLE = "Away: nothing, or one day of the last seven"


def people_below() -> table.Panel:
    """People who did less than chance explains, the rarest first, with a reason."""
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
        BELOW_TITLE,
        f"The {PEOPLE} people with the strongest evidence for a drop, among those whom chance"
        " alone lets do so little no more than once a year. Did and expected: calls and"
        " contributions of the last seven days, given the days at work; hosted calls where only"
        " hosting is down. Change: none when fewer than 5 are expected. Chance: one such person"
        " has so little once in this time. Alert: the state of GongUserActivityDrop in"
        " Prometheus; blank with Grafana's own rules.",
        *(instead_of(per_person(RETURN_PERIOD, LISTED), expr) for expr in columns.values()),
        missing="no data",
    )
    panel.with_target(graph(eight_weeks(), legend="", step="1d").ref_id("I"))
    panel.time_from("8w").hide_time_override(True).max_data_points(60)
    # Of this query alone: Grafana takes a table with one row for a series as well.
    series = transform("timeSeriesTable", I={"stat": "lastNotNull"})
    series.filter_val = models.MatcherConfig(id_val="byRefId", options="I")
    panel.with_transformation(series)
    titles = {
        "Value #A": RARITY_TITLE,
        "Value #B": "Did",
        "Value #C": "Expected",
        "Value #D": "Change",
        "of_team": "Team's",
        "Trend #I": "8 weeks",
        "Value #F": "Days",
        "Value #G": "Last active",
        "Value #H": "Alert",
    }
    _arranged(panel, titles, RARITY_TITLE, down=True)
    panel.override_by_name(RARITY_TITLE, [wide(142), *_rarity()])
    panel.override_by_regexp("/^(Did|Days)$/", [wide(50)])
    panel.override_by_name("Expected", [wide(76)])
    panel.override_by_name("Change", [wide(68), *coloured("percentunit", *PERSON_CHANGE)[:-1]])
    panel.override_by_name("Team's", [wide(62), prop("custom.align", "right")])
    panel.override_by_name(
        "8 weeks",
        [wide(66), prop("custom.cellOptions", SPARKLINE), fixed(BLUE)],
    )
    panel.override_by_name("Last active", [wide(98), prop("unit", "time:ddd D MMM")])
    panel.override_by_name("Alert", [wide(72), *_alerts()])
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

    Args:
        panel: whose queries they are.
        titles: of the columns between the words about the person and the last ones, which are for
            the links of the others.
        first: the title of the column by which the rows are ordered.
        down: largest first.
    """
    who = {PERSON: "Person", "team": "Team", "manager": "Manager", "company": "Company"}
    titles = {**who, "words": "Why", **titles, "job": "job", "user": "user"}
    sorted_by(merged(panel, titles, "Value #E"), first, down=down)
    panel.mappings([EMPTY])
    panel.override_by_name("Person", [narrow(120), leads_to("Open this person", PERSON_LINK)])
    panel.override_by_name("Team", [narrow(120), leads_to("Open this team", TEAM_LINK)])
    panel.override_by_name("Manager", [wide(136)])
    panel.override_by_name("Why", [narrow(180)])
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
        for years, after, text in YEARS_IN_WORDS
    ]
    return [
        *coloured("suffix: years", *ALERT_STEPS)[:-1],
        prop("decimals", 0),
        prop("mappings", named),
    ]


def _alerts() -> list[models.DynamicConfigValue]:
    texts = {value: {"text": text, "color": color} for value, (text, color) in ALERTS.items()}
    return [
        prop("custom.cellOptions", {"type": "color-text"}),
        prop("mappings", [{"type": "value", "options": texts}]),
    ]


def people_away() -> table.Panel:
    """People who did nothing, or next to nothing; the longest away first."""
    week = usual(AWAY)
    columns = {
        "A": with_names(week),
        "B": active_days(7, AWAY),
        "C": f"{active_days(28, AWAY)} - {active_days(7, AWAY)}",
        "D": last_active(AWAY),
    }
    panel = rows(
        AWAY_TITLE,
        f"The {PEOPLE} people with the highest usual among those who were active on at most one of"
        f" the last seven days, and on at least {ENOUGH_DAYS} of the three weeks before. Most"
        " often this is leave, or a holiday of their region. Evidence for a drop needs days at"
        " work.",
        *(instead_of(week, expr) for expr in columns.values()),
        missing="no data",
    )
    titles = {
        "Value #B": "Days of 7",
        "Value #C": "Days of the 21 before",
        "Value #A": "Usual week",
        "Value #D": "Last active",
    }
    _arranged(panel, titles, "Last active", down=False)
    panel.override_by_name("Days of 7", [wide(90)])
    panel.override_by_name("Days of the 21 before", [wide(160)])
    panel.override_by_name("Usual week", [wide(110)])
    return panel.override_by_name("Last active", [wide(110), prop("unit", "time:ddd D MMM")])
