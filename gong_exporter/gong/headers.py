"""Reads and checks HTTP header values: Authorization, Retry-After, Date, Location. Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from gong_exporter.gong.errors import CredentialsUnreadable

MAX_RETRY_AFTER = 30 * 86_400.0
"""Seconds above which a Retry-After is ignored."""

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9._-]{1,253}(:[0-9]{1,5})?")


def check_header_value(authorization: str) -> str:
    """Return the value if an HTTP header can carry it.

    Raises:
        CredentialsUnreadable: it contains other characters. The message does not quote it.
    """
    if not _HEADER_VALUE.fullmatch(authorization):
        raise CredentialsUnreadable(
            "the credentials contain a line break or another character that no header can carry"
        )
    return authorization


def parse_retry_after(value: str | None, now: float, *, date: str | None = None) -> float | None:
    """Return the seconds to wait by a Retry-After: a number or an HTTP date (RFC 9110, 10.2.3).

    None when the header is absent, unreadable, in the past, or too far in the future.

    Args:
        value: the header.
        now: Unix seconds; a Retry-After date is compared with it when there is no Date header.
        date: the response's Date header; preferred to ``now``, because the clocks may differ.
    """
    if value is None:
        return None
    text = value.strip()
    # The RFC has neither fractions nor lists (two headers arrive as one). Both are accepted, and
    # the longest of several counts, so that no call is made too early.
    parts = [part.strip() for part in text.split(",")]
    if all(map(_SECONDS.fullmatch, parts)):
        seconds = max(map(float, parts))
    else:
        moment = parse_http_date(text)
        if moment is None:
            return None
        sent_at = parse_http_date(date)
        seconds = moment - (now if sent_at is None else sent_at)
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER else None


def parse_http_date(text: str | None) -> float | None:
    """Return an HTTP date as Unix seconds; None when it is absent or unreadable."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def origin(location: str | None) -> str | None:
    """Return scheme and host of a Location: its path and query may hold what logs should not."""
    if not location:
        return None
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    text = f"{parts.scheme}://{parts.hostname}{port}"
    return text if _ORIGIN.fullmatch(text) else None
