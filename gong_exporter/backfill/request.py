"""What a backfill is asked for, and what it needs to do it."""

from __future__ import annotations

from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import UserLabels
from gong_exporter.backfill.output import OutputPath, TextFormat
from gong_exporter.backfill.plan import PublicationDays
from gong_exporter.backfill.quota import BackfillQuota
from gong_exporter.gong.clock import Clock


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
