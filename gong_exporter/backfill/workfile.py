"""The work file: the fetched days, so that nothing is requested twice.

It is an SQLite file in the folder of the output. A day is in it whole or not at all, even after a
crash.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.windows import DayRange
from gong_exporter.backfill.plan import BackfillError, InvalidRequest
from gong_exporter.gong.limits import DAY
from gong_exporter.store.row_body import CorruptRow
from gong_exporter.store.saved_windows import (
    pack_company_state,
    pack_window,
    unpack_company_state,
    unpack_window,
)

_VERSION = 1
_APPLICATION = 0x474F4246
"""SQLite's application_id of our work files ("GOBF")."""

_TABLES = (
    "CREATE TABLE asked (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE days (day TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE windows (
        day TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (day, name)
    )""",
    """CREATE TABLE refusals (
        day TEXT NOT NULL, name TEXT NOT NULL, said TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (day, name)
    ) WITHOUT ROWID""",
    "CREATE TABLE knowledge (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), body BLOB)",
    "CREATE TABLE searched (first TEXT NOT NULL, last TEXT NOT NULL)",
    "CREATE TABLE calls (at REAL NOT NULL, number INTEGER NOT NULL)",
    "CREATE TABLE outputs (path TEXT PRIMARY KEY) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedWindow:
    """A window of a day that Gong refused with a 400.

    Attributes:
        day: of publication.
        window: its name.
        message: the error.
    """

    day: date
    window: str
    message: str


class WorkFile:
    """The days that were fetched for one configuration. For one process and one thread at a time.

    Args:
        path: the file. It is created if it is missing, and only its owner can read it, because it
            holds addresses.
        settings: what the days depend on (host, users, windows, time zone), by name. A file with
            other settings is refused.

    Raises:
        InvalidRequest: it is not a work file, or it has other settings.
        BackfillError: it cannot be used, or another backfill uses it.
    """

    def __init__(self, path: Path, settings: Mapping[str, str]) -> None:
        self._path = path
        try:
            path.touch(mode=0o600)
            if path.stat().st_size == 0:
                path.chmod(0o600)  # it may have existed
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        except (sqlite3.Error, OSError) as error:
            raise BackfillError(f"{path}: {_describe(error)}") from error
        try:
            # Two backfills with the same file would fetch the same days.
            self._run("PRAGMA locking_mode = EXCLUSIVE")
            with self._transaction("EXCLUSIVE"):
                self._prepare(settings)
            self._run("PRAGMA journal_mode = DELETE")
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, settings: Mapping[str, str]) -> None:
        """Create the tables, or check those that exist."""
        ((version,),) = self._run("PRAGMA user_version")
        ((application,),) = self._run("PRAGMA application_id")
        tables = self._run("SELECT 1 FROM sqlite_master LIMIT 1")
        if not tables and not version and not application:
            for statement in _TABLES:
                self._run(statement)
            self._run(f"PRAGMA application_id = {_APPLICATION:d}")
            self._run(f"PRAGMA user_version = {_VERSION:d}")
            self._db.executemany("INSERT INTO asked VALUES (?, ?)", sorted(settings.items()))
            return
        if (application, version) != (_APPLICATION, _VERSION):
            raise InvalidRequest(
                f"{self._path} is not a work file of this version; name another output"
            )
        stored = dict(self._run("SELECT name, value FROM asked"))
        other = sorted(
            name for name in {*stored, *settings} if stored.get(name) != settings.get(name)
        )
        if other:
            raise InvalidRequest(
                f"{self._path} holds days that were fetched with another configuration (what"
                f" differs: {', '.join(other)}): continue with that one, name another output, or"
                " remove the file to start again"
            )

    def done(self, now: float) -> frozenset[date]:
        """The days that need no call: complete, or refused less than a day before ``now``."""
        rows = self._run(
            "SELECT day FROM days WHERE day NOT IN (SELECT day FROM refusals WHERE at <= ?)",
            now - DAY,
        )
        return frozenset(date.fromisoformat(day) for (day,) in rows)

    def finish(
        self,
        day: date,
        windows: Sequence[WindowData],
        refused: Sequence[RefusedWindow],
        company_state: CompanyState,
        now: float,
    ) -> None:
        """Store a day: each window, or that it was refused. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT OR REPLACE INTO days VALUES (?)", str(day))
            self._run("DELETE FROM refusals WHERE day = ?", str(day))
            self._db.executemany(
                "INSERT OR REPLACE INTO windows VALUES (?, ?, ?)",
                [(str(day), data.window, pack_window(data)) for data in windows],
            )
            self._db.executemany(
                "INSERT INTO refusals VALUES (?, ?, ?, ?)",
                [(str(day), each.window, each.message, now) for each in refused],
            )
            self._store_company_state(company_state)

    def windows(self, day: date) -> tuple[WindowData, ...]:
        """The windows of a day, except refused ones. Raises: BackfillError."""
        rows = self._run("SELECT body FROM windows WHERE day = ?", str(day))
        try:
            return tuple(unpack_window(body) for (body,) in rows)
        except CorruptRow as error:
            raise BackfillError(
                f"{self._path}: {day} cannot be read ({error}); remove the file to start again"
            ) from error

    def refused_windows(self) -> tuple[RefusedWindow, ...]:
        """What Gong refused, in the order of the days."""
        rows = self._run("SELECT day, name, said FROM refusals ORDER BY day, name")
        return tuple(
            RefusedWindow(day=date.fromisoformat(day), window=name, message=message)
            for day, name, message in rows
        )

    def company_state(self) -> CompanyState | None:
        """What was known after the last finished day; None if nothing is stored."""
        rows = self._run("SELECT body FROM knowledge")
        try:
            return unpack_company_state(rows[0][0]) if rows else None
        except CorruptRow:
            return None

    def searched(self, days: DayRange) -> bool:
        """True if the search for listed users covered this range."""
        rows = self._run(
            "SELECT 1 FROM searched WHERE first <= ? AND last >= ?", str(days.start), str(days.end)
        )
        return bool(rows)

    def note_search(self, days: DayRange, company_state: CompanyState) -> None:
        """Store that the search for listed users covered this range. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT INTO searched VALUES (?, ?)", str(days.start), str(days.end))
            self._store_company_state(company_state)

    def add_calls(self, number: int, now: float) -> None:
        """Store that so many calls were made. Raises: BackfillError."""
        with self._transaction():
            self._run("DELETE FROM calls WHERE at <= ?", now - DAY)
            self._run("INSERT INTO calls VALUES (?, ?)", now, number)

    def calls(self, now: float) -> tuple[tuple[float, int], ...]:
        """Times and numbers of the calls in the last 24 hours, the oldest first."""
        rows = self._run("SELECT at, number FROM calls WHERE at > ? ORDER BY at", now - DAY)
        return tuple((at, number) for at, number in rows)

    def has_output(self, path: Path) -> bool:
        """True if this file of the output was written from this work file."""
        return bool(self._run("SELECT 1 FROM outputs WHERE path = ?", str(path.absolute())))

    def note_output(self, path: Path) -> None:
        """Store that a file of the output is about to get its name. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT OR REPLACE INTO outputs VALUES (?)", str(path.absolute()))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _store_company_state(self, company_state: CompanyState) -> None:
        self._run(
            "INSERT OR REPLACE INTO knowledge VALUES (1, ?)", pack_company_state(company_state)
        )

    def _run(self, statement: str, *values: str | float | bytes) -> list[tuple[Any, ...]]:
        try:
            with closing(self._db.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise BackfillError(f"{self._path}: {_describe(error)}") from error

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        self._run(f"BEGIN {kind}")
        try:
            with self._db:  # commits, or rolls back
                yield
        except sqlite3.Error as error:
            raise BackfillError(f"{self._path}: {_describe(error)}") from error


def _describe(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another backfill is using it"
    if name.startswith("SQLITE_FULL"):
        return "the disk is full"
    if name.startswith("SQLITE_NOTADB"):
        return "it exists, and is not a work file"
    return getattr(error, "strerror", None) or str(error)
