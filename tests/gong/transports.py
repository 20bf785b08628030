"""What the transport's tests share."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from gong_exporter.gong.deadline_thread import ExchangeThread
from gong_exporter.gong.transport import Response, Transport
from tests.support.clocks import FakeClock

SECRET = "s3cr3t-value-of-the-key"
AUTHORIZATION = "Basic " + base64.b64encode(f"ACCESSKEY:{SECRET}".encode()).decode()

PAGE = {
    "requestId": "4al018gzaztcr8nbukw",
    "records": {"totalRecords": 0, "currentPageSize": 0, "currentPageNumber": 0},
    "usersAggregateActivityStats": [],
    "timeZone": "US/Pacific",
}


def transport_to(url: str, timeout: float = 5.0, **options: Any) -> Transport:
    return Transport(base_url=url, timeout=timeout, user_agent="gong-exporter/test", **options)


def post(transport: Transport, body: bytes = b"{}") -> Response:
    return transport.post(body, AUTHORIZATION, FakeClock())


def exchanges_running() -> int:
    return sum(
        isinstance(it, ExchangeThread) and it.task is not None for it in threading.enumerate()
    )


def worker_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if isinstance(thread, ExchangeThread)}


LATE = 10.0
"""Seconds that a busy machine may make of an instant: far less than what is cut short."""


def wait_until(met: Callable[[], bool], seconds: float = LATE) -> bool:
    """Whether it came true in time; for what other threads and the kernel do."""
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
