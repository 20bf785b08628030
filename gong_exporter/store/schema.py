"""The state file as SQLite sees it: how it is opened, its tables, and which files are refused.

The journal is a rollback journal, not a write-ahead log. A log would save a millisecond per
call to Gong, which does not matter at a few calls a second. But it needs memory shared between
processes, which network, container and FUSE file systems lack or fake; it spreads the state over
three files, of which a copy of one is worthless; and it cannot be read in a read-only folder.
After a kill -9 the next process that opens the file rolls an unfinished transaction back.

``synchronous=NORMAL``: a process that dies loses nothing, because the operating system has what
was committed. A power cut may undo the last transactions: then the calls of the last seconds are
missing from the ledger, or a window is one poll older. That is not worth two more disk flushes
for every call.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's transaction before the file counts as unavailable."""

APPLICATION = 0x474F4E47
"""SQLite's application_id of our files ("GONG"): no other program's file gets our tables."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # ``seq`` only grows, so that new rows can be selected. ``call`` is random, so that rows
        # from two ledgers can be merged.
        """CREATE TABLE calls (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            call INTEGER NOT NULL UNIQUE,
            started REAL NOT NULL,
            ended REAL,
            expires REAL NOT NULL
        )""",
        "CREATE INDEX calls_by_start ON calls (started)",
        "CREATE INDEX calls_by_end ON calls (coalesce(ended, expires))",
        """CREATE TABLE retry_after (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            said_at REAL NOT NULL,
            until REAL NOT NULL
        )""",
        """CREATE TABLE knowledge (
            host TEXT PRIMARY KEY,
            saved_at REAL NOT NULL,
            body BLOB NOT NULL
        )""",
        """CREATE TABLE windows (
            host TEXT NOT NULL,
            name TEXT NOT NULL,
            saved_at REAL NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (host, name)
        )""",
    ),
    (
        # The day history of one company: see store/saved_history.py.
        """CREATE TABLE history (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            fingerprint TEXT NOT NULL,
            time_zone TEXT NOT NULL
        )""",
        """CREATE TABLE history_users (
            number INTEGER PRIMARY KEY,
            user_id TEXT NOT NULL UNIQUE
        )""",
        """CREATE TABLE history_days (
            day TEXT PRIMARY KEY,
            fetched_at REAL NOT NULL,
            body BLOB NOT NULL
        )""",
    ),
    (
        # Gong's own list of users, for the roster: see store/saved_users.py.
        """CREATE TABLE users (
            host TEXT PRIMARY KEY,
            fetched_at REAL NOT NULL,
            body BLOB NOT NULL
        )""",
    ),
)
"""Statements that bring a file from version n to n + 1; version 0 is an empty file."""


_SHORTEST = 512
"""Bytes of the smallest page, and so of the smallest database that is not empty."""


class ForeignFile(Exception):
    """The file is not ours to write, so it is left as it is."""


class CorruptFile(Exception):
    """The file is not a database any more, or contradicts itself."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the state file at ``path``; create or migrate it if necessary.

    Several threads may use the connection, one at a time. A read-only file can be opened too;
    writing to it raises.

    Raises:
        ForeignFile: another program's file, a newer version's, or not a regular file.
        CorruptFile: the content is corrupt.
        sqlite3.Error, OSError: it cannot be opened, read or migrated.
    """
    _make_private(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        # Before anything that could change it, because a foreign file stays untouched.
        with transaction(connection, reading=True):
            version = _version(connection)
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = NORMAL")
        # What is deleted about people is overwritten, not only unlinked.
        connection.execute("PRAGMA secure_delete = ON")
        if version < len(MIGRATIONS):
            _migrate(connection)
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, timeout: float) -> sqlite3.Connection:
    """Open a read-only connection; waits ``timeout`` seconds for a writer.

    Raises:
        ForeignFile: it is not of the current version, or not a regular file.
        sqlite3.Error, OSError: it cannot be read, or does not exist.
    """
    with contextlib.suppress(FileNotFoundError):  # SQLite reports it better
        _require_regular_file(path.stat())  # opening a pipe would wait for its writer
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None)
    try:
        _require_current_version(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """Return a database in memory with the same tables."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, reading: bool = False) -> Iterator[None]:
    """Commit all of the block or none of it; no other process writes during it.

    With ``reading``, the block only reads, and all of its queries see the same state.

    Raises: sqlite3.Error, for example when another process locks the file for BUSY_TIMEOUT.
    """
    connection.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite rolls back by itself after some errors. The first error is the one to raise.
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def require_writable(connection: sqlite3.Connection) -> None:
    """Write a value that is there already, because the folder may be read-only.

    Raises: sqlite3.Error, if the file or its folder cannot be written.
    """
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version:d}")


def is_corruption(error: Exception) -> bool:
    """True if the error means that the file's content is corrupt."""
    if isinstance(error, CorruptFile):
        return True
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def describe(error: Exception) -> str:
    """Describe what is wrong with the file, for people."""
    if isinstance(error, (ForeignFile, CorruptFile)):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, text in _DESCRIPTIONS:
        if name.startswith(prefix):
            return text
    return str(error)


_DESCRIPTIONS = (
    ("SQLITE_BUSY", f"another process has locked it for {BUSY_TIMEOUT:.0f} s"),
    ("SQLITE_LOCKED", f"another process has locked it for {BUSY_TIMEOUT:.0f} s"),
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "it, its folder or its disk is read-only"),
    ("SQLITE_PERM", "its permissions do not allow it"),
    ("SQLITE_CANTOPEN", "it cannot be opened; its folder must exist and be writable"),
    ("SQLITE_IOERR", "the disk gave an input/output error"),
)


def _make_private(path: Path) -> None:
    """Create a file that only its owner may read, because it will hold people's addresses.

    An existing file is not opened: closing one that SQLite has open would drop SQLite's locks on
    it, everywhere in the process.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    status = path.stat()
    _require_regular_file(status)
    if 0 < status.st_size < _SHORTEST:  # SQLite would take it for an empty one and overwrite it
        raise CorruptFile("it is too short for a database")
    if status.st_size == 0 and stat.S_IMODE(status.st_mode) != 0o600:  # noqa: PLR2004 - a mode
        path.chmod(0o600)


def _require_regular_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ForeignFile("it is not a regular file")


def _version(connection: sqlite3.Connection) -> int:
    """Called in a transaction, as another process may be creating the tables of a new file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise ForeignFile("it is another program's database")
    if version > len(MIGRATIONS):
        raise ForeignFile(
            f"its version {version} is of a newer gong-exporter (this one supports up to"
            f" {len(MIGRATIONS)})"
        )
    return int(version)


def _require_current_version(connection: sqlite3.Connection) -> None:
    with transaction(connection, reading=True):
        if _version(connection) != len(MIGRATIONS):
            raise ForeignFile("it is empty, or of an older version")


def _check(connection: sqlite3.Connection) -> None:
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise CorruptFile(" ".join(str(result).split()))
    with contextlib.closing(open_in_memory()) as expected:
        missing = _columns(expected) - _columns(connection)
    if missing:  # edited by hand, or by another program
        columns = ", ".join(f"{table}.{name}" for table, name in sorted(missing))
        raise CorruptFile(f"it lacks {columns}")


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return table and name of every column."""
    return set(
        connection.execute(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table'"
        )
    )


def _migrate(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        # Another process may have migrated it while we waited for the file.
        for step in MIGRATIONS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION:d}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
