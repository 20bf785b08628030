"""A roster from a CSV file, as spreadsheets write it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from gong_exporter.common.problems import nearest, quoted
from gong_exporter.common.user_names import (
    column_problem,
    email_problem,
    id_problem,
    rounded_ids,
    rounded_problem,
)
from gong_exporter.roster.records import NOT_LABELS, Roster, RosterError

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


MAX_SHOWN = 10
"""Problems of one file that are listed."""

_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n])"?[,;\t]*\r?(\n|$)', re.IGNORECASE)
"""The first line with which a spreadsheet names the separator; it is not part of the table."""


@lru_cache(maxsize=1)  # the check of a configuration reads what its use reads again
def read_csv(content: bytes) -> Roster:
    """Return the roster of a file.

    The first row names the columns: ``id`` or ``email`` or both, and any others. Commas or
    semicolons (or tabs) separate, or what a line ``sep=`` before it names. A byte order mark, as
    spreadsheets write it, is not part of the first name. Cells are text as written: ``0123456``
    and ``NO`` stay what they are.

    A row with an id and an address names its person by either. Rows without a usable key are left
    out and counted.

    Raises: RosterError, with what makes all of it unusable.
    """
    rows = _rows(_text(content))
    header = next(rows, None)
    if header is None:
        what = "is empty; its first row names the columns: id, email, team ..."
        raise RosterError([(0, what)])
    line, names = header
    columns, notes = read_columns(line, _stripped(names))
    return _People(columns, notes).read(rows)


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RosterError([(0, "is UTF-16; save it as 'CSV UTF-8'")])
    if content.startswith(b"PK\x03\x04"):
        raise RosterError([(0, "is a spreadsheet; save it as 'CSV UTF-8'")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RosterError([(line, "is not UTF-8 text; save it as 'CSV UTF-8'")]) from error
    if "\0" in text:
        raise RosterError([(text.count("\n", 0, text.index("\0")) + 1, "holds a NUL character")])
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    named = _SEPARATOR_LINE.match(text)
    before = 0 if named is None else 1
    text = text if named is None else text[named.end() :]
    first = text.lstrip("\r\n").split("\n", 1)[0]
    # A European spreadsheet separates by semicolons and still calls the file CSV.
    delimiter = max(",;\t", key=first.count) if named is None else named[1]
    line = before + 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = before + reader.line_num + 1
    except (csv.Error, ValueError, TypeError) as error:
        raise RosterError([(line, f"is not CSV: {error}")]) from error


def _stripped(row: Sequence[str]) -> list[str]:
    """The cells without space around them, and without the empty ones at the end.

    Spreadsheets write as many as the longest row ever had.
    """
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


class _People:
    """Reads the rows of people."""

    def __init__(self, names: Sequence[str], notes: Iterable[tuple[int, str]]) -> None:
        self._names = tuple(names)
        self._notes = list(notes)
        self._by_id: dict[str, Mapping[str, str]] = {}
        self._by_email: dict[str, Mapping[str, str]] = {}
        self._aliases: dict[str, str] = {}
        self._lines: dict[str, int] = {}
        self._rows: dict[int, dict[str, str]] = {}
        self._half: list[tuple[int, str]] = []
        self._left_out: list[tuple[int, str]] = []

    def read(self, rows: Iterable[tuple[int, list[str]]]) -> Roster:
        """The roster. Raises: RosterError, if no row can be used."""
        cells = [(line, found) for line, row in rows if (found := self._cells(line, row))]
        rounded = rounded_ids({found.get(ID, "") for _, found in cells})
        for line, found in cells:
            self._add(line, found, rounded)
        if not self._by_id and not self._by_email:
            problems = sorted(self._left_out[:MAX_SHOWN])
            if more := len(self._left_out) - len(problems):
                problems.append((0, f"and {more} more rows"))
            raise RosterError(problems or [(0, "has a header, but no people")])
        return Roster(
            columns=tuple(name for name in self._names if name not in NOT_LABELS),
            by_id=self._by_id,
            by_email=self._by_email,
            aliases=self._aliases,
            skipped=len(self._left_out),
            warnings=tuple(self._warnings()),
        )

    def _cells(self, line: int, row: list[str]) -> dict[str, str] | None:
        """The cells by column; None if there are too many or too few."""
        texts = _stripped(row)
        if len(texts) > len(self._names) or len(row) < len(self._names):
            what = f"has {len(row)} cells, and the header {len(self._names)}"
            self._left_out.append((line, what))
            return None
        texts += [""] * (len(self._names) - len(texts))
        return dict(zip(self._names, texts, strict=True))

    def _add(self, line: int, cells: dict[str, str], rounded: frozenset[str]) -> None:
        """Add a row, unless it has no usable key, or another row has the same key."""
        keys = {ID: cells.get(ID, ""), EMAIL: cells.get(EMAIL, "").lower()}
        problems = {ID: id_problem(keys[ID]), EMAIL: email_problem(keys[EMAIL])}
        if keys[ID] in rounded:
            problems[ID] = rounded_problem(keys[ID])
        wrong = next(filter(None, problems.values()), "")
        good = {key: text for key, text in keys.items() if text and not problems[key]}
        if not good:
            self._left_out.append((line, wrong or "has neither id nor email"))
            return
        known = [self._lines[text] for text in good.values() if text in self._lines]
        row = {**cells, **keys}
        if known:
            name = next(text for text in good.values() if text in self._lines)
            if self._rows[known[0]] != row:  # an identical row is accepted
                what = f"{quoted(name)} is already on line {known[0]}"
                self._left_out.append((line, what))
            return
        self._rows[line] = row
        self._lines.update(dict.fromkeys(good.values(), line))
        # The column of the fixed label active is one of a person's, without being a label.
        named = [name for name in self._names if name not in NOT_LABELS or name == "active"]
        person = MappingProxyType({name: cells[name] for name in named})
        if ID in good:
            for address in cells.get("aliases", "").lower().split():
                self._aliases.setdefault(address, good[ID])
            self._by_id[good[ID]] = person
        if EMAIL in good:
            self._by_email[good[EMAIL]] = person
        if wrong:
            self._half.append((line, f"{wrong}; the row counts by its {next(iter(good))} alone"))

    def _warnings(self) -> Iterator[tuple[int, str]]:
        yield from self._notes
        half, left_out = self._half[:MAX_SHOWN], self._left_out[:MAX_SHOWN]
        yield from sorted(
            [*half, *((line, f"the row is left out: {why}") for line, why in left_out)]
        )
        if more := len(self._left_out) - len(left_out):
            yield 0, f"and {more} more rows are left out"
        if more := len(self._half) - len(half):
            yield 0, f"and {more} more rows that count by one key"
