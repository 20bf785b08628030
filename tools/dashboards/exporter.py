"""The exporter itself: does it poll, how fresh is what it serves, what does Gong answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.page import Page, instance, job
from tools.dashboards.panels import (
    AGE,
    COUNT,
    GREY,
    HIDDEN,
    PLAIN,
    QUOTA,
    Step,
    coloured,
    fixed,
    graph,
    lines,
    merged,
    number,
    prop,
    query,
    rows,
    sorted_by,
    stacked,
    wide,
)

WHERE = 'job=~"$job", instance=~"$instance"'
INFO = "gong_exporter_build_info"
HOURLY = "15m"
"""The shortest step of what polls do: Grafana's rate interval is then an hour, a usual poll's."""


STEPS = 100
"""Points of what is shown at its worst: over weeks, a step is longer than the poll interval."""

REASONS = {
    "rate_limited": "orange",
    "unauthorized|forbidden": "purple",
    "timeout|connection": "yellow",
    "server_error": "red",
    "bad_request|not_found|redirect|invalid_response": "dark-red",
}
"""Colours of the reasons, by whose business they are: nobody is to take an error for green."""


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
    page.line(8, (8, _age()), (8, _polls()), (8, _failures()))
    page.section("Gong's API")
    page.line(8, (8, _requests()), (8, _errors()), (8, _durations()))
    page.line(8, (12, _quota_trend()), (12, _limits()))
    page.section("Process")
    page.line(8, (12, _memory()), (12, _scrapes()))
    return page.build()


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
    return panel.text(common.VizTextDisplayOptions().value_size(34))


def of(family: str, *matchers: str) -> str:
    """A selector of the chosen processes."""
    return f"{family}{{{', '.join((WHERE, *matchers))}}}"


def per_hour(family: str, by: str) -> str:
    """A counter's rate as a number an hour."""
    return f"3600 * sum by ({by}) (rate({of(family)}[$__rate_interval]))"


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
        f"min({of('gong_up')})",
        says=(
            (0, "failed", "red"),
            (1, "complete", "green"),
        ),
        missing="none yet",
    )


def _oldest() -> stat.Panel:
    return health(
        "Oldest window fetched",
        "Time since the window with the oldest data last arrived whole. Orange after three hours,"
        " red after a day; what is older than stale_after is no longer served.",
        f"time() - min({of('gong_exporter_last_success_timestamp_seconds')})",
        unit="s",
        thresholds=AGE,
        missing="never",
    )


def _next_poll() -> stat.Panel:
    return health(
        "Next poll in",
        "Time until the next poll is due. Far below zero, polls have stopped or one is hanging.",
        f"min({of('gong_exporter_next_poll_timestamp_seconds')}) - time()",
        unit="s",
        thresholds=((None, "red"), (-900, "orange"), (-120, "green")),
        missing="unknown",
    )


def _quota() -> stat.Panel:
    used, limit = of("gong_exporter_api_quota_used"), of("gong_exporter_api_quota_limit")
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
    until = of("gong_exporter_api_rate_limited_until_timestamp_seconds")
    return health(
        "Rate-limited for",
        "How long Gong has asked for no calls (Retry-After), from now. Ten minutes and more mean"
        " that the company's quota is spent, perhaps by other integrations.",
        f"clamp_min(max({until}) - time(), 0)",
        unit="s",
        thresholds=((None, "green"), (1, "orange"), (600, "red")),
        says=((0, "no", "green"),),
    )


def _reload() -> stat.Panel:
    return health(
        "Configuration",
        "Whether the configuration was accepted when it was last read. When it was refused, the"
        " one before it is in force.",
        f"min({of('gong_exporter_config_last_reload_successful')})",
        says=(
            (0, "refused", "red"),
            (1, "accepted", "green"),
        ),
    )


