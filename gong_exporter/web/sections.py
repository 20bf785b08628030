"""The sections of the status page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gong_exporter.web.html import Html, join, lines, tag
from gong_exporter.web.site import ActivityTable, Failure, Status, WindowStatus
from gong_exporter.web.table import Query, render_table
from gong_exporter.web.verdict import Level
from gong_exporter.web.words import Clockface, clip, count, days, duration

_UNKNOWN_OPEN = 10
_UNKNOWN_SHOWN = 1000
_STATES: dict[str, tuple[Level, str]] = {
    "fresh": ("ok", "fresh"),
    "stale": ("warn", "older data"),
    "absent": ("bad", "no data"),
    "waiting": ("warn", "not yet"),
}

_HELP = {
    "Window": "A range of past days of the company: 7d are the last seven days that are over. Gong"
    " counts each window by itself, so a longer one is not the sum of its days.",
    "Fresh": "The last poll brought the numbers.",
    "Older data": "The last poll did not. The last good numbers are served until poll.stale_after.",
    "No data": "Nothing is served.",
    "Active": "Users that Gong named in the window.",
    "Inactive": "Users that are known and that Gong left out: all their numbers are 0.",
    "Unknown": "Configured users that Gong never named: they have no numbers.",
    "\u2013": "A number that Gong did not send. It is not 0.",
    "In Prometheus": "Each number is a sample of gong_user_activity: select one window and one"
    " metric of it.",
}


def header(status: Status, telemetry_path: str) -> Html:
    """What this is, and where everything else is."""
    links = {telemetry_path: "Metrics", "/-/healthy": "Healthy?", "/-/ready": "Ready?"}
    return tag(
        "header",
        tag("h1", "gong-exporter ", tag("span", status.version)),
        tag(
            "nav",
            [tag("a", label, href=path) for path, label in links.items()],
            aria_label="Endpoints",
        ),
    )


def warnings(status: Status) -> Html | None:
    """What is not right though it works."""
    if not status.warnings:
        return None
    return tag(
        "section",
        tag("h2", "Warnings" if len(status.warnings) > 1 else "Warning"),
        tag("ul", [tag("li", lines(clip(warning))) for warning in status.warnings]),
        class_="warn",
    )


def failure(last: Failure, clock: Clockface) -> Html:
    """What went wrong last, in Gong's words and with its requestId."""
    request_id = tag("bdi", last.request_id) if last.request_id else None
    return tag(
        "section",
        tag("h2", "Last failure, over since" if last.over else "Last failure"),
        tag("p", clock.at(last.at), f" ({clock.ago(last.at)}), ", last.reason),
        tag("p", lines(clip(last.message)), class_="said"),
        tag("p", "Gong\u2019s requestId, for its support: ", request_id) if request_id else None,
        class_="card" if last.over else "bad",
    )


def windows(status: Status, clock: Clockface) -> Html:
    """What range each window covers, and how fresh it is."""
    return tag(
        "section",
        tag("h2", "Windows", id="windows"),
        tag(
            "ul",
            [
                _window(
                    window, clock, waiting=window.state == "absent" and not status.polling.polls
                )
                for window in status.windows
            ],
            class_="cards",
        ),
        aria_labelledby="windows",
    )


def _window(window: WindowStatus, clock: Clockface, *, waiting: bool) -> Html:
    level, label = _STATES["waiting" if waiting else window.state]
    facts: list[tuple[str, Html | str]] = []
    if window.first_day is not None and window.end_day is not None:
        facts.append(("Covers", days(window.first_day, window.end_day)))
    if window.end is not None:
        facts.append(("Ends", join(clock.at(window.end), f" ({clock.ago(window.end)})")))
    if window.last_success is not None:
        got = join(clock.at(window.last_success), f" ({clock.ago(window.last_success)})")
        facts.append(("Fetched", got))
    if window.active is not None:
        users = f"{count(window.active)} active, {count(window.inactive or 0)} inactive"
        users += f", {count(window.unknown)} unknown" if window.unknown else ""
        facts.append(("Users", users))
    return tag(
        "li",
        tag("h3", window.name, " ", tag("span", label, class_=f"badge {level}")),
        tag("dl", [join(tag("dt", name), tag("dd", value)) for name, value in facts])
        if facts
        else None,
        tag("p", "Nothing is served for this window.", class_="dim")
        if window.state == "absent"
        else None,
        class_="card",
    )


