"""What only several values tell, at a start and at a reload, and what is worth a warning. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from requests.utils import should_bypass_proxies
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from gong_exporter.activity.snapshot import METRICS
from gong_exporter.common.problems import Problem, nearest, quoted
from gong_exporter.config.cron import longest_gap
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import (
    DEFAULT_INTERVAL,
    ActivityConfig,
    Config,
    GongConfig,
    PollConfig,
)
from gong_exporter.config.secrets import variable_in
from gong_exporter.config.values import (
    COMPANY_REQUESTS_PER_DAY,
    COMPANY_REQUESTS_PER_SECOND,
    EmailLabel,
)

_VARIABLE = "has the name of a variable in it, which nothing replaces here"

_LEAST_FOR_DROPS = 26 * 3600.0
"""Seconds: the newest day of the history ended up to a day ago, of 25 hours where clocks go back,
and the poll after midnight takes a while."""

_CLOCK_CHANGE = 3600.0
"""Seconds that a gap in a cron schedule is longer when clocks go back."""


def stale_problems(
    gong: GongConfig, activity: ActivityConfig, poll: PollConfig, lines: Mapping[str, int]
) -> Iterator[Problem]:
    """Why data would not be good until the next poll is over; ``lines`` are those of the keys."""
    per_call = gong.timeout + 1 / gong.requests_per_second
    duration = math.ceil(len(activity.windows) * per_call)
    if poll.cron is not None:
        gap = longest_gap(poll.cron).total_seconds() + _CLOCK_CHANGE
        apart = f"{format_duration(gap)} apart, a clock change included"
    else:
        gap = poll.interval or DEFAULT_INTERVAL
        apart = f"{format_duration(gap)} apart"
    if poll.stale_after <= gap + duration:
        keys = ("poll.stale_after", "poll.cron", "poll.interval")
        key = next((key for key in keys if key in lines), "poll.interval")
        what = (
            f"data would go stale between two polls: they are up to {apart}, and one may take"
            f" {format_duration(duration)} ({len(activity.windows)} windows), but stale_after is"
            f" {format_duration(poll.stale_after)}"
        )
        yield Problem(lines.get(key, lines.get("poll", 0)), key, what)


Warned = tuple[tuple[str | int, ...], str]
"""The path of keys and indexes to a value, and what should be known about it."""


def warnings(sections: Mapping[str, Any]) -> Iterator[Warned]:
    """What works but should be known, of the sections that are valid."""
    if gong := sections.get("gong"):
        yield from _gong(gong)
    if activity := sections.get("activity"):
        yield from _activity(activity)
    state = sections.get("state")
    if state and variable_in(str(state.file or "")):
        yield ("state", "file"), _VARIABLE
    poll, drops = sections.get("poll"), sections.get("drops")
    has_history = drops and drops.enabled and state and state.file
    if poll and has_history and poll.stale_after < _LEAST_FOR_DROPS:
        what = (
            f"is less than {format_duration(_LEAST_FOR_DROPS)}: the numbers on drops of activity,"
            f" whose newest day is yesterday, vanish {format_duration(poll.stale_after)} after each"
            " midnight, and the alerts with them"
        )
        yield ("poll", "stale_after"), what


def _gong(gong: GongConfig) -> Iterator[Warned]:
    url = urlsplit(gong.base_url)
    if url.scheme == "http" and not _loopback(url.hostname or ""):
        yield ("gong", "base_url"), "is plain http, so others can read the credentials: use https"
    if gong.proxy_url is not None and variable_in(gong.proxy_url.get_secret_value()):
        yield ("gong", "proxy_url"), _VARIABLE
    for key, limit, unit in (
        ("requests_per_second", COMPANY_REQUESTS_PER_SECOND, "a second"),
        ("requests_per_day", COMPANY_REQUESTS_PER_DAY, "a day"),
    ):
        if getattr(gong, key) > limit:
            what = (
                f"is above Gong's default of {limit} calls {unit} for the whole company, other"
                " integrations included; right only if Gong granted more"
            )
            yield ("gong", key), what


def _activity(activity: ActivityConfig) -> Iterator[Warned]:
    if activity.email_hash_key_file and activity.email_label is not EmailLabel.HASHED:
        yield ("activity", "email_hash_key_file"), "has no effect without email_label: hashed"
    for index, name in enumerate(activity.metrics or ()):
        if name not in METRICS:
            close = nearest(name, METRICS)
            what = f"{quoted(name)} is none of the {len(METRICS)} documented counters"
            what += f"; did you mean '{close}'?" if close else ""
            yield ("activity", "metrics", index), what


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_problems(base_url: str, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Why the proxy of a variable cannot be used, without its value.

    As requests reads them: a name in lower case takes precedence, also when it is empty.
    """
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    if should_bypass_proxies(base_url, no_proxy=no_proxy):
        return
    for name in (f"{urlsplit(base_url).scheme}_proxy", "all_proxy"):
        variable = name if name in environ else name.upper()
        text = environ.get(variable, "").strip()
        if text:
            if why := _problem(text):
                yield Problem(0, f"${variable}", why)
            return


