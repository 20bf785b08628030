"""How a configuration or a roster names people: ids, addresses, and columns that become labels."""

from __future__ import annotations

import re

from gong_exporter.common.problems import quoted, shown

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_EMAIL = re.compile(
    r"(?!mailto:|['\u2018\u201c])[^@\s<>(),;\"]{1,64}@[^@\s<>(),;\"]{1,255}", re.IGNORECASE
)
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_RESERVED = frozenset({"user", "job", "instance", "metric", "window", "le", "quantile"})
"""Labels that the exporter or Prometheus sets itself (``id`` and ``email`` are columns)."""


def is_id(text: str) -> bool:
    """Whether it can be one of Gong's user ids."""
    return _ID.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether it can be an e-mail address."""
    return bool(text) and not email_problem(text)


def id_problem(text: str) -> str:
    """Why this cannot be an id; empty when it can. An empty text is fine."""
    if not text or is_id(text):
        return ""
    return f"id {quoted(text)} is not 1 to 20 digits"


def user_problem(text: str) -> str:
    """Why this is neither an id nor an address; empty when it is one."""
    if is_id(text) or is_email(text):
        return ""
    return f"{quoted(text)} is not a user"


def email_problem(text: str) -> str:
    """Why this cannot be an address; empty when it can. An empty text is fine."""
    if not text:
        return ""
    domain = text.rpartition("@")[2]
    if text.isprintable() and _EMAIL.fullmatch(text) and _DOMAIN.fullmatch(domain):
        return ""
    return f"email {quoted(text)} is not an address"


def column_problem(name: str) -> str:
    """Why a column cannot be a label; empty when it can."""
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        return f"{column(name)} cannot be a label: letters, digits and _, no digit first, no __"
    if name in _RESERVED:
        return f"{column(name)} cannot be a column: the label has its own meaning"
    return ""


def column(name: str) -> str:
    """A column's name for a message, if it looks like one."""
    return quoted(name) if shown(name) or " " in name else "this column"
