"""One HTTP/1.1 connection: uvicorn's protocol with deadlines and a bounded request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gong_exporter.web.connections import accepted
from gong_exporter.web.tls import client_may_connect

_REQUEST_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of the server.

    Attributes:
        request_seconds: the time for a whole request, counted from the accept, so that the TLS
            handshake is included, or from the first byte on a connection that is kept alive.
        header_bytes: the size of request line and headers together.
        request_bytes: how much a client may send before its response is complete: a request with
            its body, and requests that it sends ahead.
        keep_alive_seconds: how long a connection may be idle between two requests. Longer than any
            sensible scrape interval, so that a Prometheus server keeps its connection.
        stall_seconds: the time for taking one chunk of a response (384 KiB).
        grace_seconds: the time for responses in progress when the server stops.
        connections: how many may be open; None takes the default, which is lower with TLS.
    """

    request_seconds: float = 10.0
    header_bytes: int = 16 * 1024
    request_bytes: int = 20 * 1024
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
        allowed_sans: names of which its certificate needs one; empty allows any.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        limits: Limits,
        allowed_sans: frozenset[str],
    ) -> None:
        super().__init__(config, state, {})
        self._limits = limits
        self._allowed_sans = allowed_sans
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._unanswered_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """The connection is established, its TLS handshake included."""
        super().connection_made(transport)
        # With an empty buffer each chunk waits until the client has taken the one before.
        transport.set_write_buffer_limits(high=1, low=0)
        self._connection = accepted.get()
        self._start_request_timer(self._connection.accepted_at)
        certificate = transport.get_extra_info("peercert")
        ended = self._connection.ended
        if ended or not client_may_connect(self._allowed_sans, certificate):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # see below
        """The connection has ended."""
        self._connection.closed.set()
        self._stop_request_timer()
        self._stop_stall_timer()
        # uvicorn cancels its keep-alive timer only after an end without an error. Otherwise the
        # timer would keep the connection's memory for minutes.
        super().connection_lost(None)

    def data_received(self, data: bytes) -> None:
        """Pass on what the client sent, up to the limit of one request."""
        if self.transport.is_closing():
            return
        self._start_request_timer(self.loop.time())
        room = self._limits.request_bytes - self._unanswered_bytes
        self._unanswered_bytes += len(data)
        # h11 bounds an incomplete header only, and takes a second for a body of 40,000 chunks.
        super().data_received(data[:room])
        if len(data) > room:
            self.transport.close()
        self._stop_timer_of_whole_request()

    def on_response_complete(self) -> None:
        """Uvicorn has handed a whole response to the transport."""
        self._unanswered_bytes = 0
        super().on_response_complete()
        if self.conn.trailing_data[0] or self.conn.their_state is h11.SEND_BODY:
            # The next request, or the rest of this one, began to arrive during the response.
            self._start_request_timer(self.loop.time())
        self._stop_timer_of_whole_request()

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

    def _stop_timer_of_whole_request(self) -> None:
        if self.conn.their_state not in _REQUEST_INCOMPLETE:
            self._stop_request_timer()

    def _start_request_timer(self, begun: float) -> None:
        if self._request_timer is None:
            deadline = begun + self._limits.request_seconds
            self._request_timer = self.loop.call_at(deadline, self.transport.abort)

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


_BOTH_LENGTHS = {b"transfer-encoding", b"content-length"}
_SCHEMES = ("http://", "https://")


def reject_ambiguous_requests(app: ASGIApp) -> ASGIApp:
    """Wrap ``app`` so that it gets no request that could be read in two ways.

    A request with both kinds of length may be smuggled past a proxy: it is refused, and the
    connection closed (section 6.3). A target with a host in it, as clients send it to a proxy,
    means the path behind the host (section 3.2.2).
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if {name for name, _ in scope["headers"]} >= _BOTH_LENGTHS:
            refusal = PlainTextResponse("A request has one length.\n", 400, {"connection": "close"})
            await refusal(scope, receive, send)
            return
        if scope["path"].lower().startswith(_SCHEMES):
            path = _behind_the_host(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)

    return call


def _behind_the_host(target: str) -> str:
    _, _, path = target.partition("://")[2].partition("/")
    return f"/{path}"
