"""A roster from a CSV file, as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.nearest import nearest, quoted
from gong_exporter.common.people import column_fault, email_fault, id_fault
from gong_exporter.roster.source import NOT_LABELS, Roster, RosterError

MAX_BYTES = 32 * 1024 * 1024
"""Of a roster file: some 300,000 people."""

MAX_SHOWN = 10
"""Faults of one file that a message lists."""

MAX_NEAR = 20
"""Characters of a column name that may be meant as a key; a secret is longer."""

_KEYS = ("id", "email", "user_id")


@dataclass(frozen=True, slots=True)
class CsvRoster:
    """A roster file (a RosterSource).

    The first row names the columns: ``id`` or ``email`` or both, and any others. Commas or
    semicolons (or tabs) separate; a byte order mark, as spreadsheets write it, is not of the
    first name. Cells are text as written: ``0123456`` and ``NO`` stay what they are.

    Attributes:
        path: the file.
    """

    path: Path

    def read(self) -> Roster:
        """The roster as it is now. Raises: RosterError, with everything that is wrong."""
        rows = _rows(_text(self.path))
        header = next(rows, None)
        if header is None:
            what = "is empty; its first row names the columns: id, email, team ..."
            raise RosterError([(0, what)])
        line, names = header
        names = _stripped(names)
        _check_names(line, names)
        return _people(names, rows)


def _text(path: Path) -> str:
    try:
        content = read_bounded(path, MAX_BYTES)
    except UnreadableFile as error:
        raise RosterError([(0, str(error))]) from error
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
    first = text.lstrip("\r\n").split("\n", 1)[0]
    # A European spreadsheet separates by semicolons and still calls the file CSV.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise RosterError([(line, f"is not CSV: {error}")]) from error


def _stripped(row: Sequence[str]) -> list[str]:
    """The cells without space around them, and without the empty ones at the end.

    Spreadsheets write as many as the longest row ever had.
    """
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _check_names(line: int, names: list[str]) -> None:
    if not {"id", "email"} & set(names):
        # It may be no roster but a file of secrets, so hardly anything of it is shown.
        close = [name for name in names if len(name) <= MAX_NEAR and nearest(name, _KEYS)]
        meant = f"; is {quoted(close[0])} meant?" if close else ""
        raise RosterError([(line, f"no column is named id or email{meant}")])
    faults = []
    for index, name in enumerate(names):
        if name in names[:index]:
            faults.append((line, f"the column {quoted(name)} is there twice"))
        elif name not in {"id", "email"} and (fault := column_fault(name)):
            # No secret is beside a key's name: a name is shown whatever it looks like.
            faults.append((line, fault.replace("this column", f"the column {quoted(name)}")))
    if faults:
        raise RosterError(faults)


def _people(names: list[str], rows: Iterator[tuple[int, list[str]]]) -> Roster:
    columns = tuple(name for name in names if name not in NOT_LABELS)
    by_id: dict[str, Mapping[str, str]] = {}
    by_email: dict[str, Mapping[str, str]] = {}
    aliases: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults: list[tuple[int, str]] = []
    for line, row in rows:
        if len(faults) >= MAX_SHOWN:
            faults.append((line, "and perhaps more"))
            break
        texts = _stripped(row)
        if len(texts) > len(names) or len(row) < len(names):
            faults.append((line, f"has {len(row)} cells, and the header {len(names)}"))
            continue
        texts += [""] * (len(names) - len(texts))
        cells = dict(zip(names, texts, strict=True))
        user_id, email = cells.get("id", ""), cells.get("email", "").lower()
        fault = _key_fault(user_id, email) or _repeated(lines, line, user_id, email)
        if fault:
            faults.append((line, fault))
            continue
        person = MappingProxyType({name: cells[name] for name in (*columns, *_active(names))})
        if user_id:
            for address in cells.get("aliases", "").lower().split():
                aliases.setdefault(address, user_id)
            by_id[user_id] = person
        else:
            by_email[email] = person
    if faults:
        raise RosterError(faults)
    return Roster(columns=columns, by_id=by_id, by_email=by_email, aliases=aliases)


def _active(names: Sequence[str]) -> tuple[str, ...]:
    """The column of the fixed label, if there is one."""
    return tuple(name for name in names if name == "active")


def _repeated(lines: dict[str, int], line: int, user_id: str, email: str) -> str:
    fault = ""
    for name in filter(None, (user_id, email)):
        if name in lines:
            fault = f"{quoted(name)} is already on line {lines[name]}"
        lines.setdefault(name, line)
    return fault


def _key_fault(user_id: str, email: str) -> str:
    """Why a row identifies no person; empty when it does."""
    if not user_id and not email:
        return "has neither id nor email"
    return id_fault(user_id) or email_fault(email)
