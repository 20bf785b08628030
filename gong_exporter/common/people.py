"""How a configuration or a roster names people: ids, addresses, and columns that become labels."""

from __future__ import annotations

import re

from gong_exporter.common.nearest import quoted, shown

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>(),;\"]{1,64}@[^@\s<>(),;\"]{1,255}")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ROUNDED = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.ASCII | re.IGNORECASE)

_RESERVED = frozenset({"user", "job", "instance", "metric", "window", "le", "quantile"})
"""Labels that the exporter or Prometheus sets itself (``id`` and ``email`` are columns)."""


def is_id(text: str) -> bool:
    """Whether it can be one of Gong's user ids."""
    return _ID.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether it can be an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def id_fault(text: str) -> str:
    """Why this cannot be an id; empty when it can. An empty text is fine."""
    if not text or is_id(text):
        return ""
    what = f"id {quoted(text)} is not 1 to 20 digits"
    if _ROUNDED.fullmatch(text):
        # A spreadsheet took the id for a number and kept 15 of its digits: it cannot be restored.
        what += "; a spreadsheet has rounded it: format the column as text and paste the ids again"
    return what


def email_fault(text: str) -> str:
    """Why this cannot be an address; empty when it can. An empty text is fine."""
    return "" if not text or is_email(text) else f"email {quoted(text)} is not an address"


def column_fault(name: str) -> str:
    """Why a column cannot be a label; empty when it can."""
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        return f"{column(name)} cannot be a label: letters, digits and _, no digit first, no __"
    if name in _RESERVED:
        return f"{column(name)} cannot be a column: the label has its own meaning"
    return ""


def column(name: str) -> str:
    """A column's name for a message, if it looks like one."""
    return quoted(name) if shown(name) or " " in name else "this column"
