"""Responses that do not arrive whole, or in time, or at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from gong_exporter.simulator.api.messages import ApiResponse

PIECE_BYTES = 65_536

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
        drip_interval: seconds between the bytes of a slow body or head.
        endless_bytes: size at which an endless body ends after all.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    drip_interval: float
    endless_bytes: int

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
            await asyncio.sleep(self.drip_interval)

    async def _endless(self, response: ApiResponse) -> None:
        """A body that looks like a listing, without an end."""
        head = _head(response, "Transfer-Encoding: chunked")
        await self._write(head + _chunk(b'{"usersAggregateActivityStats": [\n'))
        user = b'{"userId": "1", "userAggregateActivityStats": {"callsAsHost": 1}},\n'
        piece = user * (PIECE_BYTES // len(user))
        for _ in range(self.endless_bytes // len(piece)):
            await self._write(_chunk(piece))

    async def _drip(self, data: bytes) -> None:
        for index in range(len(data)):
            await self._write(data[index : index + 1])
            await asyncio.sleep(self.drip_interval)

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
