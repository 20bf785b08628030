"""The call ledger in SQLite: every method is one transaction, so that processes share limits."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import DAY, Allowed, CallLimits, Wait, check_limits
from gong_exporter.store.schema import transaction

SKEW = 15.0
"""Seconds by which a row may be in the future before the clock counts as set back.

A caller reads the clock and then waits for the file, perhaps for the whole busy timeout. Rows that
another process wrote during that wait look as if they came from the future. Moving them back would
free their slots too early. After a clock that was really set back by less than this, a call waits
longer by as much.
"""

LONGEST_WAIT = 31 * DAY
"""Seconds; the client ignores a Retry-After above 30 days."""

_TIME = "typeof({0}) = 'real' AND {0} BETWEEN 0 AND 1e11"

# What a valid row of each table looks like, whatever a corrupt file may hold.
_VALID_CALL = (
    f"typeof(call) = 'integer' AND {_TIME.format('started')} AND {_TIME.format('expires')}"
    f" AND (ended IS NULL OR {_TIME.format('ended')})"
)
_VALID_WAIT = (
    f"{_TIME.format('said_at')} AND {_TIME.format('until')} AND until - said_at <= {LONGEST_WAIT:f}"
)

# S608: these statements are made of constants only.
_SELECT_CALLS = (
    "SELECT seq, call, started, ended, expires FROM calls"  # noqa: S608
    f" WHERE seq > ? AND {_VALID_CALL} ORDER BY seq"
)
_SELECT_WAIT = f"SELECT said_at, until FROM retry_after WHERE {_VALID_WAIT}"  # noqa: S608
_DELETE_CORRUPT_CALLS = f"DELETE FROM calls WHERE NOT ({_VALID_CALL})"  # noqa: S608
_DELETE_CORRUPT_WAIT = f"DELETE FROM retry_after WHERE NOT ({_VALID_WAIT})"  # noqa: S608


class CallRow(NamedTuple):
    """A row of the ledger. Times are Unix seconds.

    Attributes:
        call: identifies the call, in every copy of the ledger.
        started: when the call was allowed.
        ended: when its exchange ended; None while it runs, or when its process was killed.
        expires: when it counts as ended if its end is never recorded.
    """

    call: int
    started: float
    ended: float | None
    expires: float


@dataclass(frozen=True, slots=True)
class Entries:
    """The content of a ledger, or what is new in it.

    Attributes:
        calls: in the order in which they were recorded.
        last: the sequence number of the last one, to ask later for those after it.
        retry_after: when Gong last asked for no calls, and until when; None for never.
    """

    calls: tuple[CallRow, ...]
    last: int
    retry_after: tuple[float, float] | None


class CallLedger:
    """A Ledger over a connection to our tables. For several threads and processes.

    Every method may raise sqlite3.Error, and has then changed nothing. After close() each raises
    Stopped.
    """

    def __init__(self, connection: sqlite3.Connection, *, skew: float = SKEW) -> None:
        self._connection = connection
        self._skew = skew
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close the connection, after a running transaction."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        """See Ledger."""
        with self._transaction():
            self._normalize(now)
            # Two subqueries use the index; one SELECT with both would scan all calls of the day.
            used, oldest = self._connection.execute(
                "SELECT (SELECT count(*) FROM calls), (SELECT min(started) FROM calls)"
            ).fetchone()
            recent = self._connection.execute(
                "SELECT coalesce(ended, expires) FROM calls WHERE coalesce(ended, expires) > ?",
                (now - limits.hold,),
            )
            wait = check_limits(
                now=now,
                limits=limits,
                ends=[end for (end,) in recent],
                used=used,
                oldest=oldest,
                limited_until=self._limited_until(now),
            )
            if wait:
                return wait
            call = secrets.randbits(62)
            self._connection.execute(
                "INSERT INTO calls (call, started, expires) VALUES (?, ?, ?)", (call, now, expires)
            )
            return Allowed(call)

    def finish(self, call: int, now: float) -> None:
        """See Ledger."""
        with self._transaction():
            self._connection.execute("UPDATE calls SET ended = ? WHERE call = ?", (now, call))

    def limit(self, now: float, until: float) -> None:
        """See Ledger."""
        with self._transaction():
            self._set_retry_after(now, max(until, self._limited_until(now)))

    def limited_until(self, now: float) -> float:
        """See Ledger."""
        with self._transaction():
            return self._limited_until(now)

    def used(self, now: float) -> int:
        """See Ledger."""
        with self._transaction():
            self._normalize(now)
            (used,) = self._connection.execute("SELECT count(*) FROM calls").fetchone()
            return int(used)

    def quota_wait(self, now: float, requests_per_day: int, calls: int) -> float:
        """See Ledger."""
        with self._transaction():
            self._normalize(now)
            newest_first = "SELECT started FROM calls ORDER BY started DESC LIMIT 1 OFFSET ?"
            run = self._connection.execute
            if run(newest_first, (requests_per_day - 1,)).fetchone() is None:
                return 0.0
            (started,) = run(newest_first, (max(0, requests_per_day - calls),)).fetchone()
            return float(started) + DAY

    def shift(self, seconds: float) -> None:
        """See Ledger."""
        by = {"by": seconds}
        with self._transaction():
            self._connection.execute(
                "UPDATE calls SET"
                " started = started + :by, ended = ended + :by, expires = expires + :by",
                by,
            )
            self._connection.execute(
                "UPDATE retry_after SET said_at = said_at + :by, until = until + :by", by
            )

    def entries(self, after: int = 0) -> Entries:
        """Return the calls with a sequence number above ``after``, and the Retry-After."""
        with self._locked():
            rows = self._connection.execute(_SELECT_CALLS, (after,)).fetchall()
            retry_after = self._retry_after()
        calls = tuple(CallRow(*row[1:]) for row in rows)
        return Entries(calls, rows[-1][0] if rows else after, retry_after)

    def delete_corrupt_rows(self) -> int:
        """Delete rows that cannot be a call or a Retry-After. Returns their number.

        SQLite accepts any value in any column, and its files have no checksums.
        """
        with self._transaction():
            calls = self._connection.execute(_DELETE_CORRUPT_CALLS)
            waits = self._connection.execute(_DELETE_CORRUPT_WAIT)
        return calls.rowcount + waits.rowcount

    def merge(self, entries: Entries) -> None:
        """Add another ledger's entries. Of calls that are here already only the end is taken."""
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO calls (call, started, ended, expires) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (call) DO UPDATE SET ended = coalesce(excluded.ended, ended)",
                entries.calls,
            )
            if entries.retry_after is not None:
                ours = self._retry_after()
                if ours is None or ours[1] < entries.retry_after[1]:
                    self._set_retry_after(*entries.retry_after)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._locked(), transaction(self._connection):
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise Stopped
            yield

    def _normalize(self, now: float) -> None:
        """Delete calls of more than a day ago, and move those from the future to now."""
        run = self._connection.execute
        run("DELETE FROM calls WHERE started <= ?", (now - DAY,))
        times = {"now": now, "future": now + self._skew}
        # The clock was set back. Calls from the future count as made now, so that they stay in
        # the quota for a day, and no longer.
        run(
            "UPDATE calls SET expires = :now + (expires - started), ended = min(ended, :now),"
            " started = :now WHERE started > :future",
            times,
        )
        # The clock jumped ahead during an exchange, and back after it.
        run(
            "UPDATE calls SET ended = :now"
            " WHERE coalesce(ended, expires) > :future AND ended > :future",
            times,
        )

    def _retry_after(self) -> tuple[float, float] | None:
        row: tuple[float, float] | None = self._connection.execute(_SELECT_WAIT).fetchone()
        return row

    def _set_retry_after(self, now: float, until: float) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO retry_after (only_row, said_at, until) VALUES (1, ?, ?)",
            (now, until),
        )

    def _limited_until(self, now: float) -> float:
        retry_after = self._retry_after()
        if retry_after is None:
            return 0.0
        set_at, until = retry_after
        if now < set_at - self._skew:  # the clock was set back: the wait keeps its length
            until -= set_at - now
            self._set_retry_after(now, until)
        return until if until > now else 0.0


def count_used(connection: sqlite3.Connection, now: float) -> int:
    """Return the calls started in the 24 hours before ``now``. Raises: sqlite3.Error."""
    (used,) = connection.execute(
        "SELECT count(*) FROM calls WHERE started > ?", (now - DAY,)
    ).fetchone()
    return int(used)
