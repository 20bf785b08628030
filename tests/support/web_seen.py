"""What the web server has noticed so far, so that a test does not guess how long it takes."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import ModuleType
from typing import Any

import pytest

from gong_exporter.web.concurrency import FairLock
from gong_exporter.web.http_connection import HttpConnection
from gong_exporter.web.server import WebServer


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


def accepted(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The socket of each connection that has been accepted, before any TLS handshake."""
    seen: list[socket.socket] = []
    serve = WebServer._serve_connection

    async def noted(server: WebServer, sock: socket.socket) -> None:
        seen.append(sock)
        await serve(server, sock)

    monkeypatch.setattr(WebServer, "_serve_connection", noted)
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
