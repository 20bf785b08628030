"""The status page: one HTML document with its style, rendered on the server, no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gong_exporter.web.cards import fact_list, tiles, window_cards
from gong_exporter.web.markup import (
    Html,
    TimeFormat,
    clip,
    constant,
    count,
    duration,
    join,
    lines,
    tag,
)
from gong_exporter.web.people_table import PageQuery, render_people
from gong_exporter.web.status import Status, overall_health

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        # This style sheet may apply, and no other.
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "vary": "Accept-Encoding",
}

DOCS_URL = "https://github.com/gong-exporter/gong-exporter/tree/main/docs"
"""The project's documentation, as in the alerts' runbook links."""

_UNKNOWN_OPEN = 10
_UNKNOWN_SHOWN = 1000
_DEFAULT_WINDOW = "7d"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='%230a58ca'/%3E%3Cpath d='M4 11V8m4 3V4m4 7V6'"
    " stroke='white' stroke-width='2'/%3E%3C/svg%3E"
)
_HELP = {
    "Window": "A range of past company days: 7d is the last seven days that have ended. Gong"
    " counts each window by itself, so a longer one is not the sum of its days.",
    "Fresh": "The last poll brought the numbers.",
    "Older data": "The last poll did not. The last good numbers are served until poll.stale_after.",
    "No data": "Nothing is served.",
    "Active": "Users that Gong named in the window.",
    "Inactive": "Known users that Gong left out: all their numbers are 0.",
    "Unknown": "Configured users that Gong never named: they have no numbers.",
    "\u2013": "A number that Gong did not send. It is not 0.",
    "In Prometheus": "Each number is a sample of gong_user_activity: select one window and one"
    " metric of it.",
}


def render_page(status: Status, query: PageQuery, telemetry_path: str = "/metrics") -> bytes:
    """The page in UTF-8."""
    query = replace(query, window=_window_to_show(status, query.window))
    time = TimeFormat.of(status.now, status.time_zone)
    health = overall_health(status)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{health.headline} \u00b7 gong-exporter"),
        tag("link", rel="icon", href=_ICON),
        tag("style", constant(_STYLE)),
    )
    banner = tag(
        "p",
        tag("strong", health.headline),
        " ",
        health.sentence,
        class_=f"health {health.level}",
    )
    body = tag(
        "body",
        _header(status, telemetry_path),
        tag(
            "main",
            banner,
            _standby(status.standby),
            _warnings(status),
            _failure(status, time),
            tiles(status, time),
            window_cards(status, time),
            _unknown(status.unknown_users),
            _people(status, query),
            _details(status, time),
        ),
        _footer(time),
    )
    document = join(constant("<!doctype html>\n"), tag("html", head, body, lang="en"))
    return document.encode("utf-8", "replace")


def _window_to_show(status: Status, wanted: str) -> str:
    """The wanted window, else ``7d``, else the first; empty when no window is configured.

    Windows with data come before those without. The default is not the shortest window, because a
    single day is often a Sunday.
    """
    names = [window.name for window in status.windows]
    if wanted in names:
        return wanted
    shown = [window.name for window in status.windows if window.data is not None] or names
    return _DEFAULT_WINDOW if _DEFAULT_WINDOW in shown else next(iter(shown), "")


def _header(status: Status, telemetry_path: str) -> Html:
    links = {telemetry_path: "Metrics", "/-/healthy": "Healthy?", "/-/ready": "Ready?"}
    return tag(
        "header",
        tag("h1", "gong-exporter ", tag("span", status.version)),
        tag(
            "nav",
            # Relative, so that the page works behind a proxy that adds a path of its own.
            [tag("a", label, href=path[1:]) for path, label in links.items()],
            aria_label="Endpoints",
        ),
    )


def _standby(reason: str | None) -> Html | None:
    if reason is None:
        return None
    return tag("section", tag("h2", "Standby"), tag("p", lines(clip(reason))), class_="card")


def _warnings(status: Status) -> Html | None:
    if not status.warnings:
        return None
    return tag(
        "section",
        tag("h2", "Warnings" if len(status.warnings) > 1 else "Warning"),
        tag("ul", [tag("li", lines(clip(warning))) for warning in status.warnings]),
        class_="warn",
    )


def _failure(status: Status, time: TimeFormat) -> Html | None:
    last, over = status.numbers.last_failure, status.failure_over
    if last is None:
        return None
    request_id = tag("bdi", last.request_id) if last.request_id else None
    return tag(
        "section",
        tag("h2", "Last failure, over since" if over else "Last failure"),
        tag("p", time.at(last.at), f" ({time.ago(last.at)}), ", last.reason),
        tag("p", lines(clip(last.message)), class_="quote"),
        tag("p", "Gong\u2019s requestId, for its support: ", request_id) if request_id else None,
        class_="card" if over else "bad",
    )


def _unknown(names: tuple[str, ...]) -> Html | None:
    if not names:
        return None
    listed = tag("ul", [tag("li", tag("bdi", clip(name))) for name in names[:_UNKNOWN_SHOWN]])
    more = len(names) - _UNKNOWN_SHOWN
    were = "was" if len(names) == 1 else "were"
    return tag(
        "section",
        tag("h2", "Unknown to Gong", id="unknown"),
        tag(
            "p",
            f"{count(len(names), 'configured user')} {were} never named by Gong: check the"
            " spelling, and whether they record calls.",
        ),
        tag("details", tag("summary", "Show them"), listed)
        if len(names) > _UNKNOWN_OPEN
        else listed,
        tag("p", f"and {count(more)} more", class_="dim") if more > 0 else None,
        class_="warn",
        aria_labelledby="unknown",
    )


def _people(status: Status, query: PageQuery) -> Html | None:
    if not status.windows:
        return None
    tabs = [
        tag(
            "li",
            tag(
                "a",
                window.name,
                href=replace(query, window=window.name).link(),
                aria_current="true" if window.name == query.window else None,
            ),
        )
        for window in status.windows
    ]
    snapshot = status.snapshot
    data = next((data for data in snapshot.windows if data.window == query.window), None)
    no_data = tag("p", f"There is no data for the window {query.window}.", class_="empty")
    return tag(
        "section",
        tag("h2", "People", id="people"),
        tag("ul", tabs, class_="tabs", aria_label="Window"),
        render_people(snapshot, data, query) if data is not None else no_data,
        aria_labelledby="people",
    )


def _details(status: Status, time: TimeFormat) -> Html:
    numbers = status.numbers
    facts: list[tuple[str, Html | str]] = [
        ("API", status.base_url),
        ("Schedule", status.schedule),
        ("Interval in effect", duration(status.interval_seconds)),
    ]
    if status.stretched is not None:
        facts.append(("Why not as scheduled", status.stretched))
    if numbers.last_poll is not None:
        took = "" if numbers.poll_duration is None else f", took {duration(numbers.poll_duration)}"
        took += ", left a window without new data" if numbers.up is False else ""
        when = join(time.at(numbers.last_poll), f" ({time.ago(numbers.last_poll)}){took}")
        facts.append(("Last poll", when))
    failed = f"{count(numbers.polls)}, {count(numbers.poll_failures)} without new data for a window"
    started = join(time.at(status.started_at), f" ({time.ago(status.started_at)})")
    facts += [
        ("Polls since the start", failed),
        ("Requests by status", _counts(numbers.requests)),
        ("Errors by reason", _counts(numbers.errors)),
        ("Running since", started),
    ]
    if numbers.history_ratio is not None:
        known = f"{numbers.history_ratio:.0%} of 12 weeks is known"
        end = numbers.history_end
        newest = join(f"{known}, until ", time.at(end)) if end is not None else known
        facts.append(("Day history", newest))
    return tag(
        "section",
        tag("h2", "Details", id="details"),
        fact_list(facts, class_="card"),
        aria_labelledby="details",
    )


def _counts(counts: Mapping[str, int]) -> str:
    counted = [f"{name}: {number:,}" for name, number in sorted(counts.items()) if number]
    return ", ".join(counted) or "none"


def _footer(time: TimeFormat) -> Html:
    explained = [join(tag("dt", term), tag("dd", text)) for term, text in _HELP.items()]
    return tag(
        "footer",
        tag("p", "As of ", time.at(time.now), f". Times are in {time.zone_name}."),
        tag("details", tag("summary", "How to read this page"), tag("dl", explained)),
        tag("p", tag("a", "Documentation", href=DOCS_URL)),
    )
