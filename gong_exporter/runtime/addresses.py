"""The ``email`` label while its key cannot be read: nothing is shown of anybody."""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from gong_exporter.config.model import Config
from gong_exporter.gong.errors import CredentialsUnreadable
from gong_exporter.runtime.setup import email_label


def hidden(_email: str) -> str:
    """Shows nothing of anybody."""
    return ""


def labels_now(config: Config, log: FilteringBoundLogger) -> Callable[[str], str]:
    """From an address to the label, by the key as it is now.

    A key that was read once is remembered (see HashKey); before that neither a poll nor its
    numbers depend on it.
    """
    try:
        return email_label(config)
    except CredentialsUnreadable as error:
        log.warning("addresses are left out: their key cannot be read", error=error.message)
        return hidden
