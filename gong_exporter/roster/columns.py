"""The columns of a roster file: what spreadsheets call them, and the labels that they become."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gong_exporter.common.nearest import nearest, quoted
from gong_exporter.common.people import column_problem
from gong_exporter.roster.records import RosterError

ID, EMAIL = "id", "email"
"""The columns that say who it is."""

MAX_NEAR = 20
"""Characters of a column name that may be meant as a key; a secret is longer."""

MAX_CONVERTED = 100
"""Characters of a column name that is made a label; a longer one is text in the wrong place."""

_KEYS = {"id": ID, "email": EMAIL, "emailaddress": EMAIL}
"""By the letters and digits of a name in lower case."""

_NEAR_KEYS = ("id", "email", "user_id")
_LOWERED = frozenset({"team", "name", "manager", "region", "role", "active", "aliases"})
"""Columns that rules, dashboards and the exporter name, so that they have one spelling."""


def read_columns(
    line: int, names: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tuple[int, str], ...]]:
    """The columns by the names that the roster has for them, and notes on those that differ.

    Args:
        line: of the header.
        names: as in the file.

    Raises: RosterError, if no column says who it is, or one cannot be a label.
    """
    columns = tuple(_column(name) for name in names)
    if not {ID, EMAIL} & set(columns):
        # It may be no roster but a file of secrets, so hardly anything of it is shown.
        close = [name for name in names if len(name) <= MAX_NEAR and nearest(name, _NEAR_KEYS)]
        meant = f"; is {quoted(close[0])} meant?" if close else ""
        raise RosterError([(line, f"no column is named id or email{meant}")])
    problems: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []
    for index, (name, column) in enumerate(zip(names, columns, strict=True)):
        # No secret is beside a key's name: a name is shown whatever it looks like.
        shown = f"the column {quoted(name)}"
        if column in columns[:index]:
            first = names[columns.index(column)]
            other = "" if first == name else f", as {quoted(first)}, and both are {column}"
            problems.append((line, f"{shown} is there twice{other}"))
        elif column in {ID, EMAIL}:
            continue
        elif problem := column_problem(column):
            problems.append((line, problem.replace("this column", shown)))
        elif column != name:
            notes.append((line, f"{shown} becomes the label {column}"))
    if problems:
        raise RosterError(problems)
    return columns, tuple(notes)


def _column(name: str) -> str:
    """The key or the label that a column is meant as; the name itself if it is a good label."""
    plain = re.sub(r"[\W_]+", "", name).lower()
    if key := _KEYS.get(plain):
        return key
    if name.lower() in _LOWERED:
        return name.lower()
    if not column_problem(name) or len(name) > MAX_CONVERTED:
        return name
    # A name without ASCII letters, or with Prometheus's own prefix, stays, so it is refused.
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    snake = re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")
    return snake if snake and not snake[0].isdigit() and not name.startswith("__") else name
