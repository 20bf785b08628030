"""A ledger that lasts as long as the test, and an observer that ignores everything."""

from __future__ import annotations

from gong_exporter.gong.records import Exchange
from gong_exporter.store.calls import CallLedger
from gong_exporter.store.schema import open_in_memory


class MemoryLedger(CallLedger):
    """The exporter's own ledger, without a file and without tolerance for late readers."""

    def __init__(self) -> None:
        super().__init__(open_in_memory(), skew=0)

    def __del__(self) -> None:
        self.close()


class SilentObserver:
    """An Observer that ignores everything."""

    def exchanged(self, exchange: Exchange) -> None:
        """Ignore it."""

    def throttled(self, seconds: float) -> None:
        """Ignore it."""

    def rate_limited_until(self, until: float) -> None:
        """Ignore it."""