def unknown(status: Status) -> Html | None:
    """The configured users that Gong has never named."""
    if not status.unknown_users:
        return None
    names = status.unknown_users
    listed = tag("ul", [tag("li", tag("bdi", clip(name))) for name in names[:_UNKNOWN_SHOWN]])
    more = len(names) - _UNKNOWN_SHOWN
    return tag(
        "section",
        tag("h2", "Unknown to Gong", id="unknown"),
        tag(
            "p",
            f"{count(len(names), 'configured user')} {'was' if len(names) == 1 else 'were'} never"
            " named by Gong: check the spelling, and whether they record calls.",
        ),
        tag("details", tag("summary", "Show them"), listed)
        if len(names) > _UNKNOWN_OPEN
        else listed,
        tag("p", f"and {count(more)} more", class_="dim") if more > 0 else None,
        class_="warn",
        aria_labelledby="unknown",
    )


def users(status: Status, query: Query, table: ActivityTable | None) -> Html | None:
    """The table of the window that the query names."""
    if not status.windows:
        return None
    tabs = [
        tag(
            "li",
            tag(
                "a",
                window.name,
                href=replace(query, window=window.name, page=1).link(),
                aria_current="true" if window.name == query.window else None,
            ),
        )
        for window in status.windows
    ]
    return tag(
        "section",
        tag("h2", "Users", id="users"),
        tag("ul", tabs, class_="tabs", aria_label="Window"),
        render_table(table, query)
        if table is not None
        else tag("p", f"There is no data for the window {query.window}.", class_="empty"),
        aria_labelledby="users",
    )


def details(status: Status, clock: Clockface) -> Html:
    """The rest, for those who look for a cause."""
    polling, api = status.polling, status.api
    took = "" if polling.last_seconds is None else f", took {duration(polling.last_seconds)}"
    took += ", left a window without new data" if polling.last_ok is False else ""
    facts: list[tuple[str, Html | str]] = [
        ("API", api.base_url),
        ("Schedule", polling.schedule),
        ("Interval in effect", duration(polling.interval_seconds)),
        (
            "Polls since the start",
            f"{count(polling.polls)}, {count(polling.failures)} without new data for a window",
        ),
        ("Requests by status", _counts(api.requests)),
        ("Errors by reason", _counts(api.errors)),
        (
            "Running since",
            join(clock.at(status.started_at), f" ({clock.ago(status.started_at)})"),
        ),
    ]
    if polling.last_poll is not None:
        last = join(clock.at(polling.last_poll), f" ({clock.ago(polling.last_poll)}){took}")
        facts.insert(3, ("Last poll", last))
    if polling.stretched is not None:
        facts.insert(3, ("Why not as scheduled", polling.stretched))
    return tag(
        "section",
        tag("h2", "Details", id="details"),
        tag(
            "dl",
            [join(tag("dt", name), tag("dd", value)) for name, value in facts],
            class_="card",
        ),
        aria_labelledby="details",
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {number:,}" for name, number in sorted(counts.items())) or "none"


def footer(clock: Clockface, docs_url: str | None) -> Html:
    """How to read the page."""
    return tag(
        "footer",
        tag("p", "As of ", clock.at(clock.now), f". Times are in {clock.zone_name}."),
        tag(
            "details",
            tag("summary", "How to read this page"),
            tag("dl", [join(tag("dt", term), tag("dd", says)) for term, says in _HELP.items()]),
        ),
        tag("p", tag("a", "Documentation", href=docs_url)) if docs_url else None,
    )
