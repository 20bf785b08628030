"""The ledger that is handed out: the file's, with a copy in memory to fall back on."""

from __future__ import annotations

import contextlib
import sqlite3

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import Allowed, CallLimits, Wait
from gong_exporter.store import schema
from gong_exporter.store.calls import CallLedger, Entries, count_used
from gong_exporter.store.database import StateDatabase, Unavailable


class FallbackLedger:
    """gong's Ledger; never raises for trouble with the disk.

    The file answers. Whatever it says is entered in memory too, by the names it has in the
    file, so that memory can take over in the middle of a call and hand back later.

    Args:
        disk: where the file is.
    """

    def __init__(self, disk: StateDatabase) -> None:
        self._disk = disk
        self._memory = CallLedger(schema.open_in_memory())
        self._last = 0
        self._used = 0

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        """See Ledger. Raises: Stopped, after close()."""

        def on_file(connection: sqlite3.Connection) -> Allowed | Wait:
            ledger = CallLedger(connection)
            answer = ledger.reserve(now, limits, expires)
            self._learn(ledger)
            # Memory ages with the file, also when the clock was set back.
            self._memory.limited_until(now)
            self._used = self._memory.used(now)
            return answer

        try:
            return self._disk.use(on_file)
        except Unavailable:
            return self._memory.reserve(now, limits, expires)

    def finish(self, call: int, now: float) -> None:
        """See Ledger."""
        with contextlib.suppress(Unavailable, Stopped):
            self._memory.finish(call, now)
            self._disk.use(lambda connection: CallLedger(connection).finish(call, now))

    def limit(self, now: float, until: float) -> None:
        """See Ledger."""
        with contextlib.suppress(Unavailable, Stopped):
            self._memory.limit(now, until)
            self._disk.use(lambda connection: CallLedger(connection).limit(now, until))

    def limited_until(self, now: float) -> float:
        """See Ledger. Raises: Stopped, after close()."""
        try:
            return self._disk.use(lambda connection: CallLedger(connection).limited_until(now))
        except Unavailable:
            return self._memory.limited_until(now)

    def used(self, now: float) -> int:
        """See Ledger. For any thread: a file that is busy is not waited for."""
        try:
            if self._disk.error is None:
                with self._disk.reading(timeout=0) as connection:
                    return count_used(connection, now)
        except Unavailable:
            pass
        with contextlib.suppress(Stopped):
            self._used = self._memory.used(now)
        return self._used

    def join(self, connection: sqlite3.Connection) -> None:
        """Bring a file just opened and the memory together, as far as the file allows.

        Raises: sqlite3.Error, when it cannot be written; what it holds is known by then.
        """
        ledger = CallLedger(connection)
        self._last = 0
        there = self._learn(ledger)
        schema.prove_writable(connection)
        if ledger.forget_nonsense():
            self._disk.log_corrupt_row("part of the record of calls")
        here = self._memory.entries()
        known = set(there.calls)
        missing = tuple(call for call in here.calls if call not in known)
        if missing or here.retry_after != there.retry_after:
            ledger.merge(Entries(missing, 0, here.retry_after))

    def close(self) -> None:
        """From now on there is no leave for any call."""
        self._memory.close()

    def _learn(self, ledger: CallLedger) -> Entries:
        """Copy what is new in the file, other processes' calls among it."""
        entries = ledger.entries(self._last)
        self._memory.merge(entries)
        self._last = entries.last
        return entries
