"""Answers that do not arrive whole, or in time, or at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from gong_exporter.simulator.answers import Answer, Delivery

PIECE_BYTES = 65_536

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""

NOT_HTTP = b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"
"""A TLS alert, as from a port that speaks TLS."""


class Misdelivery:
    """One answer gone wrong; the connection is of no use afterwards.

    Args:
        reader: what the client sends.
        writer: what it gets.
        drip_interval: seconds between the bytes of a slow drip.
        endless_bytes: where an endless body ends after all.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        drip_interval: float,
        endless_bytes: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._drip_interval = drip_interval
        self._endless_bytes = endless_bytes
        self._ways: Mapping[Delivery, Callable[[Answer], Awaitable[None]]] = {
            Delivery.RESET: self._reset,
            Delivery.CLOSE: self._close,
            Delivery.HANG: self._hang,
            Delivery.NOT_HTTP: self._not_http,
            Delivery.TRUNCATED: self._truncated,
            Delivery.DRIP_BODY: self._drip_body,
            Delivery.DRIP_HEAD: self._drip_head,
            Delivery.CONTINUE_FOREVER: self._continue_forever,
            Delivery.ENDLESS: self._endless,
        }

    async def send(self, answer: Answer) -> None:
        """Send ``answer`` in the way its ``delivery`` says.

        Raises:
            OSError: the client went away.
        """
        await self._ways[answer.delivery](answer)

    async def _reset(self, _: Answer) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()

    async def _close(self, _: Answer) -> None:
        self._writer.close()

    async def _hang(self, _: Answer) -> None:
        while await self._reader.read(PIECE_BYTES):
            pass  # until the client hangs up

    async def _not_http(self, _: Answer) -> None:
        await self._write(NOT_HTTP)

    async def _truncated(self, answer: Answer) -> None:
        await self._write(_head(answer) + answer.body[: len(answer.body) // 2])

    async def _drip_body(self, answer: Answer) -> None:
        await self._write(_head(answer))
        await self._drip(answer.body)

    async def _drip_head(self, answer: Answer) -> None:
        await self._drip(_head(answer))
        await self._write(answer.body)

    async def _continue_forever(self, _: Answer) -> None:
        while True:
            await self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(self._drip_interval)

    async def _endless(self, answer: Answer) -> None:
        """A body that looks like a listing for as long as anybody reads it."""
        head = _head(answer, "Transfer-Encoding: chunked")
        await self._write(head + _chunk(b'{"usersAggregateActivityStats": [\n'))
        user = b'{"userId": "1", "userAggregateActivityStats": {"callsAsHost": 1}},\n'
        piece = user * (PIECE_BYTES // len(user))
        for _place in range(self._endless_bytes // len(piece)):
            await self._write(_chunk(piece))

    async def _drip(self, data: bytes) -> None:
        for place in range(len(data)):
            await self._write(data[place : place + 1])
            await asyncio.sleep(self._drip_interval)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


def _head(answer: Answer, framing: str | None = None) -> bytes:
    """The head of an answer that is sent past the HTTP library, which refuses to do wrong.

    Args:
        answer: whose status and headers it has.
        framing: the header that says where the body ends; None for its length.
    """
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in answer.headers),
        framing or f"Content-Length: {len(answer.body)}",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
