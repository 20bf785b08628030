"""Metrics of an exporter to which everything has happened, so that each family has a sample."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from gong_exporter.exposition.exporter_status import Failure
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.records import Exchange

NOW = 1_762_165_000.0


def exchange(code: int | None = 200, reason: str | None = None, duration: float = 0.2) -> Exchange:
    """One exchange with Gong."""
    return Exchange(duration=duration, code=code, reason=reason)


def busy_metrics() -> ExporterMetrics:
    """It has polled, been limited, reloaded, and failed."""
    metrics = ExporterMetrics(
        CollectorRegistry(),
        lambda: NOW,
        quota_used=lambda: 17,
        state_errors=lambda: 2,
    )
    metrics.config_read(accepted=True, at=NOW - 100)
    metrics.set_interval(3600)
    metrics.set_quota_limit(5000)
    metrics.poll_started(NOW - 10)
    metrics.exchanged(exchange())
    metrics.exchanged(exchange(429, "rate_limited", 0.01))
    metrics.exchanged(exchange(None, "timeout", 31.0))
    metrics.throttled(0.75)
    metrics.rate_limited_until(NOW + 20)
    metrics.window_succeeded("7d", NOW - 1)
    metrics.failed(Failure(at=NOW - 2, reason="timeout", message="no answer within 30 s"))
    metrics.poll_finished(duration=10.0, failed=True)
    metrics.set_next_poll(NOW + 3600)
    metrics.set_history(0.5, NOW - 50_000)
    metrics.history_fetch_failed()
    return metrics
