"""The connection to the state file: opened when possible, retried after a failure."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from gong_exporter.store import schema

RETRY_INTERVAL = 15.0
"""Seconds between attempts to use a file that failed: a locked one costs 5 s each time."""

_CLOSE_TIMEOUT = 0.5
"""Seconds that close() waits for a transaction, because a stopping process has no more time."""

_ERRORS = (schema.ForeignFile, schema.CorruptFile, sqlite3.Error, OSError)

T = TypeVar("T")


class Unavailable(Exception):
    """The file cannot be used now; the reason is logged."""


class StateDatabase:
    """A connection to the state file that survives failures of the file.

    ``on_open`` is called with each new connection, to synchronize file and memory; it may raise
    sqlite3.Error.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        log: FilteringBoundLogger,
        now: Callable[[], float],
        on_open: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._log = log.bind(file=str(path))
        self._now = now
        self._on_open = on_open
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._failed_at: float | None = None
        self._error: str | None = None
        self._error_count = 0
        self._closed = False

    @property
    def error_count(self) -> int:
        """How often the file could not be read, written or parsed."""
        return self._error_count

    @property
    def error(self) -> str | None:
        """Why the file is not in use; None while it is, or when there is no file."""
        return self._error

    def use(self, work: Callable[[sqlite3.Connection], T], *, at_once: bool = False) -> T:
        """Call ``work`` with the connection; twice if the first call finds the file corrupt.

        Args:
            work: may raise sqlite3.Error.
            at_once: also try a file that failed less than RETRY_INTERVAL ago.

        Raises:
            Unavailable: the file cannot be used, or failed less than RETRY_INTERVAL ago.
        """
        with self._lock:
            if self._path is None or self._closed or not (at_once or self._is_due()):
                raise Unavailable
            try:
                result = self._run(self._path, work)
            except _ERRORS as error:
                self._fail(error)
                raise Unavailable from error
            if self._error is not None:
                self._error = self._failed_at = None
                self._log.warning("the state file is in use again")
            return result

    @contextmanager
    def reading(self, timeout: float) -> Iterator[sqlite3.Connection]:
        """Open a second, read-only connection, in any thread; waits only for other processes.

        Raises:
            Unavailable: there is no file, it is locked for longer than ``timeout`` seconds,
                or it cannot be read.
        """
        if self._path is None or self._closed:
            raise Unavailable
        try:
            with contextlib.closing(schema.open_for_reading(self._path, timeout)) as connection:
                yield connection
        except _ERRORS as error:
            raise Unavailable from error

    def log_corrupt_row(self, content: str) -> None:
        """Count and log a part of the file that cannot be parsed."""
        with self._lock:
            self._error_count += 1
            self._log.warning("a part of the state file is corrupt and ignored", content=content)

    def close(self) -> None:
        """Close the file for good, within _CLOSE_TIMEOUT."""
        self._closed = True
        if self._lock.acquire(timeout=_CLOSE_TIMEOUT):
            try:
                self._disconnect()
            finally:
                self._lock.release()

    def _is_due(self) -> bool:
        # abs(): a clock that was set back must not postpone the retry.
        return self._failed_at is None or abs(self._now() - self._failed_at) >= RETRY_INTERVAL

    def _run(self, path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
        before = _inode(path)
        try:
            return work(self._connect(path))
        except (schema.CorruptFile, sqlite3.Error) as error:
            if not schema.is_corruption(error):
                raise
            self._disconnect()
            self._error_count += 1
            if _inode(path) == before:  # otherwise another process replaced it already
                kept = _quarantine(path, schema.describe(error), self._now())
                self._log.warning(
                    "the state file is corrupt; it was renamed, and a new one is begun",
                    error=schema.describe(error),
                    renamed_to=kept.name,
                )
            return work(self._connect(path))

    def _connect(self, path: Path) -> sqlite3.Connection:
        if self._connection is not None:
            if _inode(path) == self._inode:
                return self._connection
            self._disconnect()
            self._error_count += 1
            self._log.warning("the state file was removed; it is written again from memory")
        connection = schema.open_file(path)
        try:
            self._on_open(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._inode = _inode(path)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection, self._inode = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _fail(self, error: Exception) -> None:
        self._disconnect()  # so that on_open() synchronizes file and memory later
        self._failed_at = self._now()
        self._error_count += 1
        reason = schema.describe(error)
        if reason != self._error:
            self._error = reason
            self._log.warning(
                "the state file is not in use; its content is kept only in memory",
                error=reason,
            )


def _inode(path: Path) -> tuple[int, int] | None:
    """Return the identity of the file at that path; None for no file. Raises: OSError."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _quarantine(path: Path, reason: str, now: float) -> Path:
    """Rename a corrupt file together with its journal, which fits no other file.

    Raises: CorruptFile, if it cannot be renamed.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{path.name}.corrupt-{stamp}"
    kept = path.with_name(name)
    count = 1
    while kept.exists():  # never replace an earlier one
        count += 1
        kept = path.with_name(f"{name}-{count}")
    try:
        for suffix in ("-journal", "-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise schema.CorruptFile(
            f"it is corrupt ({reason}) and cannot be renamed ({schema.describe(error)})"
        ) from error
    return kept