def _windows() -> table.Panel:
    users = "max by (window) (" + of("gong_activity_users", 'state="%s"') + ")"
    start, end, fetched = (
        f"max by (window) ({of(family)})"
        for family in (
            "gong_activity_window_start_timestamp_seconds",
            "gong_activity_window_end_timestamp_seconds",
            "gong_exporter_last_success_timestamp_seconds",
        )
    )
    panel = rows(
        "Windows",
        "What each window covers, up to but not including its end (in your time zone), when it last"
        " arrived whole, and how many users it names. Unknown users are in the configuration, and"
        " Gong never named them: mistyped, perhaps.",
        query(f"1000 * {start}", "A", as_table=True),
        query(f"1000 * {end}", "B", as_table=True),
        query(f"time() - {fetched}", "C", as_table=True),
        query(users % "active", "D", as_table=True),
        query(users % "inactive", "E", as_table=True),
        query(users % "unknown", "F", as_table=True),
        missing="-",
    )
    titles = {
        "window": "Window",
        "Value #A": "From",
        "Value #B": "Until",
        "Value #C": "Fetched ago",
        "Value #D": "Active",
        "Value #E": "Inactive",
        "Value #F": "Unknown",
    }
    sorted_by(merged(panel, titles), "From", down=True)
    panel.override_by_regexp("/From|Until/", [prop("unit", "dateTimeAsIso"), wide(170)])
    panel.override_by_name("Fetched ago", [wide(120), *coloured("s", *AGE)])
    panel.override_by_regexp("/ctive|Unknown/", [wide(90)])
    return panel.override_by_name("Unknown", coloured("locale", (None, "text"), (1, "orange")))


def _build() -> table.Panel:
    panel = rows(
        "Processes",
        "Version and start of each process. One of them polls, if they share a state file.",
        query(f"max by (instance, version, python) ({of(INFO)})", "A", as_table=True),
        query(
            f"time() - max by (instance) ({of('process_start_time_seconds')})", "B", as_table=True
        ),
    )
    titles = {
        "instance": "Instance",
        "version": "Version",
        "python": "Python",
        "Value #B": "Up for",
    }
    merged(panel, titles)
    panel.override_by_name("Value #A", HIDDEN)
    panel.override_by_regexp("/Version|Python/", [wide(80)])
    return panel.override_by_name("Up for", [prop("unit", "s"), wide(90)])


def _requests() -> timeseries.Panel:
    panel = lines(
        "Requests by code",
        "HTTP exchanges with Gong an hour by status code, retries included; none is for those"
        " without an answer.",
        _that_occur("gong_exporter_api_requests_total", "code"),
        unit="suffix:/h",
    )
    for code, color in (("2..", "green"), ("4..", "orange"), ("5..|none", "red")):
        panel.override_by_regexp(f"/^({code})$/", [fixed(color)])
    return _stacked_below_all(panel)


def _errors() -> timeseries.Panel:
    panel = lines(
        "Errors by reason",
        "HTTP exchanges with Gong an hour that ended in an error, by reason; a line at zero when"
        " none did.",
        _that_occur("gong_exporter_api_request_errors_total", "reason"),
        unit="suffix:/h",
    )
    for reason, color in REASONS.items():
        panel.override_by_regexp(f"/^({reason})$/", [fixed(color)])
    return _stacked_below_all(panel)


def _that_occur(family: str, label: str) -> prometheus.Dataquery:
    """The rates that are not zero, of the many that could occur, and all together."""
    together = f"3600 * sum(rate({of(family)}[$__rate_interval]))"
    return graph(
        f'({per_hour(family, label)} > 0)\nor label_replace({together}, "{label}", "all", "", "")',
        legend=f"{{{{{label}}}}}",
        step=HOURLY,
    )


def _stacked_below_all(panel: timeseries.Panel) -> timeseries.Panel:
    plain = [prop("custom.drawStyle", "line"), prop("custom.stacking", {"mode": "none"})]
    thin = [prop("custom.fillOpacity", 0), prop("custom.lineWidth", 1)]
    return stacked(panel).override_by_name("all", [fixed(GREY), *plain, *thin])


