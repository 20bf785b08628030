"""The limits of the server, and the table of connections that keeps to them."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable
from dataclasses import dataclass

_FEW = 128
_RESERVED = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of the server.

    Attributes:
        request_seconds: a whole request, TLS handshake included, has to arrive within this time
            of the connection, or of its first byte on a connection that is kept alive.
        header_bytes: the longest request line and header together.
        keep_alive_seconds: how long a connection may rest between two requests. Longer than any
            sensible scrape interval, so that a Prometheus server keeps its connection.
        stall_seconds: a client has this long to take a slice of its answer (256 KiB), else it is
            cut off.
        newcomer_seconds: when there are too many connections, one has this long to ask for
            something before it goes, if there is one that has taken nothing for as long.
        grace_seconds: answers under way when the server stops have this long to finish.
        connections: how many may be open; None derives it from the descriptor limit.
    """

    request_seconds: float = 10.0
    header_bytes: int = 16 * 1024
    keep_alive_seconds: int = 180
    stall_seconds: float = 60.0
    newcomer_seconds: float = 1.0
    grace_seconds: float = 1.0
    connections: int | None = None


def connection_cap(descriptors: int) -> int:
    """How many connections fit a soft limit of ``descriptors``, the rest of the program beside."""
    if descriptors < _FEW:
        return max(1, descriptors // 2)
    return min(2048, descriptors - _RESERVED)


class Doing(enum.Enum):
    """What a connection is at, in the order in which they have to go when there are too many."""

    WAITING = "no whole request is here: a handshake, half a header, or between two requests"
    STALLED = "its client does not take the answer"
    ANSWERING = "an answer is being made or taken"


class Seat:
    """One accepted connection in the table.

    Attributes:
        doing: what it is at.
        since: when it began with that, on a clock that only grows.
        leave: ends the connection at once.
    """

    __slots__ = ("doing", "leave", "since")

    def __init__(self, leave: Callable[[], None]) -> None:
        self.doing = Doing.WAITING
        self.since = 0.0
        self.leave = leave


class Seats:
    """Every open connection, the longest in its state first. Used on the event loop only.

    Args:
        cap: how many there may be.
        newcomer_seconds: see Limits.
        monotonic: seconds that only ever grow.

    Attributes:
        vacant: set while there is no connection.
    """

    def __init__(
        self,
        cap: int,
        newcomer_seconds: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vacant = asyncio.Event()
        self.vacant.set()
        self._cap = cap
        self._newcomer_seconds = newcomer_seconds
        self._monotonic = monotonic
        self._rows: dict[Doing, dict[Seat, None]] = {doing: {} for doing in Doing}

    def __len__(self) -> int:
        return sum(len(row) for row in self._rows.values())

    def take(self, seat: Seat) -> None:
        """Let a new connection in; when the table is full, the one that waits longest leaves."""
        if len(self) >= self._cap:
            self.clear_one()
        seat.since = self._monotonic()
        self._rows[seat.doing][seat] = None
        self.vacant.clear()

    def mark(self, seat: Seat, doing: Doing) -> None:
        """Note what a connection is at now. One that has left is not noted any more."""
        if seat.doing is not doing and seat in self._rows[seat.doing]:
            del self._rows[seat.doing][seat]
            self._rows[doing][seat] = None
            seat.since = self._monotonic()
        seat.doing = doing

    def free(self, seat: Seat) -> None:
        """A connection has ended, for whatever reason."""
        self._rows[seat.doing].pop(seat, None)
        if not len(self):
            self.vacant.set()

    def clear_one(self) -> bool:
        """End the connection that is the least loss; False when there is none.

        It is the one that has waited longest, unless it has only just come and another has long
        taken nothing: else clients that do not read could leave newcomers no time to ask.
        """
        firsts = [next(iter(row)) for row in self._rows.values() if row]
        if not firsts:
            return False
        begun = self._monotonic() - self._newcomer_seconds
        seat = next(
            (seat for seat in firsts if seat.doing is not Doing.ANSWERING and seat.since <= begun),
            firsts[0],
        )
        self.free(seat)
        seat.leave()
        return True

    def waiting(self) -> list[Seat]:
        """The connections without a request under way."""
        return list(self._rows[Doing.WAITING])

    def all(self) -> list[Seat]:
        """Every connection."""
        return [seat for row in self._rows.values() for seat in row]
