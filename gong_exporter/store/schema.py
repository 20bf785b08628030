"""The state file as SQLite sees it: how it is opened, its tables, and what is refused.

The journal is a rollback journal, not a write-ahead log. A log would spare a millisecond per
call to Gong, but it needs memory shared between processes, which network, container and FUSE
file systems lack or fake; it spreads the state over three files, of which a copy of one is
worthless; and it cannot be read in a read-only folder. At a few calls a second the millisecond
does not matter. After a kill -9 the next opener rolls an unfinished transaction back, so a
state is whole or is the one before.

``synchronous=NORMAL``: a process that dies loses nothing, for what was committed is with the
operating system. A power cut may undo the last transactions: a few calls are then missing from
the ledger (fewer than were made in the last seconds before it), or a window is one poll older.
Both are true things to start from; spending two more disk flushes on every call is not worth
them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's transaction before doing without the file."""

APPLICATION = 0x474F4E47
"""SQLite's application_id of our files ("GONG"), so that nobody else's file gets our tables."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # ``seq`` grows and is never used again, so that what is new since a look can be asked
        # for; ``call`` is drawn at random, so that rows from two ledgers can be merged.
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
)
"""Statements that bring a file from version n to n + 1; version 0 is an empty file."""


_SHORTEST = 512
"""Bytes of the smallest page, and so of the smallest database that is not empty."""


class Refused(Exception):
    """The file is there, and is not ours to write: it is left as it is."""


class Damaged(Exception):
    """The file is not a database any more, or contradicts itself."""


def open_file(path: Path, steps: Sequence[Sequence[str]] = STEPS) -> sqlite3.Connection:
    """A connection to the state file at ``path``, made or brought to today's version if need be.

    It may be used by several threads, one at a time. A file that may only be read opens too;
    writing to it raises.

    Raises:
        Refused: another program's file, a newer version's, or not a file at all.
        Damaged: the content is broken.
        sqlite3.Error, OSError: it cannot be opened, read or brought up to date.
    """
    _make_private(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        # Before anything that could change it: a file that is refused stays untouched.
        version = _version(connection, len(steps))
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version < len(steps):
            _migrate(connection, steps)
        _check(connection, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection that can change nothing; waits ``timeout`` seconds for a writer.

    Raises:
        Refused: it is not of today's version, or not a file at all.
        sqlite3.Error, OSError: it cannot be read, or does not exist.
    """
    with contextlib.suppress(FileNotFoundError):  # SQLite says it better
        _demand_a_file(path.stat())  # to open a pipe is to wait for its writer
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None)
    try:
        _demand_today(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """The same tables, for as long as the process lives."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection, STEPS)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block happens, or none of it; nobody else writes meanwhile.

    Raises: sqlite3.Error, such as when another process keeps the file for BUSY_TIMEOUT.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors. The first error is the one to tell.
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def prove_writable(connection: sqlite3.Connection) -> None:
    """Write what is there already: a folder may be read-only although the file is not.

    Raises: sqlite3.Error.
    """
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version:d}")


def is_damage(error: Exception) -> bool:
    """Whether the error says that the file's content is broken."""
    if isinstance(error, Damaged):
        return True
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def in_words(error: Exception) -> str:
    """What is the matter with the file, for people."""
    if isinstance(error, (Refused, Damaged)):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, words in _WORDS:
        if name.startswith(prefix):
            return words
    return str(error)


_WORDS = (
    ("SQLITE_BUSY", f"another process has kept it locked for {BUSY_TIMEOUT:.0f} s"),
    ("SQLITE_LOCKED", f"another process has kept it locked for {BUSY_TIMEOUT:.0f} s"),
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "it, its folder or its disk is read-only"),
    ("SQLITE_PERM", "its permissions do not allow it"),
    ("SQLITE_CANTOPEN", "it cannot be opened; its folder must exist and be writable"),
    ("SQLITE_IOERR", "the disk gave an input/output error"),
)


def _make_private(path: Path) -> None:
    """An empty file that only its owner may read: it will hold people's addresses.

    Only where there is no file yet. To open and close one that SQLite has open would drop
    SQLite's locks on it, everywhere in the process.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    found = path.stat()
    _demand_a_file(found)
    if 0 < found.st_size < _SHORTEST:  # SQLite would take it for an empty one, and write over it
        raise Damaged("it is too short for a database")
    if found.st_size == 0 and stat.S_IMODE(found.st_mode) != 0o600:  # noqa: PLR2004 - a mode
        path.chmod(0o600)


def _demand_a_file(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Refused("it is not a file")


def _version(connection: sqlite3.Connection, newest: int) -> int:
    # One look: between two, another process may have made the tables of a new file.
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        if own and connection.in_transaction:
            connection.execute("ROLLBACK")
    if application != APPLICATION and (application or version or tables):
        raise Refused("it is another program's database")
    if version > newest:
        raise Refused(
            f"it is of version {version}, made by a newer gong-exporter (this one knows up to"
            f" {newest})"
        )
    return int(version)


def _demand_today(connection: sqlite3.Connection) -> None:
    if _version(connection, len(STEPS)) != len(STEPS):
        raise Refused("it is empty, or of an older version")


def _check(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(" ".join(str(verdict).split()))
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as pattern:
        _migrate(pattern, steps)
        missing = _columns(pattern) - _columns(connection)
    if missing:  # somebody's hand, or another program's
        raise Damaged(f"it lacks {', '.join(f'{table}.{name}' for table, name in sorted(missing))}")


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Of every table."""
    return set(
        connection.execute(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table'"
        )
    )


def _migrate(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    with transaction(connection):
        # Another process may have done it while we waited for the file.
        version = _version(connection, len(steps))
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION:d}")
        connection.execute(f"PRAGMA user_version = {len(steps):d}")
