"""The work file: what was fetched, so that nothing is asked for twice.

One SQLite file beside the output. A day is in it whole or not at all, whatever ends the process.
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
from gong_exporter.backfill.errors import BackfillError, Refused
from gong_exporter.store.windows import (
    CorruptRow,
    pack_company_state,
    pack_window,
    unpack_company_state,
    unpack_window,
)

DAY = 86_400.0

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
class Refusal:
    """A window of a day that Gong refused to answer for.

    Attributes:
        day: of publication.
        window: its name.
        said: Gong's words.
    """

    day: date
    window: str
    said: str


class WorkFile:
    """Days fetched for one question. For one process at a time, and one thread.

    Args:
        path: the file; made when missing, readable by its owner alone (it holds addresses).
        asked: what the days depend on (host, users, windows, zone ...), by name. Days that were
            fetched for something else are not mixed in.

    Raises:
        Refused: it is no work file, or one of another question.
        BackfillError: it cannot be used, or another backfill uses it.
    """

    def __init__(self, path: Path, asked: Mapping[str, str]) -> None:
        self._path = path
        try:
            path.touch(mode=0o600)
            if path.stat().st_size == 0:
                path.chmod(0o600)  # an empty one that was laid there
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        except (sqlite3.Error, OSError) as error:
            raise BackfillError(f"{path}: {_in_words(error)}") from error
        try:
            # Another backfill with the same file would fetch the same days: one at a time.
            self._run("PRAGMA locking_mode = EXCLUSIVE")
            with self._transaction("EXCLUSIVE"):
                self._prepare(asked)
            self._run("PRAGMA journal_mode = DELETE")
        except BaseException:
            self._db.close()
            raise

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def _prepare(self, asked: Mapping[str, str]) -> None:
        ((application,),) = self._run("PRAGMA application_id")
        ((version,),) = self._run("PRAGMA user_version")
        ((tables,),) = self._run("SELECT count(*) FROM sqlite_master")
        if not tables and not version and not application:
            for statement in _TABLES:
                self._run(statement)
            self._run(f"PRAGMA application_id = {_APPLICATION:d}")
            self._run(f"PRAGMA user_version = {_VERSION:d}")
            self._db.executemany("INSERT INTO asked VALUES (?, ?)", sorted(asked.items()))
            return
        if (application, version) != (_APPLICATION, _VERSION):
            raise Refused(f"{self._path} is no work file of this version; name another output")
        held = dict(self._run("SELECT name, value FROM asked"))
        other = sorted(name for name in {*held, *asked} if held.get(name) != asked.get(name))
        if other:
            raise Refused(
                f"{self._path} holds days that were fetched with another configuration (what"
                f" differs: {', '.join(other)}): go on with that one, name another output, or"
                " remove the file to begin anew"
            )

    def done(self, now: float) -> frozenset[date]:
        """The days that need no call: whole, or refused less than a day before ``now``."""
        rows = self._run(
            "SELECT day FROM days WHERE day NOT IN (SELECT day FROM refusals WHERE at <= ?)",
            now - DAY,
        )
        return frozenset(date.fromisoformat(day) for (day,) in rows)

    def finish(
        self,
        day: date,
        windows: Sequence[WindowData],
        refused: Sequence[Refusal],
        company_state: CompanyState,
        now: float,
    ) -> None:
        """Keep a day: all of its windows, or that they were refused. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT OR REPLACE INTO days VALUES (?)", str(day))
            self._run("DELETE FROM refusals WHERE day = ?", str(day))
            self._db.executemany(
                "INSERT OR REPLACE INTO windows VALUES (?, ?, ?)",
                [(str(day), data.window, pack_window(data)) for data in windows],
            )
            self._db.executemany(
                "INSERT INTO refusals VALUES (?, ?, ?, ?)",
                [(str(day), refusal.window, refusal.said, now) for refusal in refused],
            )
            self._know(company_state)

    def windows(self, day: date) -> tuple[WindowData, ...]:
        """A day's windows, those that were not refused. Raises: BackfillError."""
        rows = self._run("SELECT body FROM windows WHERE day = ?", str(day))
        try:
            return tuple(unpack_window(body) for (body,) in rows)
        except CorruptRow as error:
            raise BackfillError(
                f"{self._path}: {day} cannot be read ({error}); remove the file to begin anew"
            ) from error

    def refusals(self) -> tuple[Refusal, ...]:
        """What Gong refused, in the order of the days."""
        rows = self._run("SELECT day, name, said FROM refusals ORDER BY day, name")
        return tuple(
            Refusal(day=date.fromisoformat(day), window=name, said=said) for day, name, said in rows
        )

    def company_state(self) -> CompanyState | None:
        """What was known after the last finished day."""
        rows = self._run("SELECT body FROM knowledge")
        try:
            return unpack_company_state(rows[0][0]) if rows else None
        except CorruptRow:
            return None

    def searched(self, days: DayRange) -> bool:
        """Whether listed users were looked for in all of a range."""
        rows = self._run(
            "SELECT 1 FROM searched WHERE first <= ? AND last >= ?", str(days.start), str(days.end)
        )
        return bool(rows)

    def note_search(self, days: DayRange, company_state: CompanyState) -> None:
        """Listed users were looked for in all of a range. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT INTO searched VALUES (?, ?)", str(days.start), str(days.end))
            self._know(company_state)

    def count_calls(self, number: int, now: float) -> None:
        """Calls were made by now. Raises: BackfillError."""
        with self._transaction():
            self._run("DELETE FROM calls WHERE at <= ?", now - DAY)
            self._run("INSERT INTO calls VALUES (?, ?)", now, number)

    def calls(self, now: float) -> tuple[tuple[float, int], ...]:
        """The calls of the last 24 hours: when, and how many. The oldest come first."""
        rows = self._run("SELECT at, number FROM calls WHERE at > ? ORDER BY at", now - DAY)
        return tuple((at, number) for at, number in rows)

    def made(self, path: Path) -> bool:
        """Whether a file of the output is of this work file's making."""
        return bool(self._run("SELECT 1 FROM outputs WHERE path = ?", str(path.absolute())))

    def note_made(self, path: Path) -> None:
        """A file of the output is about to get its name. Raises: BackfillError."""
        with self._transaction():
            self._run("INSERT OR REPLACE INTO outputs VALUES (?)", str(path.absolute()))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _know(self, company_state: CompanyState) -> None:
        self._run(
            "INSERT OR REPLACE INTO knowledge VALUES (1, ?)", pack_company_state(company_state)
        )

    def _run(self, statement: str, *values: str | float | bytes) -> list[tuple[Any, ...]]:
        try:
            with closing(self._db.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise BackfillError(f"{self._path}: {_in_words(error)}") from error

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        self._run(f"BEGIN {kind}")
        try:
            yield
            self._run("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._run("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise BackfillError(f"{self._path}: {_in_words(error)}") from error
            raise


def _in_words(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another backfill is using it"
    if name.startswith("SQLITE_FULL"):
        return "the disk is full"
    if name.startswith("SQLITE_NOTADB"):
        return "it is there already, and no work file"
    return getattr(error, "strerror", None) or str(error)
