"""Columns of people, inline or in a roster: which names can be labels, what can be a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gong_exporter.common.nearest import quoted, shown

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>(),;\"]{1,64}@[^@\s<>(),;\"]{1,255}")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ROUNDED = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.ASCII | re.IGNORECASE)

_RESERVED = frozenset({"user", "job", "instance", "metric", "window", "le", "quantile"})
"""Labels that the exporter or Prometheus sets itself (``id`` and ``email`` are columns)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Columns of people, to become labels of ``gong_user_info``.

    Attributes:
        columns: the label names, in the order in which they were given.
        by_id: each person's columns by Gong's user id.
        by_email: by address in lower case.
        above: columns that win over these where both have one.
    """

    columns: tuple[str, ...] = ()
    by_id: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    by_email: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    above: Roster | None = None

    def of(self, user_id: str, email: str) -> Mapping[str, str]:
        """A person's columns: those given by id, and over them those given by address."""
        found = {**self.by_id.get(user_id, {}), **self.by_email.get(email.lower(), {})}
        return found if self.above is None else {**found, **self.above.of(user_id, email)}


def is_id(text: str) -> bool:
    """Whether it can be one of Gong's user ids."""
    return _ID.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether it can be an address."""
    return _EMAIL.fullmatch(text) is not None


def id_fault(text: str) -> str:
    """Why a text that is not empty cannot be an id; empty when it can."""
    if is_id(text):
        return ""
    what = f"id {quoted(text)} is not 1 to 20 digits"
    if _ROUNDED.fullmatch(text):
        # A spreadsheet took the id for a number and kept 15 of its digits: it cannot be restored.
        what += "; a spreadsheet has rounded it: format the column as text and paste the ids again"
    return what


def email_fault(text: str) -> str:
    """Why a text that is not empty cannot be an address; empty when it can."""
    return "" if is_email(text) else f"email {quoted(text)} is not an address"


def key_fault(user_id: str, email: str) -> str:
    """Why a row of a roster names nobody; empty when it names somebody."""
    if not user_id and not email:
        return "has neither id nor email"
    return (id_fault(user_id) if user_id else "") or (email_fault(email) if email else "")


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
