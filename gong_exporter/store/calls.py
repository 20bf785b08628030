"""The call ledger in SQLite: every method one transaction, so that processes share the limits."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import DAY, Allowed, CallLimits, CallRecord, Wait, check_limits
from gong_exporter.store.schema import transaction

SKEW = 15.0
"""Seconds by which a row may lie in the future before the clock counts as set back.

Who calls reads the clock, and then waits for its turn at the file, perhaps for all of the busy
timeout: another process's newer rows look as if they came from the future. To move those back
would free their slots too early. Leaving them costs a clock set back by less than this a wait
that is longer by as much.
"""


LONGEST_WAIT = 31 * DAY
"""Seconds; gong's client takes no longer Retry-After than 30 days."""

_MOMENT = "typeof({0}) = 'real' AND {0} BETWEEN 0 AND 1e11"

_A_CALL = (
    f"typeof(call) = 'integer' AND {_MOMENT.format('started')} AND {_MOMENT.format('expires')}"
    f" AND (ended IS NULL OR {_MOMENT.format('ended')})"
)
_A_WAIT = (
    f"{_MOMENT.format('said_at')} AND {_MOMENT.format('until')}"
    f" AND until - said_at <= {LONGEST_WAIT:f}"
)
"""What a row of each table looks like, whatever a spoilt file may hold."""

_ENTRIES = (
    "SELECT seq, call, started, ended, expires FROM calls"  # noqa: S608 - all of it stands here
    f" WHERE seq > ? AND {_A_CALL} ORDER BY seq"
)
_WAIT = f"SELECT said_at, until FROM retry_after WHERE {_A_WAIT}"  # noqa: S608 - likewise
_FORGET_CALLS = f"DELETE FROM calls WHERE NOT ({_A_CALL})"  # noqa: S608 - likewise
_FORGET_WAIT = f"DELETE FROM retry_after WHERE NOT ({_A_WAIT})"  # noqa: S608 - likewise


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the ledger. Times are Unix seconds.

    Attributes:
        call: names it, in every copy of the ledger.
        started: when it was granted.
        ended: when its exchange ended; None while it runs, or when its process was killed.
        expires: when it counts as ended if it never says so.
    """

    call: int
    started: float
    ended: float | None
    expires: float


@dataclass(frozen=True, slots=True)
class Entries:
    """What a ledger holds, or what is new in it.

    Attributes:
        calls: in the order in which they were entered.
        last: the number of the last entry, to ask later what came after it.
        retry_after: when Gong last asked for silence, and until when; None for never.
    """

    calls: tuple[Call, ...]
    last: int
    retry_after: tuple[float, float] | None


class CallLedger:
    """gong's Ledger over a connection to our tables. For several threads and processes.

    Every method may raise sqlite3.Error, and has then changed nothing. After close() each
    raises gong's Stopped.
    """

    def __init__(self, connection: sqlite3.Connection, *, skew: float = SKEW) -> None:
        self._connection = connection
        self._skew = skew
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close the connection, after a transaction that runs."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        """See Ledger."""
        with self._transaction():
            self._settle(now)
            # Each by itself is a look; in one SELECT they are a scan of all the day's calls.
            used, oldest = self._connection.execute(
                "SELECT (SELECT count(*) FROM calls), (SELECT min(started) FROM calls)"
            ).fetchone()
            busy = check_limits(
                now=now,
                limits=limits,
                recent=self._holding(now - limits.hold),
                used=used,
                oldest=oldest,
                limited_until=self._limited_until(now),
            )
            if busy:
                return busy
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
            self._say(now, max(until, self._limited_until(now)))

    def limited_until(self, now: float) -> float:
        """See Ledger."""
        with self._transaction():
            return self._limited_until(now)

    def used(self, now: float) -> int:
        """See Ledger."""
        with self._transaction():
            self._settle(now)
            (used,) = self._connection.execute("SELECT count(*) FROM calls").fetchone()
            return int(used)

    def entries(self, after: int = 0) -> Entries:
        """The calls entered after entry number ``after``, and the Retry-After."""
        with self._alone():
            rows = self._connection.execute(
                _ENTRIES,
                (after,),
            ).fetchall()
            said = self._said()
        calls = tuple(Call(*row[1:]) for row in rows)
        return Entries(calls, rows[-1][0] if rows else after, said)

    def forget_nonsense(self) -> int:
        """Delete what cannot be a call or a Retry-After; how many rows that were.

        SQLite takes anything in any column, and its files have no checksums.
        """
        with self._transaction():
            calls = self._connection.execute(_FORGET_CALLS)
            said = self._connection.execute(_FORGET_WAIT)
        return calls.rowcount + said.rowcount

    def merge(self, entries: Entries) -> None:
        """Add another ledger's entries; those that are here already only learn how they ended."""
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO calls (call, started, ended, expires) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (call) DO UPDATE SET ended = coalesce(excluded.ended, ended)",
                _parameters(entries.calls),
            )
            if entries.retry_after is not None:
                said = self._said()
                if said is None or said[1] < entries.retry_after[1]:
                    self._say(*entries.retry_after)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._alone(), transaction(self._connection):
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise Stopped
            yield

    def _settle(self, now: float) -> None:
        """Forget calls of more than a day ago; move those from the future to now."""
        run = self._connection.execute
        run("DELETE FROM calls WHERE started <= ?", (now - DAY,))
        future = now + self._skew
        # The clock was set back. Calls from the future count as made now: they stay in the
        # quota for a day, and no longer.
        run(
            "UPDATE calls SET expires = :now + (expires - started), ended = min(ended, :now),"
            " started = :now WHERE started > :future",
            {"now": now, "future": future},
        )
        # Its clock jumped ahead during an exchange, and back after it.
        run(
            "UPDATE calls SET ended = :now"
            " WHERE coalesce(ended, expires) > :future AND ended > :future",
            {"now": now, "future": future},
        )

    def _holding(self, since: float) -> list[CallRecord]:
        return [
            CallRecord(*row)
            for row in self._connection.execute(
                "SELECT started, ended, expires FROM calls WHERE coalesce(ended, expires) > ?",
                (since,),
            )
        ]

    def _said(self) -> tuple[float, float] | None:
        row: tuple[float, float] | None = self._connection.execute(_WAIT).fetchone()
        return row

    def _say(self, now: float, until: float) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO retry_after (only_row, said_at, until) VALUES (1, ?, ?)",
            (now, until),
        )

    def _limited_until(self, now: float) -> float:
        said = self._said()
        if said is None:
            return 0.0
        said_at, until = said
        if now < said_at - self._skew:  # the clock was set back: the wait is as long as it was
            until -= said_at - now
            self._say(now, until)
        return until if until > now else 0.0


def count_used(connection: sqlite3.Connection, now: float) -> int:
    """Calls started in the 24 hours before ``now``, changing nothing. Raises: sqlite3.Error."""
    (used,) = connection.execute(
        "SELECT count(*) FROM calls WHERE started > ?", (now - DAY,)
    ).fetchone()
    return int(used)


def _parameters(calls: Iterable[Call]) -> Iterator[tuple[int, float, float | None, float]]:
    return ((call.call, call.started, call.ended, call.expires) for call in calls)
