"""A team: its members against what was expected of them, and side by side over all counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import stat, table, text, timeseries
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards import expected
from tools.dashboards.common import (
    EXPECTED,
    NO_PEOPLE,
    NO_TEAM,
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
    HIDDEN,
    leads_to,
    prop,
    query,
    sorted_by,
    transform,
    wide,
)
from tools.dashboards.page import (
    USER_LINK,
    Page,
    filter_by,
    job,
    last_scraped,
    metric,
    team,
    window,
)
from tools.dashboards.panels import legend, number, rows
from tools.dashboards.promql import FILTERS, PERSON, counts, employed, named, of_people, one_info

SHOWN = 40
"""The most members that are listed: those furthest below what was expected."""

MEMBERS = ("team", *FILTERS)
MATRIX = "user\\metric"

COUNTERS: Mapping[str, str] = {
    "calls_as_host": "Hosted",
    "calls_attended": "Attended",
    "own_calls_listened_to": "Replay",
    "calls_shared_externally": "Sh. out",
    "calls_shared_internally": "Sh. in",
    "calls_requested_feedback": "Asked \u2193",
    "calls_received_feedback": "Feedb. \u2193",
    "calls_comments_received": "Comm. \u2193",
    "calls_scorecards_received": "Scored \u2193",
    "calls_marked_as_feedback_received": "Marked \u2193",
    "others_calls_listened_to": "Heard",
    "calls_gave_feedback": "Feedb. \u2191",
    "calls_comments_given": "Comm. \u2191",
    "calls_scorecards_filled": "Scored \u2191",
    "calls_marked_as_feedback_given": "Marked \u2191",
}
"""Column titles of the known counters, in the order in which people think of them.

What is received has an arrow down, what is given one up. Counters that Gong adds appear after
these, under their own names.
"""

IN_TEAM = 'team=~"$team"'


def team_dashboard() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-team",
        "Gong / Team",
        "The members of a team, or the people of a manager, region or role: each against what was"
        " expected, and side by side.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), last_scraped(), team(), *map(filter_by, FILTERS), metric(), window())
    page.line(
        6,
        (4, freshness()),
        (4, _total()),
        (4, _change()),
        (4, _per_head()),
        (4, earlier(*MEMBERS)),
        (4, [_active(), silent_people("Members", *MEMBERS)]),
    )
    page.line(12, (24, _members()))
    page.line(
        10,
        (8, _against_expected()),
        (8, trend(_OF_MEMBERS, *MEMBERS)),
        (8, weeks(_OF_MEMBERS, *MEMBERS)),
    )
    page.line(12, (24, _side_by_side()))
    page.line(3, (24, _headings()))
    return page.build()


_OF_MEMBERS = "The count of those who are in the team today."


def _total() -> stat.Panel:
    text = "Calls and contributions of the whole team, whatever manager, region or role is chosen,"
    return all_activity(text, expected.team_observed(IN_TEAM), NO_TEAM)


def _change() -> stat.Panel:
    return change_of_many(
        "Against expected",
        "The whole team's seven days against what was expected." + EXPECTED,
        expected.team_observed(IN_TEAM),
        expected.team_expected(IN_TEAM),
        by="job, team",
        missing=NO_TEAM,
    )


def _per_head() -> stat.Panel:
    return number(
        "Per person, $window",
        "The mean count of ${metric:text} of a member, and of everybody in the company.",
        query(f"avg({of_people(counts(), *MEMBERS)})", legend="member"),
        query(f"avg({counts()})", legend="company"),
        decimals=1,
        names=True,
    )


def _active() -> stat.Panel:
    did_anything = f"({counts('')} > bool 0)"
    return number(
        "Active members",
        "The share of the members with any counter above zero in the window. Leave counts as"
        " absence.",
        query(f"avg({of_people(did_anything, *MEMBERS)})"),
        unit="percentunit",
        thresholds=ACTIVE,
    )


def _shown() -> str:
    """Those furthest below what was expected, then those of whom nothing is expected."""
    rest = counts(window="$window")
    each = f"(({expected.difference()}) or on (job, user) 0 * {rest})"
    return f"bottomk({SHOWN}, {employed(of_people(each, *MEMBERS))})"


def _members() -> table.Panel:
    panel = people(
        "Members against what was expected",
        "Calls and contributions of each member in the last seven days, furthest below first; then"
        " people without an expected count, such as those on leave or new."
        f" At most {SHOWN} people; no percentage when fewer than 5 are expected." + EXPECTED,
        _shown(),
        {
            "Count": expected.counted(),
            "Expected": expected.expected(),
            "Change": expected.change(),
            "Of team": expected.change_of_persons_team(),
            "Usual week": expected.usual(),
            "Days active": expected.active_days(7),
            "Last active": expected.last_active(),
        },
    )
    panel.override_by_regexp("/Usual week|Days active/", [wide(104)])
    return panel.override_by_name("Last active", [prop("unit", "time:ddd, D MMM"), wide(110)])


def _against_expected() -> timeseries.Panel:
    return against_expected(
        "All activity against expected",
        "Calls and contributions of the whole team, and what was expected.",
        detected_each_day("gong_team_observed_activity", IN_TEAM, by="team"),
        detected_each_day("gong_team_expected_activity", IN_TEAM, by="team"),
        missing="Nothing yet in this time range, or fewer than three people",
    )


def _side_by_side() -> table.Panel:
    everything = counts("", by=("job", "user", "metric"))
    panel = rows(
        "Side by side, $window",
        "Every counter of every member in the window. The brighter, the nearer to the highest of"
        f" the column. In a team of more than {SHOWN}, those furthest below what was expected.",
        f"{everything}\nand on (job, user) ({_shown()})",
        f"sum by (user, {PERSON}) ({named(one_info('email', 'name'))}\n"
        f"and on (job, user) ({_shown()}))",
        missing=NO_PEOPLE,
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
            prop("custom.width", 72),
        ],
    )
    panel.override_by_name("Person", [leads_to("Open this person", USER_LINK)])
    return panel.override_by_name("user", HIDDEN)


def _headings() -> text.Panel:
    meanings = (f"**{title}** {metric.replace('_', ' ')}" for metric, title in COUNTERS.items())
    return legend("\u2193 received, \u2191 given. " + " · ".join(meanings))
