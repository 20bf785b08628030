"""One HTTP/1.1 connection of the simulated API, and responses that are sent in a broken way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class ConnectionHandler:
    """Serves connections.

    Attributes:
        ask: returns the response to a request.
        monotonic: stamps requests as they arrive, in seconds.
        options: how slow and how long broken responses are.
    """

    ask: Callable[[ApiRequest], Awaitable[ApiResponse]]
    monotonic: Callable[[], float]
    options: SimulatorOptions

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to the requests of one connection, until either side closes it.

        When the simulator stops, the task is cancelled and the connection is dropped.
        """
        connection = h11.Connection(h11.SERVER)
        responses: list[ApiResponse] = []
        try:
            while await self._exchange(connection, reader, writer, responses):
                connection.start_next_cycle()
        except (OSError, TimeoutError):
            pass  # the client closed the connection
        except asyncio.CancelledError:  # not raised again: asyncio would log it as an error
            writer.transport.abort()
        finally:
            writer.close()

    async def _exchange(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        responses: list[ApiResponse],
    ) -> bool:
        """Serve one request. Returns whether another one may follow.

        The response is added to ``responses``, those of this connection.
        """
        try:
            request = await self._receive(connection, reader, writer)
        except h11.RemoteProtocolError as error:
            refusal = Refusal(error.error_status_hint, ("Malformed HTTP",))
            return await _send_whole(connection, writer, error_response("", refusal))
        if request is None:
            return False
        response = await self.ask(request)
        responses.append(response)
        if response.delivery == LATE:
            response = replace(responses[-2:][0], delivery="")
        if not response.delivery:
            head_only = request.method == "HEAD"
            return await _send_whole(connection, writer, response, head_only=head_only)
        await BrokenDelivery(reader, writer, self.options).send(response)
        return False

    async def _receive(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> ApiRequest | None:
        """The next request, or ``None`` when the client has closed the connection.

        Raises:
            h11.RemoteProtocolError: it is not HTTP, or too big.
        """
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    writer.write(connection.send(go_on) or b"")
                connection.receive_data(
                    await asyncio.wait_for(reader.read(PIECE_BYTES), IDLE_SECONDS)
                )
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
                    arrived=self.monotonic(),
                    method=head.method.decode("ascii"),
                    target=head.target.decode("latin-1"),
                    headers=headers,
                    body=bytes(body),
                )
            else:
                return None


RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""

NOT_HTTP = b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"
"""A TLS alert, as from a port that speaks TLS."""


@dataclass(frozen=True, slots=True)
class BrokenDelivery:
    """Sends one response in a broken way. The connection cannot be used afterwards.

    Attributes:
        reader: from the client.
        writer: to the client.
        options: how slow and how long it is.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    options: SimulatorOptions

    async def send(self, response: ApiResponse) -> None:
        """Send ``response`` as its ``delivery`` says.

        Raises:
            OSError: the client closed the connection.
        """
        await self.ways[response.delivery](self, response)

    async def _reset(self, _: ApiResponse) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.writer.transport.abort()

    async def _close(self, _: ApiResponse) -> None:
        self.writer.close()

    async def _hang(self, _: ApiResponse) -> None:
        while await self.reader.read(PIECE_BYTES):
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
            await asyncio.sleep(self.options.drip_interval)

    async def _endless(self, response: ApiResponse) -> None:
        """A body that looks like a listing, without an end."""
        head = _head(response, "Transfer-Encoding: chunked")
        await self._write(head + _chunk(b'{"usersAggregateActivityStats": [\n'))
        user = b'{"userId": "1", "userAggregateActivityStats": {"callsAsHost": 1}},\n'
        piece = user * (PIECE_BYTES // len(user))
        for _ in range(self.options.endless_bytes // len(piece)):
            await self._write(_chunk(piece))

    async def _drip(self, data: bytes) -> None:
        for index in range(len(data)):
            await self._write(data[index : index + 1])
            await asyncio.sleep(self.options.drip_interval)

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    ways: ClassVar[Mapping[str, Callable[[BrokenDelivery, ApiResponse], Awaitable[None]]]] = {
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
    """The faults of the stage ``DELIVERY``, apart from ``late-response``."""


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


async def _send_whole(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    response: ApiResponse,
    *,
    head_only: bool = False,
) -> bool:
    """Send a response as HTTP wants it. Returns whether another request may follow."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    if response.status != HTTPStatus.NO_CONTENT:
        headers.append((b"Content-Length", b"%d" % len(response.body)))
    data = connection.send(h11.Response(status_code=response.status, headers=headers)) or b""
    if response.body and not head_only:
        data += connection.send(h11.Data(data=response.body)) or b""
    data += connection.send(h11.EndOfMessage()) or b""
    writer.write(data)
    await writer.drain()
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE
