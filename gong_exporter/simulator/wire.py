"""One connection of the simulated API: HTTP/1.1 in, answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from gong_exporter.simulator.answers import Answer, Delivery, Refusal, error_answer
from gong_exporter.simulator.api import Request
from gong_exporter.simulator.misdelivery import Misdelivery

READ_BYTES = 65_536
MOST_BODY_BYTES = 8 << 20
IDLE_SECONDS = 65.0
NO_CONTENT = 204
CONTENT_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Wire:
    """Serves connections.

    Attributes:
        ask: gives the answer to a request.
        monotonic: stamps requests as they arrive, in seconds.
        drip_interval: seconds between the bytes of a slow drip.
        endless_bytes: where an endless body ends after all.
    """

    ask: Callable[[Request], Awaitable[Answer]]
    monotonic: Callable[[], float]
    drip_interval: float
    endless_bytes: int

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on one connection, until either side has had enough."""
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._exchange(connection, reader, writer):
                connection.start_next_cycle()
        except (OSError, TimeoutError):
            pass  # the client went away, which is its good right
        finally:
            writer.close()

    async def _exchange(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """One request and its answer; whether another request may follow."""
        try:
            request = await self._receive(connection, reader, writer)
        except h11.RemoteProtocolError as error:
            refusal = Refusal(error.error_status_hint, ("Malformed HTTP",))
            return await _send_whole(connection, writer, error_answer("", refusal))
        if request is None:
            return False
        answer = await self.ask(request)
        if answer.delivery is Delivery.WHOLE:
            head_only = request.method == "HEAD"
            return await _send_whole(connection, writer, answer, head_only=head_only)
        await Misdelivery(reader, writer, self.drip_interval, self.endless_bytes).send(answer)
        return False

    async def _receive(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Request | None:
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
                if len(body) > MOST_BODY_BYTES:
                    raise h11.RemoteProtocolError("body too large", CONTENT_TOO_LARGE)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in head.headers
                )
                return Request(
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
    answer: Answer,
    *,
    head_only: bool = False,
) -> bool:
    """Send an answer as it should be; whether another request may follow."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status != NO_CONTENT:
        headers.append((b"Content-Length", b"%d" % len(answer.body)))
    wire = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
    if answer.body and not head_only:
        wire += connection.send(h11.Data(data=answer.body)) or b""
    wire += connection.send(h11.EndOfMessage()) or b""
    writer.write(wire)
    await writer.drain()
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE
