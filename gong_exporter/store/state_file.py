"""The state as its users see it: ledger, windows, knowledge and the poller's lock."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.gong.limits import Ledger
from gong_exporter.store import windows as saved_windows
from gong_exporter.store.database import StateDatabase, Unavailable
from gong_exporter.store.fallback import FallbackLedger
from gong_exporter.store.lock import PollerLock
from gong_exporter.store.windows import SavedState


def open_state(
    path: Path | None, *, report: Callable[[str], None], now: Callable[[], float]
) -> StateFile:
    """The state kept at ``path``; in memory alone when that is None.

    Raises nothing for trouble with the disk, now or later: see StateFile.

    Args:
        path: the file; made when missing, its folder is not.
        report: is told, in words for people, when the file fails, with what, and when it is
            back: once per change of condition. Called in the thread that noticed.
        now: the wall clock in Unix seconds, the same that the ledger's callers use.
    """
    return StateFile(path, report=report, now=now)


class StateFile:
    """What survives restarts, in a file as far as possible. See open_state().

    A file that cannot be used (locked, full, read-only, another version's, gone) is replaced
    by memory, seeded with all that was known of it, and tried again every 15 s as calls are
    made and at every save; then what memory gathered is added to it. A damaged one is renamed
    to NAME.corrupt-TIME and a fresh one begun.

    The poller's thread calls the ledger and save(); ``ledger.used()``, ``error_count`` and
    ``error`` are for any thread, and wait for nobody.
    """

    def __init__(
        self, path: Path | None, *, report: Callable[[str], None], now: Callable[[], float]
    ) -> None:
        self._now = now
        self._disk = StateDatabase(path, report=report, now=now, opened=self._bring_together)
        self._ledger = FallbackLedger(self._disk)
        self._lock = PollerLock(path and path.with_name(f"{path.name}.lock"), report)
        self._knowledge: CompanyState | None = None
        self._windows: dict[str, WindowData] = {}
        self._unsaved: set[str] = set()
        self._knowledge_saved = True
        with contextlib.suppress(Unavailable):
            self._disk.use(lambda _: None)  # so that trouble is told at the start

    @property
    def ledger(self) -> Ledger:
        """The calls made, by this process and by others that share the file.

        After close(), ``reserve`` and ``limited_until`` raise gong's Stopped.
        """
        return self._ledger

    @property
    def error_count(self) -> int:
        """How often the file could not be read, written or understood since the start."""
        return self._disk.error_count

    @property
    def error(self) -> str | None:
        """Why the file is not in use at present, for people; None while all is well."""
        return self._disk.error

    def poller_lock(self) -> PollerLock:
        """The lock that one poller holds; always the same object."""
        return self._lock

    def load(self, host: str, windows: Collection[str] | None = None) -> SavedState:
        """What is saved for the API at ``host``: the knowledge, and windows' last data.

        Also from a file that may only be read. Memory keeps this from now on, and nothing else.

        Args:
            host: of the API.
            windows: the names of those wanted; None for all.
        """

        def read(connection: sqlite3.Connection) -> SavedState:
            return saved_windows.read(connection, host, self._disk.log_corrupt_row, windows)

        try:
            saved = self._disk.use(read)
        except Unavailable:
            if self._knowledge is not None and self._knowledge.host == host:
                if windows is not None:
                    self._keep(windows)
                return SavedState(self._knowledge, tuple(self._windows.values()))
            try:
                with self._disk.reading(timeout=0) as connection:
                    saved = read(connection)
            except Unavailable:
                return saved_windows.NOTHING
        self._forget()
        self._knowledge = saved.knowledge
        self._windows = {data.window: data for data in saved.windows}
        return saved

    def save(self, knowledge: CompanyState, windows: Sequence[WindowData]) -> None:
        """Keep the knowledge, and the windows that a poll renewed: all of it or nothing.

        What cannot be written now is written when the file is usable again.
        """
        if self._knowledge is not None and self._knowledge.host != knowledge.host:
            self._forget()
        self._knowledge = knowledge
        self._knowledge_saved = False
        for data in windows:
            self._windows[data.window] = data
            self._unsaved.add(data.window)
        with contextlib.suppress(Unavailable):
            self._disk.use(self._write_unsaved, at_once=True)

    def close(self) -> None:
        """Let go of the file and the lock, within a second. Nothing is lost by not calling it."""
        self._disk.close()
        self._ledger.close()
        self._lock.release()

    def _keep(self, windows: Collection[str]) -> None:
        self._windows = {name: data for name, data in self._windows.items() if name in windows}
        self._unsaved &= self._windows.keys()

    def _forget(self) -> None:
        """What another host said, saved or not: from now on this one is polled."""
        self._knowledge, self._knowledge_saved = None, True
        self._windows.clear()
        self._unsaved.clear()

    def _bring_together(self, connection: sqlite3.Connection) -> None:
        """Add to a file just opened what it lacks, or has of an earlier poll than we know of.

        What it has is left alone: a backfill goes on for hours with what it once loaded.
        """
        self._ledger.join(connection)
        if self._knowledge is None:
            return
        host, windows = self._knowledge.host, self._windows.keys()
        there = saved_windows.read(connection, host, lambda _what: None, windows)
        newest = {data.window: data.fetched_at for data in there.windows}
        self._unsaved.update(
            name
            for name, data in self._windows.items()
            if name not in newest or newest[name] < data.fetched_at
        )
        if self._unsaved or there.knowledge is None or not self._knowledge_saved:
            self._write_unsaved(connection)

    def _write_unsaved(self, connection: sqlite3.Connection) -> None:
        if self._knowledge is None:
            return
        changed = [self._windows[name] for name in sorted(self._unsaved)]
        saved_windows.write(connection, self._knowledge, changed, self._now())
        self._unsaved.clear()
        self._knowledge_saved = True