def _problem(text: str) -> str:
    try:
        url = text if "://" in text else f"http://{text}"
        parts = urlsplit(url)
        _ = parts.port
        parse_url(url)  # as the client reads it, which refuses a space in the host
    except (ValueError, LocationParseError):
        return "is not the URL of a proxy"
    if parts.scheme.startswith("socks"):
        return "names a SOCKS proxy, which is not supported; use one with http:// or https://"
    if parts.scheme not in {"http", "https"}:
        return "must begin with http:// (or https://)"
    return "" if parts.hostname else "has no host"


_SHOWN = (EmailLabel.OMITTED, EmailLabel.HASHED, EmailLabel.PLAIN)
"""From the one that shows least of an address to the one that shows all of it."""


def widened(new: Config, old: Config) -> Iterator[Problem]:
    """What ``new`` would publish beyond ``old`` because a key of ``old`` is missing in its file.

    A key that the file states is meant, so it may widen what is published.
    """
    stated = new.activity.model_fields_set
    if old.activity.users is not None and new.activity.users is None and "users" not in stated:
        listed = len(old.activity.users)
        yield _missing("activity.users", "all", f"all users in place of the {listed} listed")
    label, before = new.activity.email_label, old.activity.email_label
    if _SHOWN.index(label) > _SHOWN.index(before) and "email_label" not in stated:
        yield _missing("activity.email_label", label, f"addresses that were {before}")
    columns = old.activity.roster_labels
    if columns is not None and new.activity.roster_labels is None and "roster_labels" not in stated:
        effect = f"more columns of the roster than {', '.join(columns) or 'none'}"
        what = f"is missing, which could publish {effect}; list the columns that are meant"
        yield Problem(0, "activity.roster_labels", what)
    dropped = {user.name for user in old.activity.exclude_users}
    dropped -= {user.name for user in new.activity.exclude_users}
    if dropped and "exclude_users" not in stated:
        effect = f"users who were excluded ({len(dropped)})"
        yield _missing("activity.exclude_users", "[]", effect)
    yield from _drops_widened(new, old)


def _drops_widened(new: Config, old: Config) -> Iterator[Problem]:
    stated = new.drops.model_fields_set
    if not new.drops.enabled:
        return
    if not old.drops.enabled and "enabled" not in stated:
        yield _missing("drops.enabled", "true", "scores of people and teams")
    elif new.drops.people and not old.drops.people and "people" not in stated:
        yield _missing("drops.people", "true", "scores of people")


def _missing(key: str, default: str, effect: str) -> Problem:
    name = key.rpartition(".")[2]
    what = f"is missing, which would publish {effect}; write {name}: {default} if that is meant"
    return Problem(0, key, what)
