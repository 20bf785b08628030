"""What a backfill is asked for, what it needs to do it, and what it will cost."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import PAGE_SIZE, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import PageSource
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.activity.users import UserLabels
from gong_exporter.backfill.plan import DAY, OutputPath, PublicationDays, TextFormat
from gong_exporter.backfill.quota import BackfillQuota
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.records import ActivityPage


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRequest:
    """What a backfill is asked for.

    Attributes:
        plan: what a live exporter requests at each poll.
        days: the days of publication; checked.
        output: where to write; checked.
        text_format: of the output.
        step: seconds between samples.
        labels: added to every series.
        metrics: the ones to write; None for all.
        user_labels: makes the labels of each user.
    """

    plan: PollPlan
    days: PublicationDays
    output: OutputPath
    text_format: TextFormat
    step: int
    labels: tuple[tuple[str, str], ...]
    metrics: tuple[str, ...] | None
    user_labels: UserLabels


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillDeps:
    """The client, clock, quota and saved state that a backfill works with.

    Attributes:
        source: the client.
        clock: time and waits.
        quota: the backfill's share of the quota.
        calls_per_second: of the limiter.
        company_state: what polls learned; it is not changed.
        latest: the windows that the last poll fetched.
        log: for progress and warnings.
    """

    source: PageSource
    clock: Clock
    quota: BackfillQuota
    calls_per_second: float
    company_state: CompanyState
    latest: tuple[WindowData, ...]
    log: FilteringBoundLogger


_EXCHANGE_SECONDS = 0.3
"""How long an exchange with Gong takes, about."""

_LINE_BYTES = 180
"""A line of gong_user_activity, with a typical address, job and instance, has about so many."""


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
    return Estimate(
        days_left=days_left,
        calls=calls,
        seconds=max(by_rate, by_quota),
        by_quota=by_quota > by_rate,
        samples=activity + others,
        size=(activity + others) * _LINE_BYTES,
    )


def _seconds(calls: int, deps: BackfillDeps) -> tuple[float, float]:
    """The time that calls take by the calls a second, and by the daily quota."""
    rate, excess = deps.calls_per_second, max(0, calls - deps.quota.available())
    spacing = max(_EXCHANGE_SECONDS, (1 + _EXCHANGE_SECONDS) / max(1.0, rate), 1 / rate)
    return calls * spacing, float(DAY * math.ceil(excess / deps.quota.per_day))
