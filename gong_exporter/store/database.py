"""The file behind the state: opened when it can be, given up and tried again when it cannot."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gong_exporter.store import schema

RETRY = 15.0
"""Seconds between attempts to use a file that failed: a locked one costs 5 s each time."""

_CLOSING = 0.5
"""Seconds that close() waits for a transaction; a stopping process has no more to give."""

_ERRORS = (schema.Refused, schema.Damaged, sqlite3.Error, OSError)

T = TypeVar("T")


class Unavailable(Exception):
    """The file cannot be used now; why has been reported."""


class StateDatabase:
    """A connection to the state file that comes and goes.

    Args:
        path: None for no file.
        report: is told of each change of condition, once, in words for people.
        now: the wall clock, in Unix seconds.
        opened: brings a newly opened file and the memory together; may raise sqlite3.Error.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        report: Callable[[str], None],
        now: Callable[[], float],
        opened: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._report = report
        self._now = now
        self._opened = opened
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._failed_at: float | None = None
        self._error: str | None = None
        self._error_count = 0
        self._closed = False

    @property
    def error_count(self) -> int:
        """How often the file could not be read, written or understood."""
        return self._error_count

    @property
    def error(self) -> str | None:
        """Why the file is not in use, for people; None while it is, or when there is none."""
        return self._error

    def use(self, work: Callable[[sqlite3.Connection], T], *, at_once: bool = False) -> T:
        """Let ``work`` use the file, perhaps a second time when the first found it damaged.

        Args:
            work: may raise sqlite3.Error.
            at_once: try also a file that failed less than RETRY seconds ago.

        Raises:
            Unavailable: the file cannot be used, or failed a moment ago.
        """
        with self._lock:
            if self._path is None or self._closed or not (at_once or self._due()):
                raise Unavailable
            try:
                done = self._run(self._path, work)
            except _ERRORS as error:
                self._fail(self._path, error)
                raise Unavailable from error
            if self._error is not None:
                self._error = self._failed_at = None
                self._report(f"the state file {self._path} is in use again")
            return done

    @contextmanager
    def reading(self, timeout: float) -> Iterator[sqlite3.Connection]:
        """A connection of one's own for a look, in any thread; waits only for the file.

        Raises:
            Unavailable: there is no file, it is locked for longer than ``timeout`` seconds,
                or is not fit to be read.
        """
        if self._path is None or self._closed:
            raise Unavailable
        try:
            with contextlib.closing(schema.open_for_reading(self._path, timeout)) as connection:
                yield connection
        except _ERRORS as error:
            raise Unavailable(schema.in_words(error)) from error

    def log_corrupt_row(self, what: str) -> None:
        """Count and report a part of the file that cannot be understood."""
        with self._lock:
            self._error_count += 1
            self._report(f"{what} in the state file {self._path} cannot be read, and is left out")

    def close(self) -> None:
        """Let go of the file, for good; within _CLOSING seconds."""
        self._closed = True
        if self._lock.acquire(timeout=_CLOSING):
            try:
                self._disconnect()
            finally:
                self._lock.release()

    def _due(self) -> bool:
        if self._failed_at is None:
            return True
        # abs: a clock that was set back must not keep us from the file.
        return abs(self._now() - self._failed_at) >= RETRY

    def _run(self, path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
        before = _identity(path)
        try:
            return work(self._connected(path))
        except (schema.Damaged, sqlite3.Error) as error:
            if not schema.is_damage(error):
                raise
            self._disconnect()
            self._error_count += 1
            if _identity(path) == before:  # otherwise another process was faster
                self._report(_quarantine(path, schema.in_words(error), self._now()))
            return work(self._connected(path))

    def _connected(self, path: Path) -> sqlite3.Connection:
        if self._connection is not None:
            if _identity(path) == self._identity:
                return self._connection
            self._disconnect()
            self._error_count += 1
            self._report(f"the state file {path} was removed; what is known is written again")
        connection = schema.open_file(path)
        try:
            self._opened(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._identity = _identity(path)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection, self._identity = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _fail(self, path: Path, error: Exception) -> None:
        # Opening it again is what brings file and memory together.
        self._disconnect()
        self._failed_at = self._now()
        self._error_count += 1
        trouble = (
            f"the state file {path} is not in use: {schema.in_words(error)}; until it is, its"
            " content is kept in memory, and would be lost with the process"
        )
        if trouble != self._error:
            self._error = trouble
            self._report(trouble)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has that name now; None for none. Raises: OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _quarantine(path: Path, damage: str, now: float) -> str:
    """Rename a damaged file, with its journal: that belongs to no other. Returns a report.

    Raises: Damaged, when that is not possible either.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{path.name}.corrupt-{stamp}"
    kept = path.with_name(name)
    count = 1
    while kept.exists():  # never over an earlier one
        count += 1
        kept = path.with_name(f"{name}-{count}")
    try:
        for suffix in ("-journal", "-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise schema.Damaged(
            f"it is damaged ({damage}), and cannot be renamed ({schema.in_words(error)})"
        ) from error
    return (
        f"the state file {path} is damaged ({damage}); it is kept as {kept.name}, and a fresh one"
        " begun"
    )
