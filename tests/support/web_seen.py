"""What the web server has noticed so far, so that a test need not guess how long it takes."""

from __future__ import annotations

import asyncio

import pytest

from gong_exporter.web.connection import GuardedProtocol
from gong_exporter.web.turns import Turns


def requests_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The address of each request that has asked for a turn; from here on it has its place."""
    seen: list[str] = []
    take = Turns.take

    async def noted(turns: Turns, address: str) -> bool:
        # Up to its first wait, taking a turn is one step of the event loop with this.
        seen.append(address)
        return await take(turns, address)

    monkeypatch.setattr(Turns, "take", noted)
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
