"""Reads single members of Gong's JSON, which may be missing, null or not as documented. Pure."""

from __future__ import annotations

import re

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import MAX_COUNT

MAX_ID = 64
"""Characters of a user ID; Gong's have up to 20 digits."""

MAX_EMAIL = 320
"""Characters of an address (64 before the @, 255 after it: RFC 3696, erratum 1690)."""

MAX_ANOMALIES = 20
"""Kinds of anomalies of a page that are named, because they end up in one log line."""

_MAX_CURSOR = 64 * 2**10

_MAX_TEXT = 300

_UNPRINTABLE = re.compile(
    # Control characters, and those that change the direction of the text behind them.
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def bounded_anomalies(anomalies: list[str]) -> tuple[str, ...]:
    """Return each anomaly once, at most MAX_ANOMALIES of them."""
    kinds = tuple(dict.fromkeys(anomalies))
    if len(kinds) <= MAX_ANOMALIES:
        return kinds
    return (*kinds[:MAX_ANOMALIES], f"and {len(kinds) - MAX_ANOMALIES} more like these")


def parse_cursor(value: object) -> str | None:
    """Return ``records.cursor``; None for the last page. Raises: InvalidResponse."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_CURSOR:
        # Without it the rest of the window cannot be fetched.
        raise InvalidResponse("records.cursor is not text")
    return value


def parse_user_id(value: object) -> str | None:
    """Return a user ID as text, which it is even beyond 64 bits; None for what cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # Python's integers are exact at any size
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text.isprintable() and 0 < len(text) <= MAX_ID else None


def parse_email(
    value: object, anomalies: list[str], member: str = "userEmailAddress"
) -> str | None:
    """Return an address; None, with an anomaly, for what cannot be one."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_EMAIL:
        anomalies.append(f"a {member} that is not an address was left empty")
        return None
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def is_number(value: object) -> bool:
    """True for a JSON number; a bool is an int to Python."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_count(value: object) -> int | None:
    """Return a whole number from 0 to MAX_COUNT, also if it is written as ``1e2``; or None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        return None
    return value


def whole_number(value: object, name: str, anomalies: list[str]) -> int | None:
    """Return a count; None, with an anomaly unless it is absent, for anything else."""
    if value is None:
        return None
    count = parse_count(value)
    if count is None:
        anomalies.append(f"{name} is not a count")
    return count


def log_text(value: object, redactor: Redactor) -> str | None:
    """Return text that fits a log line: redacted, printable, on one line, of bounded length."""
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub(" ", redactor.shorten(value, _MAX_TEXT)).strip() or None


def data_text(value: object, redactor: Redactor) -> str | None:
    """Return text that is used as data; it is redacted only when it is too long for that."""
    if isinstance(value, str) and len(value) <= _MAX_TEXT:
        return _UNPRINTABLE.sub(" ", value).strip() or None
    return log_text(value, redactor)
