"""What the web server has noticed so far, so that a test does not guess how long it takes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from types import ModuleType
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from gong_exporter.web.concurrency import FairLock
from gong_exporter.web.connections import ConnectionTable, OpenConnection
from gong_exporter.web.http_connection import HttpConnection


def requests_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The address of each request that has queued for a FairLock."""
    seen: list[str] = []
    acquire = FairLock.acquire

    async def noted(lock: FairLock, address: str) -> bool:
        # Up to its first wait, acquiring is one step of the event loop with this.
        seen.append(address)
        return await acquire(lock, address)

    monkeypatch.setattr(FairLock, "acquire", noted)
    return seen


def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[HttpConnection]:
    """Each connection that has been made."""
    seen: list[HttpConnection] = []
    made = HttpConnection.connection_made

    def noted(protocol: HttpConnection, transport: asyncio.Transport) -> None:
        seen.append(protocol)
        made(protocol, transport)

    monkeypatch.setattr(HttpConnection, "connection_made", noted)
    return seen


def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bytes of all connections, as they were read and handled."""
    seen: list[bytes] = []
    received = HttpConnection.data_received

    def noted(protocol: HttpConnection, data: bytes) -> None:
        received(protocol, data)
        seen.append(data)

    monkeypatch.setattr(HttpConnection, "data_received", noted)
    return seen


def departures(monkeypatch: pytest.MonkeyPatch) -> list[HttpConnection]:
    """Each connection that has ended, and whose request knows."""
    seen: list[HttpConnection] = []
    lost = HttpConnection.connection_lost

    def noted(protocol: HttpConnection, exc: Exception | None) -> None:
        lost(protocol, exc)
        seen.append(protocol)

    monkeypatch.setattr(HttpConnection, "connection_lost", noted)
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


def accepted(monkeypatch: pytest.MonkeyPatch) -> list[OpenConnection]:
    """Each connection that has been accepted, before any TLS handshake."""
    seen: list[OpenConnection] = []
    add = ConnectionTable.add

    def noted(table: ConnectionTable, sock: socket.socket, host: str) -> OpenConnection | None:
        connection = add(table, sock, host)
        if connection is not None:
            seen.append(connection)
        return connection

    monkeypatch.setattr(ConnectionTable, "add", noted)
    return seen


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
