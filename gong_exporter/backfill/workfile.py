"""The work file: the days that are fetched, so that nothing is asked for twice.

One SQLite file beside the output. A day is in it whole or not at all, whatever ends the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from gong_exporter.activity.knowledge import Knowledge
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.backfill.plan import BackfillError
from gong_exporter.store.codec import (
    Unreadable,
    pack_knowledge,
    pack_window,
    unpack_knowledge,
    unpack_window,
)

_VERSION = 1
_APPLICATION = 0x474F4246
"""SQLite's application_id of our work files ("GOBF")."""

_TABLES = (
    "CREATE TABLE asked (fingerprint TEXT NOT NULL, zone TEXT NOT NULL)",
    "CREATE TABLE days (day TEXT PRIMARY KEY, refused TEXT) WITHOUT ROWID",
    """CREATE TABLE windows (
        day TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (day, name)
    )""",
    "CREATE TABLE knowledge (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), body BLOB)",
)


class WorkFile:
    """Days fetched for one question (host, users, created range, windows, zone).

    Args:
        path: the file; made when missing, readable by its owner alone (it holds addresses).
        fingerprint: of the question. Days fetched for another are not mixed in.
        zone: the company's time zone.

    Raises:
        BackfillError: it cannot be opened, is not a work file, or answers another question.
    """

    def __init__(self, path: Path, *, fingerprint: str, zone: str) -> None:
        self._path = path
        try:
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = TRUNCATE")
            # Another backfill with the same file would fetch the same days: one at a time.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            with self._transaction():
                self._prepare(fingerprint, zone)
        except (sqlite3.Error, OSError) as error:
            raise BackfillError(f"{path}: {_in_words(error)}") from error

    def _prepare(self, fingerprint: str, zone: str) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables and not version and not application:
            for statement in _TABLES:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION:d}")
            self._db.execute(f"PRAGMA user_version = {_VERSION:d}")
            self._db.execute("INSERT INTO asked VALUES (?, ?)", (fingerprint, zone))
            return
        if (application, version) != (_APPLICATION, _VERSION):
            raise BackfillError(f"{self._path} is not a work file of this version")
        if self._db.execute("SELECT * FROM asked").fetchone() != (fingerprint, zone):
            raise BackfillError(
                f"{self._path} holds days that were fetched with another configuration (host,"
                " users, windows, created range or time zone): finish with that one, or remove"
                " the file to begin anew"
            )

    def done(self) -> frozenset[date]:
        """The days that need no call any more, refused ones included."""
        return frozenset(
            date.fromisoformat(day) for (day,) in self._db.execute("SELECT day FROM days")
        )

    def refused(self) -> dict[date, str]:
        """The days that Gong refused to answer for, and what it said."""
        rows = self._db.execute("SELECT day, refused FROM days WHERE refused IS NOT NULL")
        return {date.fromisoformat(day): said for day, said in rows}

    def finish(self, day: date, windows: Sequence[WindowData], knowledge: Knowledge) -> None:
        """Keep a day, whole, and what is known after it. Raises: BackfillError."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO days VALUES (?, NULL)", (str(day),))
            self._db.executemany(
                "INSERT OR REPLACE INTO windows VALUES (?, ?, ?)",
                [(str(day), data.window, pack_window(data)) for data in windows],
            )
            self._db.execute(
                "INSERT OR REPLACE INTO knowledge VALUES (1, ?)", (pack_knowledge(knowledge),)
            )

    def refuse(self, day: date, said: str) -> None:
        """Note that Gong has no answer for a day. Raises: BackfillError."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (str(day), said))

    def knowledge(self) -> Knowledge | None:
        """What was known after the last finished day."""
        row = self._db.execute("SELECT body FROM knowledge").fetchone()
        try:
            return unpack_knowledge(row[0]) if row else None
        except Unreadable:
            return None

    def windows(self, day: date) -> tuple[WindowData, ...]:
        """A day's windows; none for a day that was refused. Raises: BackfillError."""
        rows = self._db.execute("SELECT body FROM windows WHERE day = ?", (str(day),))
        try:
            return tuple(unpack_window(body) for (body,) in rows.fetchall())
        except Unreadable as error:
            raise BackfillError(f"{self._path}: the data of {day} cannot be read") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
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
        return "it is not a work file"
    return getattr(error, "strerror", None) or str(error)
