"""The state as other packages use it: ledger, windows, company state and the poller's lock."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.store.database import StateDatabase, Unavailable
from gong_exporter.store.fallback import FallbackLedger
from gong_exporter.store.lock import PollerLock
from gong_exporter.store.saved_history import HistoryFile
from gong_exporter.store.saved_users import SavedUsers, read_users, write_users
from gong_exporter.store.saved_windows import (
    Purge,
    SavedState,
    read_state,
    rewrite_state,
    write_state,
)


class StateFile:
    """What survives restarts, in a file as far as possible.

    A file that cannot be used (locked, full, read-only, a newer version's, gone) is replaced by
    memory, which holds all that was read from it. It is tried again every 15 s as calls are made,
    and at every save; then what memory gathered is added to it. A corrupt file is renamed to
    NAME.corrupt-TIME, and a new one is begun. Nothing of this raises.

    The poller's thread calls the ledger and save(). Any thread may use ``ledger.used()``,
    ``error_count`` and ``error``, which do not block.

    Args:
        path: the file. It is created if missing, its folder is not. None keeps the state in memory.
        log: gets a warning, in the thread that notices, when the file fails, when the reason
            changes, and when the file is in use again.
        now: the wall clock in Unix seconds, the same that the ledger's callers use.

    Attributes:
        ledger: the calls made, by this process and by others that share the file. After close(),
            ``reserve`` and ``limited_until`` raise Stopped.
        history: the day history in the file. Memory has no copy of it.
        poller_lock: the lock that one poller holds.
    """

    def __init__(
        self, path: Path | None, *, log: FilteringBoundLogger, now: Callable[[], float]
    ) -> None:
        self._path = path
        self._now = now
        self._database = StateDatabase(path, log=log, now=now, on_open=self._synchronize)
        self.ledger = FallbackLedger(self._database)
        self.history = HistoryFile(self._database)
        self.poller_lock = PollerLock(path and path.with_name(f"{path.name}.lock"), log)
        self._company_state: CompanyState | None = None
        self._windows: dict[str, WindowData] = {}
        self._saved = True  # whether the file has this company state
        with contextlib.suppress(Unavailable):
            self._database.use(lambda _: None)  # so that a failure is logged at the start

    @property
    def error_count(self) -> int:
        """How often the file could not be read, written or parsed since the start."""
        return self._database.error_count

    @property
    def error(self) -> str | None:
        """Why the file is not in use now, for people; None while it is."""
        reason = self._database.error
        return reason and f"{self._path} is not in use: {reason}"

    def load(self, host: str, windows: Collection[str] | None = None) -> SavedState:
        """Return what is saved for the API at ``host``, even if the file is read-only.

        From now on memory holds this and nothing else.

        Args:
            host: of the API.
            windows: the names of those wanted; None for all.
        """

        def read(connection: sqlite3.Connection) -> SavedState:
            return read_state(connection, host, self._database.log_corrupt_row, windows)

        try:
            saved = self._database.use(read)
        except Unavailable:
            if self._company_state is not None and self._company_state.host == host:
                self._windows = {
                    name: data
                    for name, data in self._windows.items()
                    if windows is None or name in windows
                }
                return SavedState(self._company_state, tuple(self._windows.values()))
            try:
                with self._database.reading(timeout=0) as connection:
                    saved = read(connection)
            except Unavailable:
                return SavedState()
        self._company_state = saved.company_state
        self._windows = {data.window: data for data in saved.windows}
        self._saved = True
        return saved

    def save(self, company_state: CompanyState, windows: Sequence[WindowData]) -> None:
        """Save the company state and the windows that a poll renewed, in one transaction.

        What cannot be written now is written when the file is usable again.
        """
        if self._company_state is not None and self._company_state.host != company_state.host:
            self._windows.clear()
        self._company_state = company_state
        self._windows.update({data.window: data for data in windows})
        self._saved = False
        with contextlib.suppress(Unavailable):
            self._database.use(
                lambda connection: self._write(connection, company_state, windows), at_once=True
            )

    def save_users(self, host: str, saved: SavedUsers) -> None:
        """Save Gong's own list of users. Memory has no copy of it."""
        with contextlib.suppress(Unavailable):
            self._database.use(lambda connection: write_users(connection, host, saved))

    def load_users(self, host: str) -> SavedUsers | None:
        """Return the list that was saved for the API at ``host``; None if there is none."""

        def read(connection: sqlite3.Connection) -> SavedUsers | None:
            return read_users(connection, host, self._database.log_corrupt_row)

        with contextlib.suppress(Unavailable):
            return self._database.use(read)
        return None

    def purge(self, purge: Purge) -> bool:
        """Replace all that is saved, of every host, with what ``purge`` leaves of it.

        Returns:
            Whether the file could be rewritten; True without a file.
        """
        if self._company_state is not None:
            held = list(self._windows.values())
            self._company_state, kept = purge(self._company_state, held)
            self._windows = {data.window: data for data in kept}
        if self._path is None:
            return True
        try:
            self._database.use(lambda connection: rewrite_state(connection, purge))
        except Unavailable:
            return False
        return True

    def close(self) -> None:
        """Close the file and release the lock, within a second. A process may end without it."""
        self._database.close()
        self.ledger.close()
        self.poller_lock.release()

    def _synchronize(self, connection: sqlite3.Connection) -> None:
        """Write to a newly opened file the windows that it lacks, or has in an older version.

        Newer data in the file is left alone: a backfill goes on for hours with what it loaded.
        """
        self.ledger.synchronize(connection)
        self.history.connections += 1
        if self._company_state is None:
            return
        host, names = self._company_state.host, self._windows.keys()
        in_file = read_state(connection, host, lambda _content: None, names)
        newest = {data.window: data.fetched_at for data in in_file.windows}
        missing = [
            data
            for name, data in self._windows.items()
            if name not in newest or newest[name] < data.fetched_at
        ]
        if missing or in_file.company_state is None or not self._saved:
            self._write(connection, self._company_state, missing)

    def _write(
        self,
        connection: sqlite3.Connection,
        company_state: CompanyState,
        windows: Sequence[WindowData],
    ) -> None:
        write_state(connection, company_state, windows, self._now())
        self._saved = True
