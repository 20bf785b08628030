"""What only several values of a configuration tell, and what is worth a warning. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from gong_exporter.activity.snapshot import METRICS
from gong_exporter.common.nearest import nearest, quoted
from gong_exporter.config.cron import longest_gap
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import (
    DEFAULT_INTERVAL,
    ActivityConfig,
    EmailLabel,
    GongConfig,
    PollConfig,
)
from gong_exporter.config.values import COMPANY_REQUESTS_PER_DAY, COMPANY_REQUESTS_PER_SECOND

_CLOCK_CHANGE = 3600.0
"""Seconds that a gap in a cron schedule is longer when clocks go back."""


def stale_fault(gong: GongConfig, activity: ActivityConfig, poll: PollConfig) -> str:
    """Why data would not be good until the next poll is over; empty when it is."""
    per_call = gong.timeout + 1 / gong.requests_per_second
    duration = math.ceil(len(activity.windows) * per_call)
    if poll.cron is not None:
        gap = longest_gap(poll.cron).total_seconds() + _CLOCK_CHANGE
        apart = f"{format_duration(gap)} apart, a clock change included"
    else:
        gap = poll.interval or DEFAULT_INTERVAL
        apart = f"{format_duration(gap)} apart"
    if poll.stale_after > gap + duration:
        return ""
    return (
        f"data would go stale between two polls: they are up to {apart}, and one may take"
        f" {format_duration(duration)} ({len(activity.windows)} windows), but stale_after is"
        f" {format_duration(poll.stale_after)}"
    )


def gong_warnings(gong: GongConfig) -> Iterator[tuple[str, str]]:
    """Pairs of a key and what is worth a warning."""
    url = urlsplit(gong.base_url)
    if url.scheme == "http" and not _loopback(url.hostname or ""):
        yield "base_url", "is plain http: anybody can read the credentials; use https"
    for key, limit, unit in (
        ("requests_per_second", COMPANY_REQUESTS_PER_SECOND, "a second"),
        ("requests_per_day", COMPANY_REQUESTS_PER_DAY, "a day"),
    ):
        if getattr(gong, key) > limit:
            what = (
                f"is above Gong's default of {limit} calls {unit} for the whole company, other"
                " integrations included; right only if Gong granted more"
            )
            yield key, what


def activity_warnings(activity: ActivityConfig) -> Iterator[tuple[str, str]]:
    """Likewise; for metrics, see `metric_warnings`."""
    if activity.email_hash_key_file and activity.email_label is not EmailLabel.HASHED:
        yield "email_hash_key_file", "has no effect without email_label: hashed"


def metric_warnings(activity: ActivityConfig) -> Iterator[tuple[int, str]]:
    """Pairs of an index in ``metrics`` and what is worth a warning."""
    for index, name in enumerate(activity.metrics or ()):
        if name not in METRICS:
            close = nearest(name, METRICS)
            what = f"{quoted(name)} is none of the {len(METRICS)} documented counters"
            yield index, what + (f"; did you mean '{close}'?" if close else "")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
