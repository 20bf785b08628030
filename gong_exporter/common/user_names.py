"""How a configuration or a roster names people: ids, addresses, and columns that become labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from gong_exporter.common.problems import quoted, shown

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>(),;\"]{1,64}@[^@\s<>(),;\"]{1,255}")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ROUNDED = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.ASCII | re.IGNORECASE)

_SPREADSHEET_DIGITS = 15
"""Digits of a number that a spreadsheet keeps; it replaces the others with zeros."""

_CERTAIN_ZEROS = 3
"""Zeros in place of further digits that chance hardly explains: one id in a thousand has them."""

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xFE00, 0xFE10))
)
"""Fillers, variation selectors and the like: letters or marks to Unicode, invisible to people."""

_RESERVED = frozenset({"user", "job", "instance", "metric", "window", "le", "quantile"})
"""Labels that the exporter or Prometheus sets itself (``id`` and ``email`` are columns)."""

_AS_TEXT = "format the column as text and paste the ids again"


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
    return f"id {quoted(text)} is not 1 to 20 digits{_explained_id(text) or _explained(text)}"


def user_problem(text: str) -> str:
    """Why this is neither an id nor an address; empty when it is one."""
    if is_id(text) or is_email(text):
        return ""
    return f"{quoted(text)} is not a user{_explained_id(text) or _explained(text)}"


def rounded_ids(ids: Iterable[str]) -> frozenset[str]:
    """Those of these ids that a spreadsheet has rounded, as far as that can be seen.

    A spreadsheet keeps 15 digits. An id with three or more zeros in place of the others is taken
    to be rounded. Ids with one or two are if that is so for all long ids of the same source.
    """
    zeros = {each: len(each) - _SPREADSHEET_DIGITS for each in ids if is_id(each)}
    zeros = {each: number for each, number in zeros.items() if number > 0}
    rounded = {each for each in zeros if not each[_SPREADSHEET_DIGITS:].strip("0")}
    if len(rounded) == len(zeros) and sum(zeros.values()) >= _CERTAIN_ZEROS:
        return frozenset(rounded)
    return frozenset(each for each in rounded if zeros[each] >= _CERTAIN_ZEROS)


def rounded_problem(text: str) -> str:
    """Why an id of ``rounded_ids`` is of no use."""
    return (
        f"id {quoted(text)} looks rounded: a spreadsheet has replaced its last digits with zeros;"
        f" {_AS_TEXT}, or give the address"
    )


def email_problem(text: str) -> str:
    """Why this cannot be an address; empty when it can. An empty text is fine."""
    if not text:
        return ""
    domain = text.rpartition("@")[2]
    why = _explained(text)
    if not why and _EMAIL.fullmatch(text) and _DOMAIN.fullmatch(domain):
        return ""
    return f"email {quoted(text)} is not an address{why}"


def _explained_id(text: str) -> str:
    """How a program may have changed an id; empty if it is not known."""
    if _ROUNDED.fullmatch(text):
        # A spreadsheet took the id for a number and kept 15 of its digits: it cannot be restored.
        return f"; a spreadsheet has rounded it: {_AS_TEXT}"
    whole, point, fraction = text.partition(".")
    if point and is_id(whole) and not fraction.strip("0"):
        return f"; a program has read it as a number: {_AS_TEXT}"
    return ""


def _explained(text: str) -> str:
    """What people do not see in a text that should be an id or an address; empty if nothing."""
    for character in text:
        # Printable are letters, digits, punctuation and the plain space, and a few blank ones.
        if not character.isprintable() or character in _BLANK:
            name = unicodedata.name(character, "a control character")
            return f": it has an invisible character, U+{ord(character):04X} ({name})"
    if text.lower().startswith("mailto:"):
        return ": leave out 'mailto:'"
    if text != text.strip("'`\u2018\u2019\u201c\u201d\u00ab\u00bb\u201e\u201a"):
        return ": leave out the quotation mark or apostrophe around it"
    return ""


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
