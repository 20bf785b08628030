"""A person: against what was expected, against the team, and among people of the same role."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries

from tools.dashboards import expected
from tools.dashboards.common import (
    EXPECTED,
    NOT_YET,
    TEAM_WIDTH,
    against_expected,
    earlier,
    freshness,
    trend_of_person,
    weeks,
)
from tools.dashboards.history import UNKNOWN, detected_each_day
from tools.dashboards.looks import (
    PERSON_CHANGE,
    merged,
    prop,
    query,
    sorted_by,
    transform,
    value_titles,
    wide,
)
from tools.dashboards.page import Page, job, last_scraped, metric, team, user, window
from tools.dashboards.panels import changes, number, rows, sized, unknown
from tools.dashboards.promql import counts, in_words, info, last_known, one_info

ID = "$user"
ME = f'user="{ID}"'
MONTH = "28d"
"""The window whose other days tell what a counter usually is."""

TARGET = ("__name__", "job", "instance", "namespace", "pod", "container", "service", "endpoint")
"""Labels that say where the exporter runs, and nothing about the person."""


def user_dashboard() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-user",
        "Gong / User",
        "One person: against what was expected, the team, and people of the same role.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), last_scraped(), team(), user(), metric(), window())
    page.line(4, (24, _who()))
    page.line(
        6,
        (4, freshness()),
        (6, _activity()),
        (5, _change()),
        (4, [_active(), _last_active()]),
        (5, earlier(user=ID)),
    )
    page.line(
        10,
        (8, _against_expected()),
        (8, trend_of_person(ID)),
        (8, weeks("The person's count.", user=ID)),
    )
    page.line(18, (15, _counters()), (9, [_place(), _quartiles()]))
    return page.build()


def _who() -> table.Panel:
    panel = rows(
        "Who",
        "What the exporter knows of the person: the address from Gong, the other columns from the"
        " roster.",
        f"topk by (job, user) (1, {last_known('gong_user_info', ME)})",
        missing="Not known at this time",
    )
    order = ("name", "email", "team", "role", "title", "manager", "manager_email", "region", "user")
    titles = {"name": "Name", "email": "Address", "user": "Gong user id"}
    titles["manager_email"] = "Manager's address"
    columns = ("team", "role", "title", "manager", "region", "active")
    titles |= {name: name.capitalize() for name in columns}
    panel.override_by_regexp("/ddress/", [wide(220)])
    panel.override_by_name("Team", [wide(TEAM_WIDTH)])
    panel.override_by_regexp("/Role|Title|Region|Active/", [wide(140)])
    panel.override_by_name("Gong user id", [wide(190)])
    return panel.with_transformation(
        transform(
            "organize",
            excludeByName={"Time": True, "Value": True, **dict.fromkeys(TARGET, True)},
            indexByName={name: place for place, name in enumerate(order)},
            renameByName=titles,
        )
    )


def _activity() -> stat.Panel:
    panel = number(
        "All activity: ${user:text}",
        "Calls and contributions of the person in the last seven days, what was expected, and the"
        " person's usual calendar week." + EXPECTED,
        query(_or_unknown(expected.counted(ME)), legend="counted"),
        query(_or_unknown(expected.expected(ME)), legend="expected"),
        query(_or_unknown(expected.usual(ME)), legend="usual"),
        missing=NOT_YET,
        mappings=unknown("-"),
        names=True,
    )
    return sized(panel, title=14, value=36)


def _change() -> stat.Panel:
    return changes(
        "Against expected",
        "The person's seven days against what was expected, and the same for the team. Red below a"
        " half. Nothing when fewer than 5 are expected." + EXPECTED,
        query(_or_unknown(expected.change(ME)), legend="person"),
        query(_or_unknown(expected.change_of_persons_team(ME)), legend="team"),
        thresholds=PERSON_CHANGE,
        unknown_as="not known",
    )


def _or_unknown(numbers: str) -> str:
    """The one number, or ``UNKNOWN`` for a person who is known."""
    return f"sum({numbers})\nor 0 * count({last_known('gong_user_info', ME)}) {UNKNOWN:+d}"


def _active() -> stat.Panel:
    return number(
        "Days active of 7",
        "Days of the last seven with any activity of the person in Gong.",
        query(f"sum({expected.active_days(7, ME)})"),
        missing=NOT_YET,
    )


def _last_active() -> stat.Panel:
    return number(
        "Last active",
        "The last day with any activity of the person in Gong, of the 84 that the exporter keeps.",
        query(f"max({expected.last_active(ME)})"),
        unit="time:ddd, D MMM",
        decimals=None,
        missing="not known",
    )


def _against_expected() -> timeseries.Panel:
    own = (ME, 'metric="own_activity"')
    return against_expected(
        "All activity against expected",
        "Calls and contributions of the person, and what was expected.",
        detected_each_day("gong_user_observed_activity", *own),
        detected_each_day("gong_user_expected_activity", *own),
    )


def _peers(inner: str, column: str) -> str:
    """The numbers of those with the person's team or role."""
    mine = f"topk by (job, user) (1, max by (job, user, {column}) ({info(ME)}))"
    return f"{inner}\nand on (job, user) ({one_info(column)}\n  and on (job, {column}) {mine})"


