"""One HTTP/1.1 connection of the simulated API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import h11

from gong_exporter.simulator.api.broken_delivery import BrokenDelivery
from gong_exporter.simulator.api.messages import (
    LATE,
    ApiRequest,
    ApiResponse,
    Refusal,
    error_response,
)

READ_BYTES = 65_536
MAX_BODY_BYTES = 8 << 20
IDLE_SECONDS = 65.0
NO_CONTENT = 204
CONTENT_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class ConnectionHandler:
    """Serves connections.

    Attributes:
        ask: returns the response to a request.
        monotonic: stamps requests as they arrive, in seconds.
        drip_interval: seconds between the bytes of a slow body or head.
        endless_bytes: size at which an endless body ends after all.
    """

    ask: Callable[[ApiRequest], Awaitable[ApiResponse]]
    monotonic: Callable[[], float]
    drip_interval: float
    endless_bytes: int

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to the requests of one connection, until either side closes it."""
        connection = h11.Connection(h11.SERVER)
        responses: list[ApiResponse] = []
        try:
            while await self._exchange(connection, reader, writer, responses):
                connection.start_next_cycle()
        except (OSError, TimeoutError):
            pass  # the client closed the connection
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
        await BrokenDelivery(reader, writer, self.drip_interval, self.endless_bytes).send(response)
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
                    await asyncio.wait_for(reader.read(READ_BYTES), IDLE_SECONDS)
                )
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    raise h11.RemoteProtocolError("body too large", CONTENT_TOO_LARGE)
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


async def _send_whole(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    response: ApiResponse,
    *,
    head_only: bool = False,
) -> bool:
    """Send a response as HTTP wants it. Returns whether another request may follow."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    if response.status != NO_CONTENT:
        headers.append((b"Content-Length", b"%d" % len(response.body)))
    data = connection.send(h11.Response(status_code=response.status, headers=headers)) or b""
    if response.body and not head_only:
        data += connection.send(h11.Data(data=response.body)) or b""
    data += connection.send(h11.EndOfMessage()) or b""
    writer.write(data)
    await writer.drain()
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE
