"""What the transport's tests share."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from gong_exporter.gong.clock import Clock
from gong_exporter.gong.deadline_thread import DeadlineThread
from gong_exporter.gong.records import AGGREGATE_ACTIVITY_PATH
from gong_exporter.gong.transport import Request, Response, Transport
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
    return Transport(base_url=url, timeout=timeout, **options)


def a_request(body: bytes = b"{}") -> Request:
    return Request("POST", AGGREGATE_ACTIVITY_PATH, body)


def post(
    transport: Transport,
    body: bytes = b"{}",
    *,
    authorization: str = AUTHORIZATION,
    clock: Clock | None = None,
) -> Response:
    return transport.send(a_request(body), authorization, clock or FakeClock())


def exchanges_running() -> int:
    return sum(
        isinstance(it, DeadlineThread) and it.task is not None for it in threading.enumerate()
    )


def exchange_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if isinstance(thread, DeadlineThread)}


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
