"""A team: its members side by side over all counters, and each against what is usual."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.common import HISTORY, INCOMPARABLE, LOWER_BOUND, age, last_day, people
from tools.dashboards.counters import COUNTERS
from tools.dashboards.looks import (
    ACTIVE,
    COMPANY_CHANGE,
    HIDDEN,
    NONE_WANTED,
    PERSON_CHANGE,
    coloured,
    leads_to,
    prop,
    query,
    sorted_by,
    transform,
    wide,
)
from tools.dashboards.page import USER_LINK, Page, job, metric, team, usual, window
from tools.dashboards.panels import against_usual, compared, number, rows
from tools.dashboards.promql import (
    CHANCE,
    PERSON,
    Counts,
    Total,
    When,
    change,
    change_of_sum,
    named,
    of_members,
    one_info,
    silent,
    without_leavers,
)

SHOWN = 40
"""More members than that are no team: those with the highest counts are shown."""

NOW = Counts()
TEAM, PAST = Total(NOW, of_team=True), Total(Counts(when=When.PAST), of_team=True)
EVERY = Counts(metric="", by=("job", "user", "metric"))
MATRIX = "user\\metric"


def team_dashboard() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-team",
        "Gong / Team",
        "The members of a team side by side, and each against their own usual.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), team(), metric(), window(), usual())
    page.line(
        6,
        (4, [last_day(), age()]),
        (5, _total()),
        (5, _change()),
        (4, _per_head()),
        (3, _active()),
        (3, _silent_people()),
    )
    page.line(12, (24, _side_by_side()))
    page.line(12, (12, _members()), (12, _trend()))
    return page.build()


def _total() -> stat.Panel:
    return number(
        "${team:text}: ${metric:text}, $window",
        "The counter over the window, of all members of the team, added up.",
        query(f"sum({TEAM.over()})"),
    )


def _change() -> stat.Panel:
    return compared(
        "Against the usual",
        "The team's count in the window against an average window of the same length before it."
        " Orange below -15 %, red below -30 %, green above +15 %." + LOWER_BOUND,
        change_of_sum(TEAM),
        COMPANY_CHANGE,
    )


def _per_head() -> stat.Panel:
    return number(
        "Per person",
        "The mean count of a member, and of everybody in the company, in the window.",
        query(f"avg({of_members(NOW.over())})", "A", legend="team"),
        query(f"avg({NOW.over()})", "B", legend="company"),
        decimals=1,
        names=True,
    )


def _active() -> stat.Panel:
    any_counter = Counts(metric="").over()
    return number(
        "Active members",
        "The share of the team with any counter above zero in the window. Leave counts as absence.",
        query(f"avg({of_members(f'({any_counter} > bool 0)')})"),
        unit="percentunit",
        thresholds=ACTIVE,
    )


def _silent_people() -> stat.Panel:
    counted = f"count({of_members(f'({silent(NOW)})')})"
    return number(
        "Fell silent",
        f"Members with none in the window who usually have at least {CHANCE}.",
        query(f"{counted} or 0 * count({of_members(f'({NOW.usual()})')})"),
        thresholds=NONE_WANTED,
        missing=INCOMPARABLE,
    )


def _side_by_side() -> table.Panel:
    chosen = f"topk({SHOWN}, {without_leavers(of_members(NOW.over()))})"
    panel = rows(
        "Side by side, $window",
        "Every counter of every member in the window; \u2193 is received, \u2191 given. The"
        " brighter, the nearer to the highest of the column."
        f" In a team of more than {SHOWN}, those with the highest ${{metric:text}}.",
        query(f"{EVERY.over()}\nand on (job, user) ({chosen})", "A", as_table=True),
        query(
            f"sum by (user, {PERSON}) ({named(one_info('email', 'name'))}\n"
            f"and on (job, user) ({chosen}))",
            "B",
            as_table=True,
        ),
        missing="-",
    )
    # One row for each user and one column for each counter, those of tomorrow included.
    matrix = transform(
        "groupingToMatrix", columnField="metric", rowField="user", valueField="Value #A"
    )
    matrix.filter_val = models.MatcherConfig(id_val="byRefId", options="A")
    panel.with_transformation(matrix)
    panel.with_transformation(
        transform(
            "organize",
            excludeByName={"Time": True, "Value #B": True},
            indexByName={},
            renameByName={"user": MATRIX},
        )
    )
    panel.with_transformation(transform("joinByField", byField=MATRIX, mode="inner"))
    order = [PERSON, *COUNTERS]
    panel.with_transformation(
        transform(
            "organize",
            excludeByName={},
            indexByName={name: place for place, name in enumerate(order)},
            renameByName={PERSON: "Person", MATRIX: "user", **COUNTERS},
        )
    )
    sorted_by(panel, "Person", down=False)
    panel.override_by_field_type(
        "number",
        [
            prop("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
            prop("color", {"mode": "continuous-blues"}),
            prop("fieldMinMax", True),
            prop("min", 0),
            prop("custom.align", "center"),
            prop("custom.minWidth", 60),
        ],
    )
    panel.override_by_name(
        "Person", [prop("custom.width", 150), leads_to("Open this person", USER_LINK)]
    )
    panel.override_by_regexp("/Hosted|Attended/", [wide(80)])
    return panel.override_by_name("user", HIDDEN)


def _members() -> table.Panel:
    panel = people(
        "Members against their own usual: ${metric:text}",
        "Each member's window against an average one before it; red below a half, which is"
        f" where the alerts begin to look. No percentage below a usual of {CHANCE}." + LOWER_BOUND,
        f"topk({SHOWN}, {without_leavers(of_members(NOW.over()))})",
        {
            "Count": "",
            "Usual": NOW.usual(),
            "Change": f"round({NOW.over()} - on (job, user) {NOW.usual()}) + 0",  # no -0
            "Change %": change(NOW),
        },
        first="Change",
        missing="-",
        team=0,
    )
    return panel.override_by_name("Change %", [wide(90), *coloured("percentunit", *PERSON_CHANGE)])


def _trend() -> timeseries.Panel:
    return against_usual(
        "Trend: ${metric:text}, $window at a time",
        "The count in the window that ended at each moment, and what was usual then, of those who"
        " are in the team today." + HISTORY,
        f"sum({PAST.over()})",
        f"sum({PAST.usual()})",
    )
