"""One HTTP/1.1 connection: uvicorn's protocol with deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gong_exporter.web.tls import client_may_connect
from gong_exporter.web.watch import Security

_REQUEST_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of the server.

    Attributes:
        request_seconds: the time for a TLS handshake, and for a whole request, counted from the
            begin of the connection, or from the first byte on one that is kept alive.
        header_bytes: the size of request line and headers together.
        keep_alive_seconds: how long a connection may be idle between two requests. Longer than any
            sensible scrape interval, so that a Prometheus server keeps its connection.
        stall_seconds: the time for taking one chunk of a response (384 KiB).
        grace_seconds: the time for responses in progress when the server stops.
        connections: how many may be open; None takes the default, which is lower with TLS.
    """

    request_seconds: float = 10.0
    header_bytes: int = 16 * 1024
    keep_alive_seconds: int = 180
    stall_seconds: float = 60.0
    grace_seconds: float = 1.0
    connections: int | None = None


class HttpConnection(H11Protocol):
    """uvicorn's protocol, which itself has no deadline for a silent or a stalled client.

    Args:
        config: uvicorn's.
        state: likewise, of one run.
        limits: what the client may ask.
        security: the settings of its TLS handshake, if there is one.
        current: those in force.

    Attributes:
        closed: set when the connection has ended.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        limits: Limits,
        security: Security,
        current: Callable[[], Security],
    ) -> None:
        super().__init__(config, state, {})
        self.closed = asyncio.Event()
        self._limits = limits
        self._security = security
        self._current = current
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """The connection is established, its TLS handshake included."""
        super().connection_made(transport)
        # With an empty buffer each chunk waits until the client has taken the one before.
        transport.set_write_buffer_limits(high=1, low=0)
        self._start_request_timer()
        certificate = transport.get_extra_info("peercert")
        if not self._security.same_tls(self._current()) or not client_may_connect(
            self._security.allowed_sans, certificate
        ):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # see below
        """The connection has ended."""
        self.closed.set()
        self._stop_request_timer()
        self._stop_stall_timer()
        # uvicorn cancels its keep-alive timer only after an end without an error. Otherwise the
        # timer would keep the connection's memory for minutes.
        super().connection_lost(None)

    def data_received(self, data: bytes) -> None:
        """Pass on what the client sent."""
        self._start_request_timer()
        super().data_received(data)
        if self.conn.their_state not in _REQUEST_INCOMPLETE:
            self._stop_request_timer()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, unless a response is in progress: two would get mixed up."""
        if self.conn.our_state is h11.IDLE:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client has not taken the chunk yet."""
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(self._limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken the chunk."""
        self._stop_stall_timer()
        super().resume_writing()

    def _start_request_timer(self) -> None:
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(
                self._limits.request_seconds, self.transport.abort
            )

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
