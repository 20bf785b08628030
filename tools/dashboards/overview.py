"""The company: how did the week go, against what is usual, which teams and people stand out."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries

from tools.dashboards import expected
from tools.dashboards.common import (
    EXPECTED,
    against_expected,
    all_activity,
    change_of_many,
    earlier,
    freshness,
    people,
    silent_people,
    trend,
    weeks,
)
from tools.dashboards.history import detected_each_day
from tools.dashboards.looks import (
    ACTIVE,
    COMPANY_CHANGE,
    HIDDEN,
    coloured,
    leads_to,
    merged,
    narrow,
    query,
    sorted_by,
    value_titles,
    wide,
)
from tools.dashboards.page import Page, filter_by, job, last_scraped, metric, team_link, window
from tools.dashboards.panels import number, rows
from tools.dashboards.promql import (
    FILTERS,
    counts,
    employed,
    last_known,
    of_people,
    one_info,
    with_company,
)

TEAMS_EACH_WAY = 5
PEOPLE = 10


def overview() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-overview",
        "Gong / Overview",
        "How the company did in the last seven days, and which teams and people stand out.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), last_scraped(), *map(filter_by, FILTERS), metric(), window())
    page.line(
        6,
        (4, freshness()),
        (5, _total()),
        (5, _change()),
        (6, earlier()),
        (4, [_active(), silent_people("People")]),
    )
    page.line(10, (8, _against_usual()), (8, trend("The company's count.")), (8, weeks(_ALL)))
    page.line(12, (12, _teams()), (12, _by_role()))
    page.line(13, (12, _below()), (12, _above()))
    return page.build()


_ALL = "The company's count, people who left included."


def _total() -> stat.Panel:
    text = "Calls and contributions of the whole company"
    return all_activity(text, expected.company_observed())


def _change() -> stat.Panel:
    return change_of_many(
        "Against the usual",
        "The company's seven days against a mean week of the three before, as the alert on the"
        " company sees them. A holiday shows here. Needs four weeks of day history.",
        expected.company_observed(),
        expected.company_usual(),
        by="job",
    )


def _active() -> stat.Panel:
    active, inactive = (
        f"sum(max by (job) ({last_known('gong_activity_users', _WINDOW, _STATE % state)}))"
        for state in ("active", "inactive")
    )
    return number(
        "Active people",
        "The share of the known people whom Gong named in the window: any counter above zero."
        " Holidays and leave count as absence, so that less than all is normal.",
        query(f"{active} / ({active} + {inactive})"),
        unit="percentunit",
        thresholds=ACTIVE,
    )


_WINDOW, _STATE = 'window="$window"', 'state="%s"'


def _against_usual() -> timeseries.Panel:
    return against_expected(
        "All activity against the usual",
        "Calls and contributions of the whole company, and a mean week of the three before.",
        detected_each_day("gong_company_observed_activity"),
        detected_each_day("gong_company_usual_activity"),
        compared_with="usual",
    )


def _teams() -> table.Panel:
    ratio = expected.team_change()
    chosen = f"topk({TEAMS_EACH_WAY}, {ratio}) or bottomk({TEAMS_EACH_WAY}, {ratio})"
    only = f"\nand on (job, team) ({chosen})"
    panel = rows(
        "Teams against what was expected",
        f"Calls and contributions of the last seven days: the {TEAMS_EACH_WAY} teams furthest below"
        f" and the {TEAMS_EACH_WAY} furthest above what was expected. Teams of three or more."
        + EXPECTED,
        with_company(chosen),
        f"{expected.team_observed()}{only}",
        f"{expected.team_expected()}{only}",
        missing="No team of three or more in the roster, or not known yet",
    )
    titles = {
        "team": "Team",
        "company": "Job",
        "Value #B": "Count",
        "Value #C": "Expected",
        "Value #A": "Change",
        "job": "job",
    }
    sorted_by(merged(panel, titles), "Change", down=False)
    panel.override_by_name(
        "Team", [leads_to("Open this team", team_link("metric", "window")), narrow(120)]
    )
    panel.override_by_name("Job", [wide(90)])
    panel.override_by_name("job", HIDDEN)
    panel.override_by_regexp("/Count|Expected/", [wide(84)])
    return panel.override_by_name("Change", [wide(84), *coloured("percentunit", *COMPANY_CHANGE)])


def _by_role() -> table.Panel:
    counted = of_people(counts(), *FILTERS)
    roles = f'label_replace({one_info("role")}, "role", "no role", "role", "")'
    joined = f"({counted})\n* on (job, user) group_left (role) {roles}"
    columns = {
        "People": f"count by (role) ({joined})",
        "Lower quarter": f"quantile by (role) (0.25, {joined})",
        "Median": f"quantile by (role) (0.5, {joined})",
        "Upper quarter": f"quantile by (role) (0.75, {joined})",
        "Highest": f"max by (role) ({joined})",
    }
    panel = rows(
        "By role: ${metric:text}, $window",
        "How the counter is spread over the people of each role (or title): a quarter of them is"
        " below the lower quarter, half is below the median. People with none are included.",
        *columns.values(),
        missing="No people, or no data",
    )
    sorted_by(merged(panel, {"role": "Role", **value_titles(columns)}), "Median", down=True)
    panel.override_by_name("Role", [narrow(110)])
    panel.override_by_regexp("/quarter/", [wide(112)])
    return panel.override_by_regexp("/People|Median|Highest/", [wide(76)])


def _below() -> table.Panel:
    less = of_people(f"({expected.difference()}) <= -0.5", *FILTERS)
    return people(
        "Furthest below what was expected",
        f"Calls and contributions of the last seven days: the {PEOPLE} people furthest below, in"
        " counts. Whether that is more than chance is on Gong / This week." + EXPECTED,
        f"bottomk({PEOPLE}, {employed(less)})",
        _COLUMNS,
    )


def _above() -> table.Panel:
    more = of_people(f"({expected.difference()}) >= 0.5", *FILTERS)
    return people(
        "Furthest above what was expected",
        f"Calls and contributions of the last seven days: the {PEOPLE} people furthest above, in"
        " counts." + EXPECTED,
        f"topk({PEOPLE}, {employed(more)})",
        _COLUMNS,
        down=True,
    )


_COLUMNS = {
    "Count": expected.observed(),
    "Expected": expected.expected(),
    "Change": expected.change(),
    "Of team": expected.change_of_persons_team(),
}
