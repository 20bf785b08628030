"""The exporter itself: does it poll, how fresh is what it serves, what does Gong answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, stat, table
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards import exporter_graphs as graphs
from tools.dashboards.exporter_graphs import of
from tools.dashboards.looks import (
    ABSENT,
    AGE,
    COUNT,
    HIDDEN,
    PLAIN,
    QUOTA,
    Step,
    coloured,
    merged,
    prop,
    query,
    sorted_by,
    value_titles,
    wide,
)
from tools.dashboards.page import Page, instance, job
from tools.dashboards.panels import number, rows
from tools.dashboards.promql import OUTAGE, WINDOW_END

IS_DOWN = -1
"""Stands for how long a process runs that is down."""

START = "process_start_time_seconds"
INFO = "gong_exporter_build_info"
LONG = 1e9
"""Seconds: longer ago than anything here."""


def exporter() -> dict[str, Any]:
    """The dashboard."""
    page = Page(
        "gong-exporter",
        "Gong / Exporter",
        "Whether the exporter works, how fresh its numbers are, and what Gong's API answers.",
        since="now-24h",
        refresh="1m",
    )
    page.choices(job(INFO), instance(INFO))
    page.line(
        5,
        (3, _up()),
        (3, _last_poll()),
        (4, _oldest()),
        (4, _next_poll()),
        (4, _quota()),
        (3, _limited()),
        (3, _reload()),
    )
    page.line(7, (16, _windows()), (8, _build()))
    page.section("Polls")
    page.line(8, (8, graphs.age()), (8, graphs.polls()), (8, graphs.failures()))
    page.section("Gong's API")
    page.line(8, (8, graphs.requests()), (8, graphs.errors()), (8, graphs.durations()))
    page.line(8, (12, graphs.quota_trend()), (12, graphs.limits()))
    page.section("Process")
    page.line(8, (12, graphs.memory()), (12, graphs.scrapes()))
    return page.build()


def last(family: str, *matchers: str) -> str:
    """The chosen processes' series now, or the last ones of a process that is down.

    Not those of a process that Prometheus does not scrape any more: another has taken its place.
    """
    now, process = of(family, *matchers), "on (job, instance)"
    before = f"last_over_time({now}[{OUTAGE}]) unless {process} {now} and {process} {of('up')}"
    return f"({now} or {before})"


def health(
    title: str,
    text: str,
    expr: str,
    *,
    unit: str = COUNT,
    decimals: int = 0,
    thresholds: Sequence[Step] = PLAIN,
    missing: str = "no data",
    says: Sequence[tuple[int, str, str]] = (),
) -> stat.Panel:
    """A number or a word of the first line, all in one size."""
    options = {
        str(value): models.ValueMappingResult(text=word, color=color, index=place)
        for place, (value, word, color) in enumerate(says)
    }
    panel = number(
        title,
        text,
        query(expr),
        unit=unit,
        decimals=decimals,
        thresholds=thresholds,
        missing=missing,
        mappings=[models.ValueMap(options=options)] if options else (),
    )
    return panel.text(common.VizTextDisplayOptions().value_size(26))


def _up() -> stat.Panel:
    return health(
        "Scraped",
        "Whether Prometheus reached every chosen exporter at its last scrape.",
        f"min({of('up')})",
        says=(
            (0, "no", "red"),
            (1, "yes", "green"),
        ),
    )


def _last_poll() -> stat.Panel:
    return health(
        "Last poll",
        "Whether the last poll got every window from Gong. Absent before the first poll ends.",
        f"min({last('gong_up')})",
        says=(
            (0, "failed", "red"),
            (1, "complete", "green"),
        ),
        missing="none yet",
    )


def _oldest() -> stat.Panel:
    return health(
        "Oldest fetch",
        "Time since the window with the oldest data last arrived whole. Orange after three hours,"
        " red after a day; what is older than stale_after is no longer served.",
        f"time() - min({last('gong_exporter_last_success_timestamp_seconds')})",
        unit="s",
        thresholds=AGE,
        missing="never",
    )


def _next_poll() -> stat.Panel:
    return health(
        "Next poll in",
        "Time until the next poll is due. Far below zero, polls have stopped or one is hanging.",
        f"min({last('gong_exporter_next_poll_timestamp_seconds')}) - time()",
        unit="s",
        thresholds=((None, "text"), (-LONG, "red"), (-900, "orange"), (-120, "green")),
        missing="unknown",
    )


def _quota() -> stat.Panel:
    used, limit = last("gong_exporter_api_quota_used"), last("gong_exporter_api_quota_limit")
    return health(
        "API quota",
        "Calls to Gong in the last 24 hours, of those that the exporter may make"
        " (requests_per_day): orange from 80 %, red from 95 %.",
        f"max({used} / {limit})",
        unit="percentunit",
        decimals=1,
        thresholds=QUOTA,
    )


def _limited() -> stat.Panel:
    until = last("gong_exporter_api_rate_limited_until_timestamp_seconds")
    return health(
        "Rate-limited",
        "How long Gong has asked for no calls (Retry-After), from now. Ten minutes and more mean"
        " that the company's quota is spent, perhaps by other integrations.",
        f"clamp_min(max({until}) - time(), 0)",
        unit="s",
        thresholds=((None, "text"), (0, "green"), (1, "orange"), (600, "red")),
        says=((0, "no", "green"),),
    )


def _reload() -> stat.Panel:
    return health(
        "Configuration",
        "Whether the configuration was accepted when it was last read. When it was refused, the"
        " one before it is in force.",
        f"min({last('gong_exporter_config_last_reload_successful')})",
        says=(
            (0, "refused", "red"),
            (1, "accepted", "green"),
        ),
    )


def _windows() -> table.Panel:
    def by_window(family: str, *matchers: str) -> str:
        return f"max by (job, window) ({last(family, *matchers)})"

    columns = {
        "From": f"1000 * {by_window('gong_activity_window_start_timestamp_seconds')}",
        "Until": f"1000 * {by_window(WINDOW_END)}",
        "Fetched ago": f"time() - {by_window('gong_exporter_last_success_timestamp_seconds')}",
        "Active": by_window("gong_activity_users", 'state="active"'),
        "Inactive": by_window("gong_activity_users", 'state="inactive"'),
        "Unknown": by_window("gong_activity_users", 'state="unknown"'),
    }
    panel = rows(
        "Windows",
        "What each window covers, up to but not including its end (in your time zone), when it last"
        " arrived whole, and how many users it names. Unknown users are in the configuration, and"
        " Gong never named them: mistyped, perhaps.",
        *columns.values(),
        missing="No window has been fetched",
    )
    titles = {"job": "Job", "window": "Window", **value_titles(columns)}
    sorted_by(merged(panel, titles), "From", down=True)
    panel.override_by_name("Window", [wide(76)])
    panel.override_by_regexp("/From|Until/", [prop("unit", "time:YYYY-MM-DD HH:mm"), wide(140)])
    panel.override_by_name("Fetched ago", [wide(104), *coloured("s", *AGE)])
    panel.override_by_regexp("/ctive|Unknown/", [wide(80)])
    return panel.override_by_name("Unknown", coloured("locale", (None, "text"), (1, "orange")))


def _build() -> table.Panel:
    panel = rows(
        "Processes",
        "Version and start of each process. One of them polls, if they share a state file.",
        f"max by (instance, version, python) ({last(INFO)})",
        f"time() - max by (instance) ({of(START)})"
        f"\nor on (instance) max by (instance) ({last(START)}) * 0 {IS_DOWN}",
        missing="No process was scraped",
    )
    titles = {
        "instance": "Instance",
        "version": "Version",
        "python": "Python",
        "Value #B": "Up for",
    }
    merged(panel, titles)
    panel.override_by_name("Value #A", HIDDEN)
    panel.override_by_regexp("/Version|Python/", [wide(72)])
    down = {"type": "value", "options": {str(IS_DOWN): {"text": "down", "color": "red"}}}
    shown = coloured("s", *PLAIN)[:-1]
    return panel.override_by_name("Up for", [*shown, prop("mappings", [down, ABSENT]), wide(90)])
