"""What all parts of the running exporter work with."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from structlog.typing import FilteringBoundLogger

from gong_exporter.common.redact import Redactor
from gong_exporter.exposition.body import Exposition
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.clock import Clock
from gong_exporter.store import StateFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all parts of the running exporter work with.

    Attributes:
        clock: its waits end when the stop signal is set.
        state: the state file, or memory.
        metrics: the exporter's own numbers.
        exposition: what is served.
        log: its processor redacts.
        redactor: redacts by the configuration in force.
    """

    clock: Clock
    state: StateFile
    metrics: ExporterMetrics
    exposition: Exposition
    log: FilteringBoundLogger
    redactor: Redactor


def make_parts(
    state: StateFile, clock: Clock, log: FilteringBoundLogger, redactor: Redactor
) -> Parts:
    """Make the metrics and the exposition, and put them beside the other parts."""
    metrics = ExporterMetrics(
        CollectorRegistry(),
        clock.now,
        quota_used=lambda: state.ledger.used(clock.now()),
        state_errors=lambda: state.error_count,
    )
    process = CollectorRegistry()
    ProcessCollector(registry=process)
    PlatformCollector(registry=process)
    return Parts(
        clock=clock,
        state=state,
        metrics=metrics,
        exposition=Exposition([metrics.registry, process], clock.monotonic),
        log=log,
        redactor=redactor,
    )
