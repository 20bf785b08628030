"""One connection: uvicorn's HTTP/1.1 protocol with deadlines, and a seat in the table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gong_exporter.web.guards import Doing, Limits, Seat, Seats
from gong_exporter.web.schemes import TLS_HELLO
from gong_exporter.web.tls import client_may_connect

_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)
_PIECE_BYTES = 4096
_BODY_BYTES = 4096


class GuardedProtocol(H11Protocol):
    """Answers the requests of one client for as long as it keeps to the limits."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        *,
        seats: Seats,
        seat: Seat,
        limits: Limits,
        allowed_sans: frozenset[str],
        on_tls: Callable[[], None],
    ) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._allowed_sans = allowed_sans
        self._on_tls = on_tls
        self._barred = False
        self._held = bytearray()
        self._body_bytes = 0
        self._seats = seats
        self._seat = seat
        self._limits = limits
        self._accepted_at = self.loop.time()
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def cut_off(self) -> None:
        """End the connection at once, without waiting for the client to take what is buffered."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there, and its TLS handshake is done."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        # Room in the transport's buffer would hide what a client has not taken.
        self.transport.set_write_buffer_limits(high=1, low=0)
        self._start_request_timer(self._accepted_at)
        if not client_may_connect(self._allowed_sans, self.transport.get_extra_info("peercert")):
            self._barred = True
            self.cut_off()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended: its seat is free."""
        self._stop_request_timer()
        self._stop_stall_timer()
        self._unset_keepalive_if_required()
        self._seats.free(self._seat)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came; the first of a request start its clock."""
        if self._barred:
            return
        self._start_request_timer(self.loop.time())
        if data.startswith(TLS_HELLO) and self.conn.their_state is h11.IDLE and not self._held:
            self._barred = True
            self._on_tls()
            # In HTTP all the same: clients that know it when they see it say so to their user.
            self.send_400_response("This port speaks plain HTTP, not HTTPS.\n")
            return
        self._held += data
        self._feed()

    def on_response_complete(self) -> None:
        """An answer has been handed to the transport whole."""
        super().on_response_complete()
        if self._held or self.conn.trailing_data[0] or self.conn.their_state is h11.SEND_BODY:
            # The next request began to come during this answer: its clock starts now.
            self._start_request_timer(self.loop.time())
        self._feed()

    def _feed(self) -> None:
        """Give h11 what has come, piece by piece, up to the end of a request.

        h11 bounds only a header that is not whole yet: one that comes in a single read of 256 KiB
        would pass. What follows the request that is being answered waits here: h11 would take it
        in one go afterwards.
        """
        while self._held and not self._barred and not self.transport.is_closing():
            if self._answering() and self.conn.their_state is not h11.SEND_BODY:
                self.flow.pause_reading()
                break
            piece = bytes(self._held[:_PIECE_BYTES])
            del self._held[:_PIECE_BYTES]
            in_a_body = self.conn.their_state is h11.SEND_BODY
            super().data_received(piece)
            if in_a_body and self.conn.their_state is h11.SEND_BODY:
                self._bound_body(len(piece))
            else:
                self._body_bytes = 0
        self._look()

    def _bound_body(self, count: int) -> None:
        """Hear no more of a client that sends a long body: nobody reads it, and h11 takes time.

        Chunks of one byte took it a second for 256 KiB, in which nobody else was heard.
        """
        self._body_bytes += count
        if self._body_bytes > _BODY_BYTES:
            self._barred = True
            self._held.clear()
            self.send_400_response("No body is wanted here.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, as far as the state of the connection allows it."""
        if self._answering():
            # Two answers would get into each other's way: the one under way is the last.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        elif self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Serve no further request here; an answer under way is finished."""
        if self._answering():
            self.cycle.keep_alive = False
        elif self.transport is not None:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not keep up: its answer waits."""
        super().pause_writing()
        self._look()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(self._limits.stall_seconds, self.cut_off)

    def resume_writing(self) -> None:
        """The client has taken most of what was buffered."""
        self._stop_stall_timer()
        super().resume_writing()
        self._look()

    def _look(self) -> None:
        """Find out what the connection is at, after something has happened on it."""
        if self.conn.their_state not in _INCOMPLETE:
            self._stop_request_timer()
        if self.flow.write_paused:
            doing = Doing.STALLED
        else:
            doing = Doing.ANSWERING if self._answering() else Doing.WAITING
        self._seats.mark(self._seat, doing)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_request_timer(self, begun: float) -> None:
        if self._request_timer is None:
            self._request_timer = self.loop.call_at(
                begun + self._limits.request_seconds, self.cut_off
            )

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
