"""The tiles at the top of the status page: freshness, next poll, quota, users."""

from __future__ import annotations

from gong_exporter.web.html import Html, join, tag
from gong_exporter.web.site import Status
from gong_exporter.web.words import Clockface, count, duration


def tiles(status: Status, clock: Clockface) -> Html:
    """Four things to see first."""
    return tag(
        "ul",
        _newest(status, clock),
        _next_poll(status, clock),
        _quota(status, clock),
        _user_counts(status),
        class_="cards tiles",
        aria_label="At a glance",
    )


def _tile(label: str, big: str, *small: Html | str | None) -> Html:
    return tag(
        "li",
        tag("p", label, class_="label"),
        tag("p", big, class_="big"),
        *small,
        class_="card",
    )


def _newest(status: Status, clock: Clockface) -> Html:
    found = [window.last_success for window in status.windows if window.last_success is not None]
    if not found:
        return _tile("Newest data", "none yet")
    return _tile("Newest data", clock.ago(max(found)), tag("p", clock.at(max(found)), class_="dim"))


def _next_poll(status: Status, clock: Clockface) -> Html:
    polling = status.polling
    every = tag("p", f"every {duration(polling.interval_seconds)}", class_="dim")
    if polling.running:
        return _tile("Next poll", "running now", every)
    if polling.next_poll is None:
        return _tile("Next poll", "not planned", every)
    when = join(clock.at(polling.next_poll), f", every {duration(polling.interval_seconds)}")
    return _tile("Next poll", clock.ago(polling.next_poll), tag("p", when, class_="dim"))


def _quota(status: Status, clock: Clockface) -> Html:
    api = status.api
    limit = max(api.quota_limit, 1)
    left = max(api.quota_limit - api.quota_used, 0)
    meter = tag(
        "meter",
        min=0,
        max=limit,
        high=limit * 0.9,
        optimum=0,
        value=min(api.quota_used, limit),
        aria_label="API calls used",
    )
    limited = None
    if api.rate_limited_until is not None and api.rate_limited_until > status.now:
        limited = tag("p", "Gong asks to wait until ", clock.at(api.rate_limited_until))
    used = tag(
        "p",
        f"{count(api.quota_used)} of {count(api.quota_limit)} used in the last 24 hours",
        class_="dim",
    )
    return _tile("API calls left", count(left), meter, used, limited)


def _user_counts(status: Status) -> Html:
    counted = [window for window in status.windows if window.active is not None]
    if not counted:
        return _tile("Users", "not known yet")
    # Of two windows that know the same users, the later in the list is usually the longer one.
    widest = max(reversed(counted), key=lambda window: window.active or 0)
    total = (widest.active or 0) + (widest.inactive or 0)
    return _tile(
        "Users",
        count(total),
        tag("p", f"{count(widest.active or 0)} active in {widest.name}", class_="dim"),
    )
