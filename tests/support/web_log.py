"""A log whose lines a test can read."""

from __future__ import annotations

from typing import Any

import structlog


class RecordedLog(structlog.BoundLogger):
    """Keeps each line as a mapping, with ``event`` and ``level``."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

        def keep(_logger: object, level: str, event: Any) -> Any:
            self.lines.append(dict(event) | {"level": level})
            raise structlog.DropEvent

        super().__init__(logger=structlog.PrintLogger(), processors=[keep], context={})

    def events(self) -> list[str]:
        """What happened, without the values."""
        return [line["event"] for line in self.lines]
