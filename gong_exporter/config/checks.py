"""What only several values of a configuration tell, and what is worth a warning. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
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
from gong_exporter.config.secrets import variable_in
from gong_exporter.config.values import COMPANY_REQUESTS_PER_DAY, COMPANY_REQUESTS_PER_SECOND

_VARIABLE = "has the name of a variable in it, which nothing replaces here"

_CLOCK_CHANGE = 3600.0
"""Seconds that a gap in a cron schedule is longer when clocks go back."""


def stale_problem(gong: GongConfig, activity: ActivityConfig, poll: PollConfig) -> str:
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


def warnings(sections: Mapping[str, Any]) -> Iterator[tuple[*tuple[str | int, ...], str]]:
    """What works but should be known: the path of keys to a value, and what to say of it.

    Args:
        sections: the valid ones, by name.
    """
    if gong := sections.get("gong"):
        yield from (("gong", *warning) for warning in _gong(gong))
    if activity := sections.get("activity"):
        yield from (("activity", *warning) for warning in _activity(activity))
    state = sections.get("state")
    if state and variable_in(str(state.file or "")):
        yield "state", "file", _VARIABLE


def _gong(gong: GongConfig) -> Iterator[tuple[str, str]]:
    url = urlsplit(gong.base_url)
    if url.scheme == "http" and not _loopback(url.hostname or ""):
        yield "base_url", "is plain http, so others can read the credentials: use https"
    if gong.proxy_url is not None and variable_in(gong.proxy_url.reveal()):
        yield "proxy_url", _VARIABLE
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


def _activity(activity: ActivityConfig) -> Iterator[tuple[*tuple[str | int, ...], str]]:
    if activity.email_hash_key_file and activity.email_label is not EmailLabel.HASHED:
        yield "email_hash_key_file", "has no effect without email_label: hashed"
    for index, name in enumerate(activity.metrics or ()):
        if name not in METRICS:
            close = nearest(name, METRICS)
            what = f"{quoted(name)} is none of the {len(METRICS)} documented counters"
            yield "metrics", index, what + (f"; did you mean '{close}'?" if close else "")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