def _counters() -> table.Panel:
    by = ("job", "user", "metric")
    mine, month = counts("", user=ID, by=by), counts("", user=ID, by=by, window=MONTH)
    everybody = counts("", by=by)
    columns = {
        "Count": mine,
        "Before, mean": f"({month}\n- {mine})\n* on (job) group_left () {_share()}",
        "Team's median": f"quantile by (metric) (0.5, {_peers(everybody, 'team')})",
        "Role's median": f"quantile by (metric) (0.5, {_peers(everybody, 'role')})",
    }
    panel = rows(
        "Every counter, $window",
        "Each counter in the window; the person's mean of windows of this length in the rest of"
        f" {MONTH}, which is exact for hosted and attended calls and a lower bound for the others;"
        " and the medians of the team and of the role, or of everybody without one.",
        *map(_labelled, columns.values()),
        missing="No data",
    )
    sorted_by(
        merged(panel, {"words": "Counter", **value_titles(columns)}), "Before, mean", down=True
    )
    panel.override_by_name("Before, mean", [prop("decimals", 1)])
    panel.override_by_name("Count", [wide(80)])
    return panel.override_by_regexp("/mean|median/", [wide(116)])


def _share() -> str:
    """What part of the rest of ``MONTH`` a window is: a third, for 7d."""
    window, month = _length("$window"), _length(MONTH)
    return f"({window} / (({month} - {window}) > 0))"


def _length(window: str) -> str:
    """The days of a window, by company: 28 also for one in which the clocks change."""
    ends, starts = (
        last_known(f"gong_activity_window_{side}_timestamp_seconds", f'window="{window}"')
        for side in ("end", "start")
    )
    return f"round((max by (job) ({ends}) - max by (job) ({starts})) / 86400)"


def _labelled(inner: str) -> str:
    """One number for each counter, under its name in words."""
    return f"sum by (words) ({in_words(f'({inner})')})"


def _place() -> stat.Panel:
    peers, mine = _peers(counts(), "role"), counts(user=ID)
    return number(
        "Place among the role: ${metric:text}",
        "How many people have the person's role (or title), and which share of them has less than,"
        " or as much as, the person in the window.",
        query(
            f"sum(({peers}) <= bool on () group_left () sum({mine})) / count({peers})",
            legend="at or below",
        ),
        query(f"count({peers})", legend="people"),
        names=True,
    ).override_by_query("A", [prop("unit", "percentunit")])


def _quartiles() -> stat.Panel:
    peers = _peers(counts(), "role")
    return number(
        "Spread of the role: ${metric:text}, $window",
        "The counter in the window: the person, and the quarters of the people of the same role (or"
        " title), or of everybody without one.",
        query(f"sum({counts(user=ID)})", legend="this person"),
        *(
            query(f"quantile({share}, {peers})", legend=name)
            for share, name in ((0.25, "lower quarter"), (0.5, "median"), (0.75, "upper quarter"))
        ),
        names=True,
    )
