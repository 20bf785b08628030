"""Panels that more than one dashboard has."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import stat, table

from tools.dashboards.looks import (
    AGE,
    HIDDEN,
    QUOTA,
    leads_to,
    merged,
    narrow,
    query,
    sorted_by,
    wide,
)
from tools.dashboards.page import USER_LINK
from tools.dashboards.panels import number, rows
from tools.dashboards.promql import JOB, PERSON, with_person

NOON = 12 * 3600
LOWER_BOUND = (
    " Only calls as host and calls attended belong to one day; for the other counters the usual"
    " is a lower bound."
)
INCOMPARABLE = "nothing to compare"
"""No window longer than the one that is shown, or no numbers."""
HISTORY = (
    " Reaches back as far as Prometheus does: 15 days unless its retention is longer. A backfill"
    " brings the time before."
)


def last_day() -> stat.Panel:
    """Up to when the numbers reach."""
    return number(
        "Data up to",
        "The last whole day of the company in the window. Gong counts closed days only, so that"
        " yesterday is the freshest there is.",
        query(
            "1000 * (max(gong_activity_window_end_timestamp_seconds"
            f'{{{JOB}, window="$window"}}) - {NOON})'
        ),
        unit="time:ddd, D MMM",
        decimals=None,
    )


def age() -> stat.Panel:
    """How old the numbers are."""
    return number(
        "Fetched",
        "Time since the window last arrived whole from Gong: the oldest, with several companies."
        " Orange after three hours, red after a day.",
        query(
            "time() - min(max by (job) (gong_exporter_last_success_timestamp_seconds"
            f'{{{JOB}, window="$window"}}))'
        ),
        unit="s",
        thresholds=AGE,
    )


def quota() -> stat.Panel:
    """How much of the quota is spent."""
    return number(
        "API quota",
        "Calls to Gong in the last 24 hours, of those that the exporter may make"
        " (requests_per_day). At 100 % polls stop until the oldest calls are a day old.",
        query(
            f"max(gong_exporter_api_quota_used{{{JOB}}} / gong_exporter_api_quota_limit{{{JOB}}})"
        ),
        unit="percentunit",
        thresholds=QUOTA,
    )


def people(
    title: str,
    text: str,
    chosen: str,
    columns: Mapping[str, str],
    *,
    first: str,
    down: bool = False,
    missing: str = "nobody",
    team: int = 232,
) -> table.Panel:
    """People with their team and some numbers.

    Args:
        title: of the panel.
        text: its description.
        chosen: the numbers of whom to show, by ``job`` and ``user``.
        columns: everybody's numbers by ``job`` and ``user``, by their column's title in order;
            ``chosen`` goes where the title has an empty expression.
        first: the title of the column to sort by.
        down: largest first.
        missing: what is said when there is nobody.
        team: the width of its column; 0 hides it. Without a roster there is none, and the
            person has its room.
    """
    queries = []
    titles = {PERSON: "Person", "team": "Team"}
    single = len(columns) == 1  # whose value Grafana does not name after its query
    for place, (column, expr) in enumerate(columns.items()):
        ref = chr(ord("A") + place)
        wanted = f"({expr})\nand on (job, user) ({chosen})" if expr else with_person(f"({chosen})")
        queries.append(query(wanted, ref, as_table=True))
        titles["Value" if single else f"Value #{ref}"] = column
    panel = rows(title, text, *queries, missing=missing)
    sorted_by(merged(panel, titles), first, down=down)
    panel.override_by_name("user", HIDDEN)
    panel.override_by_name("Person", [leads_to("Open this person", USER_LINK)])
    panel.override_by_name("Person", [narrow(90)])
    panel.override_by_name("Team", [wide(team)] if team else HIDDEN)
    for column in columns:
        panel.override_by_name(column, [wide(64)])
    return panel
