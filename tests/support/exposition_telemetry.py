"""A telemetry that everything has happened to, so that each of its families has a sample."""

from __future__ import annotations

from gong_exporter.exposition.numbers import Failure
from gong_exporter.exposition.telemetry import Telemetry
from gong_exporter.gong.records import Exchange

NOW = 1_762_165_000.0


def exchange(code: int | None = 200, reason: str | None = None, duration: float = 0.2) -> Exchange:
    """One exchange with Gong."""
    return Exchange(started_at=NOW - 5, duration=duration, code=code, reason=reason)


def busy_telemetry() -> Telemetry:
    """It has polled, been limited, reloaded, and failed."""
    telemetry = Telemetry(now=lambda: NOW, version="1.2.3")
    telemetry.config_read(accepted=True, at=NOW - 100)
    telemetry.set_interval(3600)
    telemetry.set_quota(lambda: 17, 5000)
    telemetry.poll_started(NOW - 10)
    telemetry.exchanged(exchange())
    telemetry.exchanged(exchange(429, "rate_limited", 0.01))
    telemetry.exchanged(exchange(None, "timeout", 31.0))
    telemetry.throttled(0.75)
    telemetry.rate_limited_until(NOW + 20)
    telemetry.window_succeeded("7d", NOW - 1)
    telemetry.failed(Failure(at=NOW - 2, reason="timeout", message="no answer within 30 s"))
    telemetry.poll_finished(duration=10.0, failed=True)
    telemetry.set_next_poll(NOW + 3600)
    telemetry.set_state_errors(lambda: 2)
    return telemetry
