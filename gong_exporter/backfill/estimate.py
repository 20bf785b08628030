"""Estimates calls, time and output of a backfill before its first day is fetched."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.activity.budget import PAGE_SIZE, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS
from gong_exporter.backfill.output import OutputFormat, TextFormat
from gong_exporter.backfill.plan import DAY
from gong_exporter.backfill.request import BackfillDeps, BackfillRequest
from gong_exporter.exposition.names import USER_ACTIVITY, USER_INFO
from gong_exporter.gong.records import ActivityPage

_EXCHANGE_SECONDS = 0.3
"""How long an exchange with Gong takes, about."""

_TYPICAL_USER = ("2" * 19, "firstname.lastname@example.com")
"""Id and address of typical length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is left to do, and the size of the output.

    Attributes:
        days_left: days still to fetch.
        calls: pages still to request.
        seconds: the time that they take, by the limits.
        by_quota: True if the daily quota limits the time, False if the calls a second do.
        samples: of all files.
        size: bytes of all files.
    """

    days_left: int
    calls: int
    seconds: float
    by_quota: bool
    samples: int
    size: int


def estimate(
    request: BackfillRequest,
    deps: BackfillDeps,
    *,
    zone: ZoneInfo,
    days: Collection[date],
    done: Collection[date],
    company_state: CompanyState,
    page: ActivityPage | None,
) -> Estimate:
    """Estimate from the latest polls. It tends to be too high, because companies grow.

    ``page`` is the one that was fetched to learn more, None if that was not needed; ``done`` are
    days that need no call.
    """
    selection, windows = request.plan.selection, request.plan.windows
    if selection.listed is not None:
        users = len(selection.listed)
    elif page is not None:
        users = max(page.total_records or 0, len(page.users))
    else:
        users = max((len(data.users) for data in deps.latest), default=PAGE_SIZE)
    days_left = len(set(days) - set(done))
    pages = [company_state.pages.get(window.name, pages_for(users)) for window in windows]
    calls = days_left * sum(pages)
    if days_left and selection.unknown_users(company_state):
        calls += pages_for(len(company_state.known_users))
    by_rate, by_quota = _seconds(calls, deps)

    times = len(days) * (DAY // request.step)
    metrics = request.metrics or METRICS
    activity = times * users * len(windows) * len(metrics)
    others = times * (users + 6 * len(windows))
    activity_bytes, other_bytes = _line_sizes(request, metrics, zone)
    return Estimate(
        days_left=days_left,
        calls=calls,
        seconds=max(by_rate, by_quota),
        by_quota=by_quota > by_rate,
        samples=activity + others,
        size=activity * activity_bytes + others * other_bytes,
    )


def _seconds(calls: int, deps: BackfillDeps) -> tuple[float, float]:
    """The time that calls take by the calls a second, and by the daily quota."""
    rate, excess = deps.calls_per_second, max(0, calls - deps.quota.available())
    spacing = max(_EXCHANGE_SECONDS, (1 + _EXCHANGE_SECONDS) / max(1.0, rate), 1 / rate)
    return calls * spacing, float(DAY * math.ceil(excess / deps.quota.per_day))


def _line_sizes(
    request: BackfillRequest, metrics: tuple[str, ...], zone: ZoneInfo
) -> tuple[int, int]:
    """Bytes of a line of gong_user_activity, and of any other line, for a typical user."""
    user = request.user_labels(*_TYPICAL_USER)
    output_format = OutputFormat(
        text_format=request.text_format, labels=request.labels, zone=zone, step=DAY, now=0.0
    )
    labels = (("user", user.user_id), ("email", user.email))
    metric = sorted(metrics, key=len)[len(metrics) // 2]
    milliseconds = 3 if request.text_format is TextFormat.PROMETHEUS else 0
    rest = len("12.0 1735689600\n") + milliseconds
    activity = output_format.series(USER_ACTIVITY, [*labels, ("metric", metric), ("window", "28d")])
    info = output_format.series(USER_INFO, [*labels, *user.labels])
    return len(activity) + rest, len(info) + rest
