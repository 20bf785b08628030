"""One HTTP/1.1 connection of the simulated API, and responses that are sent in a broken way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import ClassVar

import h11

from gong_exporter.simulator.api.messages import (
    LATE,
    ApiRequest,
    ApiResponse,
    Refusal,
    error_response,
)
from gong_exporter.simulator.api.simulator_options import SimulatorOptions

PIECE_BYTES = 65_536
MAX_BODY_BYTES = 8 << 20
IDLE_SECONDS = 65.0


RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""

NOT_HTTP = b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"
"""A TLS alert, as from a port that speaks TLS."""


class ApiConnection:
    """One connection.

    Args:
        reader: from the client.
        writer: to the client.
        respond: returns the response to a request.
        monotonic: stamps requests as they arrive, in seconds.
        options: how slow and how long broken responses are.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        respond: Callable[[ApiRequest], ApiResponse],
        monotonic: Callable[[], float],
        options: SimulatorOptions,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._respond = respond
        self._monotonic = monotonic
        self._options = options
        self._http = h11.Connection(h11.SERVER)
        self._previous: ApiResponse | None = None

    async def serve(self) -> None:
        """Respond to requests, until either side closes the connection.

        When the simulator stops, the task is cancelled and the connection is dropped.
        """
        try:
            while await self._exchange():
                self._http.start_next_cycle()
        except (OSError, TimeoutError):
            pass  # the client closed the connection
        except asyncio.CancelledError:  # not raised again: asyncio would log it as an error
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _exchange(self) -> bool:
        """Serve one request. Returns whether another one may follow."""
        try:
            request = await self._receive()
        except h11.RemoteProtocolError as error:
            refusal = Refusal(error.error_status_hint, ("Malformed HTTP",))
            return await self._send(error_response("", refusal))
        if request is None:
            return False
        response = self._respond(request)
        late, self._previous = self._previous or response, response
        if response.delivery == LATE:
            response = replace(late, delivery="")
        if response.delivery:
            await self.broken_deliveries[response.delivery](self, response)
            return False
        return await self._send(response, head_only=request.method == "HEAD")

    async def _receive(self) -> ApiRequest | None:
        """The next request, or ``None`` when the client has closed the connection.

        Raises:
            h11.RemoteProtocolError: it is not HTTP, or too big.
        """
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._writer.write(self._http.send(go_on) or b"")
                data = await asyncio.wait_for(self._reader.read(PIECE_BYTES), IDLE_SECONDS)
                self._http.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    raise h11.RemoteProtocolError(
                        "body too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                    )
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in head.headers
                )
                return ApiRequest(
                    arrived=self._monotonic(),
                    method=head.method.decode("ascii"),
                    target=head.target.decode("latin-1"),
                    headers=headers,
                    body=bytes(body),
                )
            else:
                return None

    async def _send(self, response: ApiResponse, *, head_only: bool = False) -> bool:
        """Send a response as HTTP wants it. Returns whether another request may follow."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        if response.status != HTTPStatus.NO_CONTENT:
            headers.append((b"Content-Length", b"%d" % len(response.body)))
        http = self._http
        data = http.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if response.body and not head_only:
            data += http.send(h11.Data(data=response.body)) or b""
        data += http.send(h11.EndOfMessage()) or b""
        await self._write(data)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _drip(self, data: bytes) -> None:
        for index in range(len(data)):
            await self._write(data[index : index + 1])
            await asyncio.sleep(self._options.drip_interval)

    async def _reset(self, _: ApiResponse) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()

    async def _close(self, _: ApiResponse) -> None:
        self._writer.close()

    async def _hang(self, _: ApiResponse) -> None:
        while await self._reader.read(PIECE_BYTES):
            pass  # until the client hangs up

    async def _not_http(self, _: ApiResponse) -> None:
        await self._write(NOT_HTTP)

    async def _truncated(self, response: ApiResponse) -> None:
        await self._write(_head(response) + response.body[: len(response.body) // 2])

    async def _drip_body(self, response: ApiResponse) -> None:
        await self._write(_head(response))
        await self._drip(response.body)

    async def _drip_head(self, response: ApiResponse) -> None:
        await self._drip(_head(response))
        await self._write(response.body)

    async def _continue_forever(self, _: ApiResponse) -> None:
        while True:
            await self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(self._options.drip_interval)

    async def _endless(self, response: ApiResponse) -> None:
        """A body that looks like a listing, without an end."""
        head = _head(response, "Transfer-Encoding: chunked")
        await self._write(head + _chunk(b'{"usersAggregateActivityStats": [\n'))
        user = b'{"userId": "1", "userAggregateActivityStats": {"callsAsHost": 1}},\n'
        piece = user * (PIECE_BYTES // len(user))
        for _ in range(self._options.endless_bytes // len(piece)):
            await self._write(_chunk(piece))

    broken_deliveries: ClassVar[
        Mapping[str, Callable[[ApiConnection, ApiResponse], Awaitable[None]]]
    ] = {
        "reset": _reset,
        "close": _close,
        "hang": _hang,
        "not-http": _not_http,
        "truncated": _truncated,
        "slow-drip": _drip_body,
        "slow-drip-headers": _drip_head,
        "continue-forever": _continue_forever,
        "huge": _endless,
    }
    """The faults of the stage ``DELIVERY``, apart from ``late-response``.

    The connection is closed after each of them.
    """


def _head(response: ApiResponse, framing: str | None = None) -> bytes:
    """The head of a response, built by hand because the HTTP library only sends valid ones.

    Args:
        response: whose status and headers it has.
        framing: the header that frames the body; None for its length.
    """
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        *(f"{name}: {value}" for name, value in response.headers),
        framing or f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
