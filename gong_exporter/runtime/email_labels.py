"""The ``email`` label: what is shown of an address."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from gong_exporter.config.model import Config, EmailLabel
from gong_exporter.gong.errors import CredentialsUnreadable


def email_label(config: Config) -> Callable[[str], str]:
    """A function from an address to the text that labels, pages and logs show of it.

    Raises:
        CredentialsUnreadable: the key for hashes cannot be read and never was.
    """
    if config.activity.email_label is EmailLabel.OMITTED:
        return lambda _: ""
    if config.email_hash_key is None:
        return lambda email: email
    key = config.email_hash_key.read().reveal().encode()
    return lambda email: _hashed(email, key)


def _hashed(email: str, key: bytes) -> str:
    """An address as 16 hexadecimal digits: the first 64 bits of its HMAC-SHA-256.

    Without the key, guesses cannot be checked against it as they can against a plain hash. With
    10,000 people the chance that two share a label is one in 10^11.
    """
    if not email:
        return ""
    # A lone surrogate (Gong's JSON can contain one) has no UTF-8 encoding.
    address = email.lower().encode(errors="replace")
    return hmac.new(key, address, "sha256").hexdigest()[:16]


def email_label_or_hidden(config: Config, log: FilteringBoundLogger) -> Callable[[str], str]:
    """As email_label, but it hides all addresses while the key cannot be read.

    A key that was read once is remembered (see HashKey). Before that, polls and their numbers do
    not depend on it.
    """
    try:
        return email_label(config)
    except CredentialsUnreadable as error:
        log.warning("addresses are left out: their key cannot be read", error=error.message)
        return hidden


def hidden(_email: str) -> str:
    """An empty label for every address."""
    return ""
