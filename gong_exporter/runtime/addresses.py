"""The ``email`` label by a key that may rotate, or be gone for a moment."""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from gong_exporter.config.model import Config
from gong_exporter.gong.errors import CredentialsUnreadable
from gong_exporter.runtime.setup import email_label


def hidden(_email: str) -> str:
    """Shows nothing of anybody."""
    return ""


class AddressLabels:
    """Reads the key each time labels are made.

    When it cannot be read, the labels stay what they were; before the first time nothing is
    shown. Neither a poll nor its numbers depend on it.

    Args:
        config: says what to show.
        log: is told when the key cannot be read.
    """

    def __init__(self, config: Config, log: FilteringBoundLogger) -> None:
        self._config = config
        self._log = log
        self._last: Callable[[str], str] = hidden

    def now(self) -> Callable[[str], str]:
        """From an address to the label, as of now."""
        try:
            self._last = email_label(self._config)
        except CredentialsUnreadable as error:
            self._log.error("the labels of addresses stay as they are", error=error.message)
        return self._last
