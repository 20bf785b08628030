"""What the client reports to: in production the exporter's own metrics."""

from __future__ import annotations

from typing import Protocol

from gong_exporter.gong.records import Exchange


class Observer(Protocol):
    """Is called from the thread that makes the exchange; must not raise."""

    def exchanged(self, exchange: Exchange) -> None:
        """One HTTP exchange ended, successful or not; retries are exchanges too."""
        ...

    def throttled(self, seconds: float) -> None:
        """A call waited ``seconds`` for our own limiter before it was made."""
        ...

    def rate_limited_until(self, until: float) -> None:
        """Gong asked for no calls until this Unix time; 0 when no such wait is in force."""
        ...
