"""The graphs of the exporter's dashboard: polls, Gong's answers, the process."""

from __future__ import annotations

from grafana_foundation_sdk.builders import prometheus, timeseries

from tools.dashboards.looks import AN_HOUR, GREY, fixed, graph, prop
from tools.dashboards.panels import lines, stacked
from tools.dashboards.promql import JOB

INSTANCE = 'instance=~"$instance"'


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
"""Colours of the reasons, by who has to act. None is green, because all are errors."""


def of(family: str, *matchers: str) -> str:
    """A selector of the chosen processes."""
    return f"{family}{{{', '.join((JOB, INSTANCE, *matchers))}}}"


def per_hour(family: str, by: str) -> str:
    """A counter's rate as a number an hour."""
    return f"3600 * sum by ({by}) (rate({of(family)}[$__rate_interval]))"


def hourly(family: str, *, legend: str) -> prometheus.Dataquery:
    """A counter's rate by job, as a number an hour."""
    return graph(per_hour(family, "job"), legend=legend, step=HOURLY)


def age() -> timeseries.Panel:
    """How old the data was."""
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


def polls() -> timeseries.Panel:
    """How long polls took."""
    taken = of("gong_exporter_poll_duration_seconds")
    return lines(
        "Duration of polls",
        "How long the slowest poll of each step took, waits included.",
        graph(f"max by (job) (max_over_time({taken}[$__interval]))", legend="{{job}}", step=HOURLY),
        unit="s",
        points=STEPS,
    )


def failures() -> timeseries.Panel:
    """Polls and failures."""
    return lines(
        "Polls and failures",
        "Polls an hour, those that left a window without new data, and failures to read or write"
        " the state file.",
        hourly("gong_exporter_polls_total", legend="polls of {{job}}"),
        hourly("gong_exporter_poll_failures_total", legend="failed polls of {{job}}"),
        hourly("gong_exporter_state_errors_total", legend="state errors of {{job}}"),
        unit=AN_HOUR,
    ).override_by_regexp("/failed|errors/", [fixed("red")])


def requests() -> timeseries.Panel:
    """Requests by code."""
    panel = lines(
        "Requests by code",
        "HTTP exchanges with Gong an hour by status code, retries included; none is for those"
        " without an answer.",
        _that_occur("gong_exporter_api_requests_total", "code"),
        unit=AN_HOUR,
    )
    for code, color in (("2..", "green"), ("4..", "orange"), ("5..|none", "red")):
        panel.override_by_regexp(f"/^({code})$/", [fixed(color)])
    return _stacked_below_all(panel)


def errors() -> timeseries.Panel:
    """Errors by reason."""
    panel = lines(
        "Errors by reason",
        "HTTP exchanges with Gong an hour that ended in an error, by reason; a line at zero when"
        " none did.",
        _that_occur("gong_exporter_api_request_errors_total", "reason"),
        unit=AN_HOUR,
    )
    for reason, color in REASONS.items():
        panel.override_by_regexp(f"/^({reason})$/", [fixed(color)])
    return _stacked_below_all(panel)


def durations() -> timeseries.Panel:
    """How long requests took."""
    buckets = of("gong_exporter_api_request_duration_seconds_bucket")
    rate = f"sum by (le) (rate({buckets}[$__rate_interval]))"
    return lines(
        "Duration of requests",
        "Time from the start of an exchange with Gong to the last byte of its answer: the median"
        " and the slowest twentieth.",
        graph(f"histogram_quantile(0.95, {rate})", legend="95 %", step=HOURLY),
        graph(f"histogram_quantile(0.5, {rate})", legend="median", step=HOURLY),
        unit="s",
    )


def quota_trend() -> timeseries.Panel:
    """Calls in a day, and the limit."""
    panel = lines(
        "Calls in the last 24 hours",
        "Calls to Gong in the 24 hours before each moment, and how many the exporter may make.",
        graph(f"max by (job) ({of('gong_exporter_api_quota_used')})", legend="used by {{job}}"),
        graph(f"max by (job) ({of('gong_exporter_api_quota_limit')})", legend="limit of {{job}}"),
        fill=15,
        decimals=0,
    )
    return panel.override_by_regexp(
        "/^limit /", [fixed("red"), prop("custom.fillOpacity", 0), prop("custom.lineWidth", 1)]
    )


def limits() -> timeseries.Panel:
    """Waiting for limits."""
    return lines(
        "Waiting for limits",
        "Seconds an hour that calls waited for the exporter's own limiter, and answers 429 an hour."
        " Waiting is as it should be; 429 means that others use the company's share.",
        hourly("gong_exporter_api_throttle_seconds_total", legend="seconds waited by {{job}}"),
        hourly("gong_exporter_api_rate_limited_total", legend="429 answers to {{job}}"),
        unit=AN_HOUR,
    ).override_by_regexp("/^429 /", [fixed("orange")])


def memory() -> timeseries.Panel:
    """Memory."""
    return lines(
        "Memory",
        "Resident memory of each process. It grows with people and windows, not with time.",
        graph(of("process_resident_memory_bytes"), legend="{{instance}}"),
        unit="bytes",
    )


def scrapes() -> timeseries.Panel:
    """How long scrapes took."""
    return lines(
        "Duration of scrapes",
        "How long Prometheus took to read each exporter's metrics. A scrape never calls Gong.",
        graph(of("scrape_duration_seconds"), legend="{{instance}}"),
        unit="s",
    )


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
