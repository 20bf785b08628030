"""The company: how did the week go, against what is usual, and who fell silent."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries

from tools.dashboards.common import (
    HISTORY,
    INCOMPARABLE,
    LOWER_BOUND,
    age,
    last_day,
    people,
    quota,
)
from tools.dashboards.looks import (
    ACTIVE,
    COMPANY_CHANGE,
    HIDDEN,
    NONE_WANTED,
    coloured,
    leads_to,
    merged,
    narrow,
    query,
    sorted_by,
    wide,
)
from tools.dashboards.page import TEAM_LINK, Page, job, metric, usual, window
from tools.dashboards.panels import against_usual, compared, number, rows
from tools.dashboards.promql import (
    CHANCE,
    JOB,
    Counts,
    TeamTotals,
    Total,
    When,
    change,
    change_of_sum,
    several,
    silent,
    without_leavers,
)

TEAMS_EACH_WAY = 4
PEOPLE = 10

NOW = Counts()
COMPANY, PAST = Total(NOW), Total(Counts(when=When.PAST))
TEAMS = TeamTotals(NOW)
DIFFERENCE = f"{NOW.over()}\n- on (job, user) {NOW.usual()}"


def overview() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-overview",
        "Gong / Overview",
        "How the company did in a window of days, against what is usual.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), metric(), window(), usual())
    page.line(
        6,
        (4, [last_day(), age()]),
        (5, _total()),
        (5, _change()),
        (4, _active()),
        (3, _silent_people()),
        (3, quota()),
    )
    page.line(11, (14, _trend()), (10, _teams()))
    page.line(12, (9, _fallen()), (9, _risen()), (6, _silent()))
    return page.build()


def _total() -> stat.Panel:
    return number(
        "Company: ${metric:text}, $window",
        "The counter over the window, of everybody whom the exporter knows, added up.",
        query(f"sum({COMPANY.over()})"),
    )


def _change() -> stat.Panel:
    return compared(
        "Against the usual",
        "The whole company's count in the window against an average window of the same length"
        " before it. Orange below -15 %, red below -30 %, green above +15 %." + LOWER_BOUND,
        change_of_sum(COMPANY),
        COMPANY_CHANGE,
    )


def _active() -> stat.Panel:
    users = f'max by (job, state) (gong_activity_users{{{JOB}, window="$window", state="%s"}})'
    active, inactive = users % "active", users % "inactive"
    return number(
        "Active people",
        "The share of the known people whom Gong named in the window: any counter above zero."
        " Holidays and leave count as absence, so that less than all is normal.",
        query(f"sum({active}) / (sum({active}) + sum({inactive}))"),
        unit="percentunit",
        thresholds=ACTIVE,
    )


def _silent_people() -> stat.Panel:
    return number(
        "Fell silent",
        f"People with none in the window who usually have at least {CHANCE}.",
        query(f"count({silent(NOW)}) or 0 * count({NOW.usual()})"),
        thresholds=NONE_WANTED,
        missing=INCOMPARABLE,
    )


def _trend() -> timeseries.Panel:
    return against_usual(
        "Trend: ${metric:text}, $window at a time",
        "The company's count in the window that ended at each moment, and what was usual then."
        + HISTORY,
        f"sum({PAST.over()})",
        f"sum({PAST.usual()})",
    )


def _teams() -> table.Panel:
    ratio = change(TEAMS)
    chosen = f"topk({TEAMS_EACH_WAY}, {ratio}) or bottomk({TEAMS_EACH_WAY}, {ratio})"
    only = f"\nand on (job, team) ({chosen})"
    panel = rows(
        "Teams against their usual",
        f"The {TEAMS_EACH_WAY} teams furthest below their usual and the {TEAMS_EACH_WAY} furthest"
        " above; the colours are those of the company." + LOWER_BOUND,
        query(several(chosen), "A", as_table=True),
        query(f"{TEAMS.over()}{only}", "B", as_table=True),
        query(f"{TEAMS.usual()}{only}", "C", as_table=True),
        missing="too little to compare",
    )
    titles = {
        "team": "Team",
        "company": "Job",
        "Value #B": "Count",
        "Value #C": "Usual",
        "Value #A": "Change",
        "job": "job",
    }
    sorted_by(merged(panel, titles), "Change", down=False)
    panel.override_by_name("Team", [leads_to("Open this team", TEAM_LINK), narrow(90)])
    panel.override_by_name("Job", [wide(90)])
    panel.override_by_name("job", HIDDEN)
    panel.override_by_regexp("/Count|Usual/", [wide(80)])
    return panel.override_by_name("Change", [wide(90), *coloured("percentunit", *COMPANY_CHANGE)])


def _fallen() -> table.Panel:
    return people(
        "Most below their usual",
        f"The {PEOPLE} people who are most below their own usual, in counts. One person's leave"
        " looks like this, too." + LOWER_BOUND,
        f"bottomk({PEOPLE}, {without_leavers(f'({DIFFERENCE}) <= -0.5')})",
        {"Count": NOW.over(), "Usual": NOW.usual(), "Change": ""},
        first="Change",
    )


def _risen() -> table.Panel:
    return people(
        "Most above their usual",
        f"The {PEOPLE} people who are most above their own usual, in counts." + LOWER_BOUND,
        f"topk({PEOPLE}, {without_leavers(f'({DIFFERENCE}) >= 0.5')})",
        {"Count": NOW.over(), "Usual": NOW.usual(), "Change": ""},
        first="Change",
        down=True,
    )


def _silent() -> table.Panel:
    return people(
        "Who fell silent",
        f"The {PEOPLE} people with none in the window whose usual is highest, from {CHANCE} on."
        " Whoever has been silent for all of the longer window is no longer known.",
        f"topk({PEOPLE}, {silent(NOW)})",
        {"Usual": ""},
        team=150,
        first="Usual",
        down=True,
    )
