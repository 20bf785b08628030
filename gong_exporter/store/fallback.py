"""The ledger that callers get: the file's, with a copy in memory for when the file fails."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import Allowed, CallLimits, Wait
from gong_exporter.store import schema
from gong_exporter.store.calls import CallLedger, Entries, count_used
from gong_exporter.store.database import StateDatabase, Unavailable


class FallbackLedger:
    """A Ledger that never fails with the file.

    The file decides. What it holds is copied into memory, with the same call IDs, so that memory
    can replace it in the middle of a call and be merged into it later.
    """

    def __init__(self, database: StateDatabase) -> None:
        self._database = database
        self._memory = CallLedger(schema.open_in_memory())
        self._last = 0
        self._used = 0

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        """See Ledger. Raises: Stopped, after close()."""

        def reserve_in_file(connection: sqlite3.Connection) -> Allowed | Wait:
            ledger = CallLedger(connection)
            decision = ledger.reserve(now, limits, expires)
            self._copy_new_entries(ledger)
            # Both forget and move the same calls, also when the clock was set back.
            self._memory.limited_until(now)
            self._used = self._memory.used(now)
            return decision

        try:
            return self._database.use(reserve_in_file)
        except Unavailable:
            return self._memory.reserve(now, limits, expires)

    def finish(self, call: int, now: float) -> None:
        """See Ledger."""
        self._in_both(lambda ledger: ledger.finish(call, now))

    def limit(self, now: float, until: float) -> None:
        """See Ledger."""
        self._in_both(lambda ledger: ledger.limit(now, until))

    def shift(self, seconds: float) -> None:
        """See Ledger."""
        self._in_both(lambda ledger: ledger.shift(seconds))

    def limited_until(self, now: float) -> float:
        """See Ledger. Raises: Stopped, after close()."""
        return self._in_either(lambda ledger: ledger.limited_until(now))

    def quota_wait(self, now: float, requests_per_day: int, calls: int) -> float:
        """See Ledger. Raises: Stopped, after close()."""
        return self._in_either(lambda ledger: ledger.quota_wait(now, requests_per_day, calls))

    def used(self, now: float) -> int:
        """See Ledger. For any thread; does not wait for a locked file."""
        try:
            if self._database.error is None:
                with self._database.reading(timeout=0) as connection:
                    return count_used(connection, now)
        except Unavailable:
            pass
        with contextlib.suppress(Stopped):
            self._used = self._memory.used(now)
        return self._used

    def synchronize(self, connection: sqlite3.Connection) -> None:
        """Merge a newly opened file and the memory.

        Raises: sqlite3.Error, if the file cannot be written; memory has its content even then.
        """
        ledger = CallLedger(connection)
        self._last = 0
        in_file = self._copy_new_entries(ledger)
        schema.require_writable(connection)
        if ledger.delete_corrupt_rows():
            self._database.log_corrupt_row("record of calls")
        in_memory = self._memory.entries()
        known = set(in_file.calls)
        missing = tuple(call for call in in_memory.calls if call not in known)
        if missing or in_memory.retry_after != in_file.retry_after:
            ledger.merge(Entries(missing, 0, in_memory.retry_after))

    def close(self) -> None:
        """Allow no further calls."""
        self._memory.close()

    def _in_both(self, work: Callable[[CallLedger], None]) -> None:
        with contextlib.suppress(Unavailable, Stopped):
            work(self._memory)
            self._database.use(lambda connection: work(CallLedger(connection)))

    def _in_either(self, work: Callable[[CallLedger], float]) -> float:
        try:
            return self._database.use(lambda connection: work(CallLedger(connection)))
        except Unavailable:
            return work(self._memory)

    def _copy_new_entries(self, ledger: CallLedger) -> Entries:
        """Copy what is new in the file, other processes' calls included."""
        entries = ledger.entries(self._last)
        self._memory.merge(entries)
        self._last = entries.last
        return entries