def _durations() -> timeseries.Panel:
    buckets = of("gong_exporter_api_request_duration_seconds_bucket")
    rate = f"sum by (le) (rate({buckets}[$__rate_interval]))"
    return lines(
        "Duration of requests",
        "Time from the start of an exchange with Gong to the last byte of its answer: the median"
        " and the slowest twentieth.",
        graph(f"histogram_quantile(0.95, {rate})", "A", legend="95 %", step=HOURLY),
        graph(f"histogram_quantile(0.5, {rate})", "B", legend="median", step=HOURLY),
        unit="s",
    )


def _quota_trend() -> timeseries.Panel:
    panel = lines(
        "Calls in the last 24 hours",
        "Calls to Gong in the 24 hours before each moment, and how many the exporter may make.",
        graph(f"max by (job) ({of('gong_exporter_api_quota_used')})", "A", legend="used"),
        graph(f"max by (job) ({of('gong_exporter_api_quota_limit')})", "B", legend="limit"),
        fill=15,
        decimals=0,
    )
    return panel.override_by_name(
        "limit", [fixed("red"), prop("custom.fillOpacity", 0), prop("custom.lineWidth", 1)]
    )


def _limits() -> timeseries.Panel:
    return lines(
        "Waiting for limits",
        "Seconds an hour that calls waited for the exporter's own limiter, and answers 429 an hour."
        " Waiting is as it should be; 429 means that others use the company's share.",
        graph(
            per_hour("gong_exporter_api_throttle_seconds_total", "job"),
            "A",
            legend="seconds waited",
            step=HOURLY,
        ),
        graph(
            per_hour("gong_exporter_api_rate_limited_total", "job"),
            "B",
            legend="429 answers",
            step=HOURLY,
        ),
        unit="suffix:/h",
    ).override_by_name("429 answers", [fixed("orange")])


def _failures() -> timeseries.Panel:
    return lines(
        "Polls and failures",
        "Polls an hour, those that left a window without new data, and failures to read or write"
        " the state file.",
        graph(per_hour("gong_exporter_polls_total", "job"), "A", legend="polls", step=HOURLY),
        graph(
            per_hour("gong_exporter_poll_failures_total", "job"),
            "B",
            legend="failed polls",
            step=HOURLY,
        ),
        graph(
            per_hour("gong_exporter_state_errors_total", "job"),
            "C",
            legend="state errors",
            step=HOURLY,
        ),
        unit="suffix:/h",
    ).override_by_regexp("/failed|errors/", [fixed("red")])


def _age() -> timeseries.Panel:
    fetched = of("gong_exporter_last_success_timestamp_seconds")
    return lines(
        "Age of the data",
        "How long ago each window had last arrived whole, at the worst moment of each step. Level"
        " at the poll interval is as it should be; what rises means failing polls.",
        graph(
            f"max by (window) (max_over_time((time() - {fetched})[$__interval:15s]))",
            legend="{{window}}",
            step=HOURLY,
        ),
        unit="s",
        points=STEPS,
    )


def _polls() -> timeseries.Panel:
    taken = of("gong_exporter_poll_duration_seconds")
    return lines(
        "Duration of polls",
        "How long the slowest poll of each step took, waits included.",
        graph(f"max by (job) (max_over_time({taken}[$__interval]))", legend="{{job}}", step=HOURLY),
        unit="s",
        points=STEPS,
    )


def _memory() -> timeseries.Panel:
    return lines(
        "Memory",
        "Resident memory of each process. It grows with people and windows, not with time.",
        graph(of("process_resident_memory_bytes"), legend="{{instance}}"),
        unit="bytes",
    )


def _scrapes() -> timeseries.Panel:
    return lines(
        "Duration of scrapes",
        "How long Prometheus took to read each exporter's metrics. A scrape never calls Gong.",
        graph(of("scrape_duration_seconds"), legend="{{instance}}"),
        unit="s",
    )
