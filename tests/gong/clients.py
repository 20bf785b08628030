"""A client whose waits take no time, and what it logs and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest

from gong_exporter.common.redact import RedactionPolicy, Redactor
from gong_exporter.gong.client import GongClient, RetryPolicy
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    GongError,
)
from gong_exporter.gong.limits import CallLimits, Limiter
from gong_exporter.gong.records import ActivityFilter, ActivityPage, Exchange
from tests.gong.transports import AUTHORIZATION, PAGE, transport_to
from tests.support.clocks import FakeClock
from tests.support.hostile import Behaviour, answer
from tests.support.ledgers import MemoryLedger
from tests.support.logs import LogRecorder

WANTED = ActivityFilter(from_date=date(2026, 3, 4), to_date=date(2026, 3, 11))
GONE = {"requestId": "r9", "errors": ["An error has occurred"]}
OK = answer(200, PAGE)


@dataclass
class Watched:
    """A client, and what it logged and reported to its observer."""

    client: GongClient
    clock: FakeClock
    exchanges: list[Exchange] = field(default_factory=list)
    recorder: LogRecorder = field(default_factory=LogRecorder)
    limited: list[float] = field(default_factory=list)

    @property
    def warnings(self) -> list[tuple[str, str | None]]:
        """What was logged: each event with its detail, and the request id."""
        return [
            (
                ": ".join(
                    [event, *(str(values[k]) for k in ("error", "anomalies") if k in values)]
                ),
                request_id,
            )
            for (event, request_id), values in zip(
                self.recorder.warnings, self.recorder.values, strict=True
            )
        ]

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def throttled(self, seconds: float) -> None:
        pass

    def rate_limited_until(self, until: float) -> None:
        self.limited.append(until)

    def page(self, cursor: str | None = None) -> ActivityPage:
        return self.client.page(WANTED, cursor)

    def fail(self) -> GongError:
        with pytest.raises(GongError) as caught:
            self.page()
        return caught.value

    @property
    def counted(self) -> list[tuple[int | None, str | None]]:
        return [(exchange.code, exchange.reason) for exchange in self.exchanges]


def watched(
    url: str,
    *,
    clock: Clock | None = None,
    per_second: float = 100.0,
    per_day: int = 1000,
    retry: RetryPolicy | None = None,
    authorization: str = AUTHORIZATION,
    timeout: float = 5.0,
) -> Watched:
    fake = FakeClock()
    used = clock or fake
    seen = Watched(client=None, clock=fake)  # type: ignore[arg-type]
    seen.client = GongClient(
        transport=transport_to(url, timeout),
        limiter=Limiter(
            clock=used,
            ledger=MemoryLedger(),
            limits=CallLimits(per_second, per_day),
            observer=seen,
            timeout=timeout,
        ),
        observer=seen,
        clock=used,
        authorization=lambda: authorization,
        redactor=Redactor(RedactionPolicy(hide_addresses=False)),
        retry=retry,
        log=seen.recorder.log,
    )
    return seen


def limited(*headers: tuple[str, str]) -> Behaviour:
    return answer(429, {"requestId": "r9", "errors": ["API request limit exceeded"]}, headers)
