"""What the web server has noticed so far, so that a test need not guess how long it takes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from gong_exporter.web import server
from gong_exporter.web.concurrency import FairSemaphore
from gong_exporter.web.connection import GuardedProtocol
from gong_exporter.web.guards import Doing, Seats


def requests_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The address of each request that has queued for a permit of a FairSemaphore."""
    seen: list[str] = []
    acquire = FairSemaphore.acquire

    async def noted(semaphore: FairSemaphore, address: str) -> bool:
        # Up to its first wait, acquiring is one step of the event loop with this.
        seen.append(address)
        return await acquire(semaphore, address)

    monkeypatch.setattr(FairSemaphore, "acquire", noted)
    return seen


def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[GuardedProtocol]:
    """Each connection that has been made."""
    seen: list[GuardedProtocol] = []
    made = GuardedProtocol.connection_made

    def noted(protocol: GuardedProtocol, transport: asyncio.BaseTransport) -> None:
        seen.append(protocol)
        made(protocol, transport)

    monkeypatch.setattr(GuardedProtocol, "connection_made", noted)
    return seen


def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What came of all connections, as it was read, and has been dealt with."""
    seen: list[bytes] = []
    received = GuardedProtocol.data_received

    def noted(protocol: GuardedProtocol, data: bytes) -> None:
        received(protocol, data)
        seen.append(data)

    monkeypatch.setattr(GuardedProtocol, "data_received", noted)
    return seen


def departures(monkeypatch: pytest.MonkeyPatch) -> list[GuardedProtocol]:
    """Each connection that has ended, and whose request knows."""
    seen: list[GuardedProtocol] = []
    lost = GuardedProtocol.connection_lost

    def noted(protocol: GuardedProtocol, exc: Exception | None) -> None:
        lost(protocol, exc)
        seen.append(protocol)

    monkeypatch.setattr(GuardedProtocol, "connection_lost", noted)
    return seen


def listened_to(monkeypatch: pytest.MonkeyPatch) -> Counter[H11Protocol]:
    """How many bytes of each connection were read as HTTP, and not just received."""
    seen: Counter[H11Protocol] = Counter()
    received = H11Protocol.data_received

    def noted(protocol: H11Protocol, data: bytes) -> None:
        seen[protocol] += len(data)
        received(protocol, data)

    monkeypatch.setattr(H11Protocol, "data_received", noted)
    return seen


def tables(monkeypatch: pytest.MonkeyPatch, monotonic: Callable[[], float]) -> list[Seats]:
    """Each server's table of connections, by a clock in the test's hands."""
    seen: list[Seats] = []

    def made(cap: int, newcomer_seconds: float) -> Seats:
        seen.append(Seats(cap, newcomer_seconds, monotonic))
        return seen[-1]

    monkeypatch.setattr(server, "Seats", made)
    return seen


def how_many(seats: Seats, doing: Doing) -> int:
    """Connections that are at this now."""
    return len(seats._rows[doing])


def most_at_once(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[int]:
    """One number: in how many threads at once a function of a module has been at work."""
    most, running, lock = [0], [0], threading.Lock()
    work = getattr(module, name)

    def counted(*arguments: Any) -> Any:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        try:
            return work(*arguments)
        finally:
            with lock:
                running[0] -= 1

    monkeypatch.setattr(module, name, counted)
    return most
