"""The cards of the status page: four things to see first, and one card for each window."""

from __future__ import annotations

from gong_exporter.web.markup import Html, TimeFormat, count, days, duration, join, tag
from gong_exporter.web.status import Level, Status, WindowStatus


def tiles(status: Status, time: TimeFormat) -> Html:
    """Four things to see first: freshness, next poll, quota, users."""
    return tag(
        "ul",
        _newest(status, time),
        _next_poll(status, time),
        _quota(status, time),
        _user_counts(status),
        class_="cards tiles",
        aria_label="At a glance",
    )


def _tile(label: str, big: str, *small: Html | str | None) -> Html:
    return tag(
        "li", tag("p", label, class_="label"), tag("p", big, class_="big"), *small, class_="card"
    )


def _newest(status: Status, time: TimeFormat) -> Html:
    arrived = [window.last_success for window in status.windows if window.last_success is not None]
    if not arrived:
        return _tile("Newest data", "none yet")
    newest = max(arrived)
    at = tag("p", time.at(newest), f" ({time.zone_name})", class_="dim")
    return _tile("Newest data", time.ago(newest), at)


def _next_poll(status: Status, time: TimeFormat) -> Html:
    every = f"every {duration(status.interval_seconds)}"
    due = status.numbers.next_poll
    if status.standby is not None:
        return _tile("Next poll", "standby", tag("p", "another process polls", class_="dim"))
    if status.numbers.polling_since is not None:
        return _tile("Next poll", "running now", tag("p", every, class_="dim"))
    if due is None:
        return _tile("Next poll", "not planned", tag("p", every, class_="dim"))
    return _tile("Next poll", time.ago(due), tag("p", time.at(due), f", {every}", class_="dim"))


def _quota(status: Status, time: TimeFormat) -> Html:
    numbers = status.numbers
    quota, spent = numbers.quota_limit or 0, numbers.quota_used or 0
    limit = max(quota, 1)
    meter = tag(
        "meter",
        min=0,
        max=limit,
        high=limit * 0.9,
        optimum=0,
        value=min(spent, limit),
        aria_label="API calls used",
    )
    limited = None
    if numbers.rate_limited_until > status.now:
        limited = tag("p", "Gong asks to wait until ", time.at(numbers.rate_limited_until))
    used = f"{count(spent)} of {count(quota)} used in the last 24 hours"
    left = count(max(quota - spent, 0))
    return _tile("API calls left", left, meter, tag("p", used, class_="dim"), limited)


def _user_counts(status: Status) -> Html:
    served = [window for window in status.windows if window.data is not None]
    if not served:
        return _tile("Users", "not known yet")
    # Of two windows with the same users, the later in the list is usually the longer one.
    widest = max(reversed(served), key=lambda window: window.active)
    active = f"{count(widest.active)} active in {widest.name}"
    return _tile("Users", count(len(status.snapshot.users)), tag("p", active, class_="dim"))


def window_cards(status: Status, time: TimeFormat) -> Html:
    """Which days each window covers, and how fresh it is."""
    cards = [_window(window, status, time) for window in status.windows]
    return tag(
        "section",
        tag("h2", "Windows", id="windows"),
        tag("ul", cards, class_="cards"),
        aria_labelledby="windows",
    )


def _window(window: WindowStatus, status: Status, time: TimeFormat) -> Html:
    data = window.data
    level: Level
    if data is not None:
        level, label = ("warn", "older data") if window.stale else ("ok", "fresh")
    else:
        level, label = ("bad", "no data") if status.numbers.polls else ("warn", "not yet")
    facts: list[tuple[str, Html | str]] = []
    if data is not None:
        end = data.end_timestamp
        facts.append(("Covers", days(data.start, data.end)))
        facts.append(("Ends", join(time.at(end), f" ({time.ago(end)})")))
    if window.last_success is not None:
        fetched = join(time.at(window.last_success), f" ({time.ago(window.last_success)})")
        facts.append(("Fetched", fetched))
    if data is not None:
        inactive = len(status.snapshot.users) - window.active
        users = f"{count(window.active)} active, {count(inactive)} inactive"
        unknown = len(status.unknown_users)
        users += f", {count(unknown)} unknown" if unknown else ""
        facts.append(("Users", users))
    nothing = tag("p", "Nothing is served for this window.", class_="dim")
    return tag(
        "li",
        tag("h3", window.name, " ", tag("span", label, class_=f"badge {level}")),
        fact_list(facts) if facts else None,
        nothing if data is None else None,
        class_="card",
    )


def fact_list(facts: list[tuple[str, Html | str]], class_: str | None = None) -> Html:
    """Names and values, one pair a line."""
    return tag(
        "dl", [join(tag("dt", name), tag("dd", value)) for name, value in facts], class_=class_
    )
