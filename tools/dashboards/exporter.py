"""The exporter itself: does it poll, how fresh is what it serves, what does Gong answer."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.page import Page, instance, job
from tools.dashboards.panels import (
    AGE,
    GREY,
    QUOTA,
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
    wide,
)

WHERE = 'job=~"$job", instance=~"$instance"'
INFO = "gong_exporter_build_info"
HOURLY = "15m"
"""The shortest step of what polls do: Grafana's rate interval is then an hour, a usual poll's."""


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
    page.line(8, (16, _windows()), (8, _build()))
    page.section("Gong's API")
    page.line(8, (8, _requests()), (8, _errors()), (8, _durations()))
    page.line(8, (8, _quota_trend()), (8, _limits()), (8, _failures()))
    page.section("Process")
    page.line(8, (8, _polls()), (8, _memory()), (8, _scrapes()))
    return page.build()


def of(family: str, *matchers: str) -> str:
    """A selector of the chosen processes."""
    return f"{family}{{{', '.join((WHERE, *matchers))}}}"


def per_hour(family: str, by: str) -> str:
    """A counter's rate as a number an hour."""
    return f"3600 * sum by ({by}) (rate({of(family)}[$__rate_interval]))"


def _says(*answers: tuple[int, str, str]) -> list[models.ValueMapping]:
    """Numbers that are shown as words with a colour."""
    options = {
        str(value): models.ValueMappingResult(text=text, color=color, index=place)
        for place, (value, text, color) in enumerate(answers)
    }
    return [models.ValueMap(options=options)]


def _up() -> stat.Panel:
    return number(
        "Scraped",
        "Whether Prometheus reached every chosen exporter at its last scrape.",
        query(f"min({of('up')})"),
        mappings=_says((0, "no", "red"), (1, "yes", "green")),
    )


def _last_poll() -> stat.Panel:
    return number(
        "Last poll",
        "Whether the last poll got every window from Gong. Absent before the first poll ends.",
        query(f"min({of('gong_up')})"),
        mappings=_says((0, "failed", "red"), (1, "complete", "green")),
        missing="none yet",
    )


def _oldest() -> stat.Panel:
    return number(
        "Oldest window fetched",
        "Time since the window with the oldest data last arrived whole. Orange after three hours,"
        " red after a day; what is older than stale_after is no longer served.",
        query(f"time() - min({of('gong_exporter_last_success_timestamp_seconds')})"),
        unit="s",
        thresholds=AGE,
        missing="never",
    )


def _next_poll() -> stat.Panel:
    return number(
        "Next poll in",
        "Time until the next poll is due. Far below zero, polls have stopped or one is hanging.",
        query(f"min({of('gong_exporter_next_poll_timestamp_seconds')}) - time()"),
        unit="s",
        thresholds=((None, "red"), (-900, "orange"), (-120, "green")),
        missing="unknown",
    )


def _quota() -> stat.Panel:
    used, limit = of("gong_exporter_api_quota_used"), of("gong_exporter_api_quota_limit")
    return number(
        "API quota",
        "Calls to Gong in the last 24 hours, of those that the exporter may make"
        " (requests_per_day): orange from 80 %, red from 95 %.",
        query(f"max({used} / {limit})"),
        unit="percentunit",
        decimals=1,
        thresholds=QUOTA,
    )


def _limited() -> stat.Panel:
    until = of("gong_exporter_api_rate_limited_until_timestamp_seconds")
    return number(
        "Rate-limited for",
        "How long Gong has asked for no calls (Retry-After), from now. Ten minutes and more mean"
        " that the company's quota is spent, perhaps by other integrations.",
        query(f"clamp_min(max({until}) - time(), 0)"),
        unit="s",
        thresholds=((None, "green"), (1, "orange"), (600, "red")),
        mappings=_says((0, "no", "green")),
    )


def _reload() -> stat.Panel:
    return number(
        "Configuration",
        "Whether the configuration was accepted when it was last read. When it was refused, the"
        " one before it is in force.",
        query(f"min({of('gong_exporter_config_last_reload_successful')})"),
        mappings=_says((0, "refused", "red"), (1, "accepted", "green")),
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
        "What each window covers, up to but not including its end, when it last arrived whole, and"
        " how many users it names. Unknown users are in the configuration, and Gong never named"
        " them: mistyped, perhaps.",
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
    panel.override_by_name("Fetched ago", coloured("s", *AGE))
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
        "Value #A": "",
    }
    merged(panel, titles)
    panel.override_by_name("Value #A", [prop("custom.hidden", True)])
    return panel.override_by_name("Up for", [prop("unit", "s"), wide(90)])


def _requests() -> timeseries.Panel:
    panel = lines(
        "Requests by code",
        "HTTP exchanges with Gong an hour by status code, retries included; none is for those"
        " without an answer.",
        graph(per_hour("gong_exporter_api_requests_total", "code"), legend="{{code}}", step=HOURLY),
        unit="suffix: /h",
        fill=15,
    )
    for code, color in (("2..", "green"), ("4..", "orange"), ("5..|none", "red")):
        panel.override_by_regexp(f"/^({code})$/", [fixed(color)])
    return panel


def _errors() -> timeseries.Panel:
    return lines(
        "Errors by reason",
        "HTTP exchanges with Gong an hour that ended in an error, by reason. Only reasons that"
        " occurred are drawn, and one line at zero when none did.",
        graph(
            f"{per_hour('gong_exporter_api_request_errors_total', 'reason')} > 0",
            legend="{{reason}}",
            step=HOURLY,
        ),
        graph(
            f"3600 * sum(rate({of('gong_exporter_api_request_errors_total')}[$__rate_interval]))",
            "B",
            legend="all",
            step=HOURLY,
        ),
        unit="suffix: /h",
    ).override_by_name("all", [fixed(GREY)])


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
        unit="suffix: /h",
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
        unit="suffix: /h",
    ).override_by_regexp("/failed|errors/", [fixed("red")])


def _polls() -> timeseries.Panel:
    panel = lines(
        "Duration of polls",
        "How long the last poll took, waits included, and the time between polls in effect: when"
        " the two meet, polls are late.",
        graph(f"max by (job) ({of('gong_exporter_poll_duration_seconds')})", "A", legend="poll"),
        graph(
            f"max by (job) ({of('gong_exporter_poll_interval_seconds')})", "B", legend="interval"
        ),
        unit="s",
    )
    scale = {"type": "log", "log": 10}
    panel.override_by_regexp("/./", [prop("custom.scaleDistribution", scale)])
    return panel.override_by_name("interval", [fixed(GREY)])


def _memory() -> timeseries.Panel:
    return lines(
        "Memory",
        "Resident memory of each process.",
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
