"""A person: every counter against their own usual, and the coaching they give and get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries

from tools.dashboards.common import HISTORY, INCOMPARABLE, LOWER_BOUND, age, last_day
from tools.dashboards.counters import GIVEN, RECEIVED
from tools.dashboards.looks import (
    PERSON_CHANGE,
    coloured,
    graph,
    merged,
    query,
    sorted_by,
    transform,
    wide,
)
from tools.dashboards.page import Page, job, metric, team, user, usual, window
from tools.dashboards.panels import (
    DAILY_POINTS,
    DAILY_STEP,
    against_usual,
    by_day,
    compared,
    lines,
    number,
    rows,
)
from tools.dashboards.promql import (
    CHANCE,
    Counts,
    When,
    change,
    change_of_sum,
    in_words,
    info,
    one_info,
)

NOW = Counts(user="$user")
PAST = Counts(user="$user", when=When.PAST)
EVERY = Counts(metric="", user="$user", by=("job", "user", "metric"))
EVERYBODY = Counts(metric="", by=("job", "user", "metric"))

ME = 'user="$user"'
TARGET = ("__name__", "job", "instance", "namespace", "pod", "container", "service", "endpoint")
"""Labels that say where the exporter runs, and nothing about the person."""


def user_dashboard() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-user",
        "Gong / User",
        "One person: every counter against their own usual, coaching given and received.",
        since="now-14d",
        refresh="5m",
    )
    page.choices(job(), team(), user(), metric(), window(), usual())
    page.line(4, (24, _who()))
    page.line(
        6,
        (4, [last_day(), age()]),
        (5, _total()),
        (5, _change()),
        (6, _beside()),
        (4, _low()),
    )
    page.line(18, (12, _counters()), (12, [_trend(), _meetings()]))
    page.line(
        9,
        (
            12,
            _coaching(
                "Coaching received",
                "What others did for this person's calls, and asked for",
                RECEIVED,
            ),
        ),
        (12, _coaching("Coaching given", "What this person did for others' calls", GIVEN)),
    )
    return page.build()


def _who() -> table.Panel:
    panel = rows(
        "Who",
        "What the exporter knows of the person: the address from Gong, the other columns from the"
        " roster.",
        query(f"topk by (job, user) (1, {info(When.NOW, ME)})", as_table=True),
        missing="not known now",
    )
    order = ("name", "email", "team", "role", "manager", "region", "user")
    titles = {"name": "Name", "email": "Address", "user": "Gong user id"}
    titles |= {name: name.capitalize() for name in ("team", "role", "manager", "region")}
    return panel.with_transformation(
        transform(
            "organize",
            excludeByName={"Time": True, "Value": True, **dict.fromkeys(TARGET, True)},
            indexByName={name: place for place, name in enumerate(order)},
            renameByName=titles,
        )
    )


def _total() -> stat.Panel:
    return number(
        "${user:text}: ${metric:text}, $window",
        "The counter over the window, of this one person, as Gong gave it.",
        query(f"sum({NOW.over()})"),
    )


def _change() -> stat.Panel:
    return compared(
        "Against their own usual",
        "The person's count in the window against an average window of the same length before it."
        f" Red below a half. Nothing below a usual of {CHANCE}, where chance rules." + LOWER_BOUND,
        change_of_sum(NOW),
        PERSON_CHANGE,
    )


def _beside() -> stat.Panel:
    return number(
        "To compare: ${metric:text}",
        "The person's own usual, and the median of their team in the window; of everybody without"
        " a team for somebody without one.",
        query(f"sum({NOW.usual()})", "A", legend="own usual"),
        query(f"quantile(0.5, {_of_peers(Counts().over())})", "B", legend="team median"),
        decimals=1,
        names=True,
    )


def _low() -> stat.Panel:
    ratio = change(EVERY)
    return number(
        "Counters down by half",
        f"How many counters with a usual of {CHANCE} or more are below half of it." + LOWER_BOUND,
        query(f"count(({ratio}) < -0.5) or 0 * count({EVERY.usual()})"),
        thresholds=((None, "text"), (0, "green"), (1, "orange"), (3, "red")),
        missing=INCOMPARABLE,
    )


def _of_peers(inner: str) -> str:
    """The numbers of those in the person's team."""
    mine = f"topk by (job, user) (1, max by (job, user, team) ({info(When.NOW, ME)}))"
    return f"{inner}\nand on (job, user) ({one_info('team')}\n  and on (job, team) {mine})"


def _counters() -> table.Panel:
    peers = _of_peers(EVERYBODY.over())
    panel = rows(
        "Every counter against their own usual, $window",
        "Each counter in the window, an average window of the same length before it, and the"
        " median of the team in the window. Red below a half; no percentage below a usual of"
        f" {CHANCE}." + LOWER_BOUND,
        query(_labelled(EVERY.over()), "A", as_table=True),
        query(_labelled(EVERY.usual()), "B", as_table=True),
        query(_labelled(change(EVERY)), "C", as_table=True),
        query(
            f"sum by (words) ({in_words(f'quantile by (metric) (0.5, {peers})')})",
            "D",
            as_table=True,
        ),
    )
    titles = {
        "words": "Counter",
        "Value #A": "Count",
        "Value #B": "Usual",
        "Value #C": "Change",
        "Value #D": "Team median",
    }
    sorted_by(merged(panel, titles), "Usual", down=True)
    panel.override_by_regexp("/Count$|Usual/", [wide(90)])
    panel.override_by_name("Team median", [wide(110)])
    return panel.override_by_name("Change", [wide(90), *coloured("percentunit", *PERSON_CHANGE)])


def _labelled(inner: str) -> str:
    """One number for each counter, under its name in words."""
    return f"sum by (words) ({in_words(f'({inner})')})"


def _trend() -> timeseries.Panel:
    return against_usual(
        "Trend: ${metric:text}, $window at a time",
        "The person's count in the window that ended at each moment, and what was usual then."
        + HISTORY,
        f"sum({PAST.over()})",
        f"sum({PAST.usual()})",
    )


def _meetings() -> timeseries.Panel:
    return _graphs(
        "Hosted and attended, $window at a time",
        "Calls that the person hosted, and calls of others that they attended." + HISTORY,
        ("calls_as_host", "calls_attended"),
    )


def _coaching(title: str, text: str, metrics: Sequence[str]) -> timeseries.Panel:
    return _graphs(
        f"{title}, $window at a time",
        f"{text}, counted over the window that ended at each moment." + HISTORY,
        metrics,
    )


def _graphs(title: str, text: str, metrics: Sequence[str]) -> timeseries.Panel:
    counted = Counts(metric="|".join(metrics), user="$user", when=When.PAST).over()
    summed = f"sum by (words) ({in_words(counted)})"
    drawn = graph(summed, legend="{{words}}", step=DAILY_STEP)
    return by_day(lines(title, text, drawn, decimals=0, points=DAILY_POINTS))
