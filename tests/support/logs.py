"""A structlog logger whose events a test can read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, FilteringBoundLogger


class LogRecorder:
    """Records log events.

    Args:
        on_event: called with the message and the values of each event.

    Attributes:
        log: the logger to pass in.
    """

    def __init__(
        self, on_event: Callable[[str, Mapping[str, object]], None] = lambda _message, _values: None
    ) -> None:
        self._capture = LogCapture()
        self._on_event = on_event
        self.log: FilteringBoundLogger = structlog.wrap_logger(
            None,
            processors=[self._notify, self._capture],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )

    @property
    def messages(self) -> list[str]:
        """The messages, without their values."""
        return [entry["event"] for entry in self._capture.entries]

    @property
    def warnings(self) -> list[tuple[str, str | None]]:
        """The messages with Gong's ``requestId``."""
        return [(entry["event"], entry.get("request_id")) for entry in self._capture.entries]

    @property
    def values(self) -> list[dict[str, object]]:
        """The values of each event."""
        return [
            {key: value for key, value in entry.items() if key not in {"event", "log_level"}}
            for entry in self._capture.entries
        ]

    def _notify(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        self._on_event(event["event"], event)
        return event

    def warn(self, message: str, request_id: str | None) -> None:
        """Log a warning."""
        self.log.warning(message, request_id=request_id)


def no_log() -> FilteringBoundLogger:
    """A logger whose events are not read."""
    return LogRecorder().log
