"""Whom the client tells what it did: metrics, in the end, but it does not know that."""

from __future__ import annotations

from typing import Protocol

from gong_exporter.gong.records import Exchange


class Observer(Protocol):
    """Is told of every exchange as it ends, from the thread that made it; must not raise."""

    def exchanged(self, exchange: Exchange) -> None:
        """One HTTP exchange ended, with whatever result; retries are exchanges too."""
        ...

    def throttled(self, seconds: float) -> None:
        """A call waited for ``seconds`` for our own limiter, before it was made."""
        ...

    def rate_limited_until(self, until: float) -> None:
        """Gong asked for quiet until this Unix time; 0 when no such wait is in force."""
        ...
