"""Builds the client for Gong; polls, backfills and ``check --live`` share it."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from gong_exporter.common.redact import Redactor
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.client import GongClient, RetryPolicy
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.limits import Ledger, Limiter
from gong_exporter.gong.records import Exchange, Observer
from gong_exporter.gong.transport import Transport
from gong_exporter.runtime.setup import Setup


class CallObserver:
    """Passes on what the client reports; whether errors are counted by reason can be switched.

    Errors are counted for window polls only. Other calls have counters of failures of their own.

    Attributes:
        counts_errors: as said above.
    """

    def __init__(self, observer: Observer, *, counts_errors: bool = True) -> None:
        self._observer = observer
        self.counts_errors = counts_errors

    def exchanged(self, exchange: Exchange) -> None:
        """See Observer."""
        self._observer.exchanged(exchange if self.counts_errors else replace(exchange, reason=None))

    def throttled(self, seconds: float) -> None:
        """See Observer."""
        self._observer.throttled(seconds)

    def rate_limited_until(self, until: float) -> None:
        """See Observer."""
        self._observer.rate_limited_until(until)


def make_client(
    setup: Setup,
    *,
    clock: Clock,
    ledger: Ledger,
    redactor: Redactor,
    log: FilteringBoundLogger,
    observer: Observer | None = None,
    retry: RetryPolicy | None = None,
) -> GongClient:
    """A client behind the limiter.

    ``ledger`` has the calls of other processes too. Without an observer, nothing shows the numbers.
    """
    gong = setup.config.gong
    observer = observer or ExporterMetrics(CollectorRegistry(), clock.now)
    return GongClient(
        transport=Transport(
            base_url=gong.base_url,
            timeout=gong.timeout,
            proxy_url=gong.proxy_url.get_secret_value() if gong.proxy_url else None,
            ca_file=str(gong.ca_file) if gong.ca_file else None,
        ),
        limiter=Limiter(
            clock=clock,
            ledger=ledger,
            limits=setup.limits,
            observer=observer,
            timeout=gong.timeout,
        ),
        observer=observer,
        clock=clock,
        authorization=setup.config.credentials.authorization,
        redactor=redactor,
        retry=retry,
        log=log,
    )
