"""What a backfill is asked for, and what there is to do it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import PageSource
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.backfill.outputs import Template
from gong_exporter.backfill.plan import Days
from gong_exporter.backfill.progress import Progress
from gong_exporter.backfill.quota import Quota
from gong_exporter.backfill.style import Format
from gong_exporter.backfill.survey import Portray
from gong_exporter.gong.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for.

    Attributes:
        plan: what a live exporter asks for at each poll.
        days: of publication.
        template: where to.
        form: of the output.
        step: seconds between samples.
        labels: added to every series.
        metrics: the ones to write; None for all.
        portray: makes the labels of people.
    """

    plan: PollPlan
    days: Days
    template: Template
    form: Format
    step: int
    labels: tuple[tuple[str, str], ...]
    metrics: tuple[str, ...] | None
    portray: Portray


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to do it with.

    Attributes:
        source: the client.
        clock: time and waits.
        quota: the share of the day's calls.
        calls_per_second: of the limiter.
        company_state: what polls learned, None for nothing; it is read and never changed.
        latest: the windows that polls fetched last.
        log: for warnings.
        progress: is told of every step.
        shown: from words that quote Gong to what may be shown of them.
    """

    source: PageSource
    clock: Clock
    quota: Quota
    calls_per_second: float
    company_state: CompanyState | None
    latest: tuple[WindowData, ...]
    log: FilteringBoundLogger
    progress: Progress
    shown: Callable[[str], str]
