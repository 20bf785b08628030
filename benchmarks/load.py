"""One load on a server: ``load.py NAME PORT``. Prints ``ready`` once it is on, ends after a minute.

Everything goes to 127.0.0.1, from 127.0.0.2, as another client's address.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

SECONDS = 60
"""However long the benchmark takes, this is the end."""

SETTLING = 6.0
"""Seconds for what happens once, such as filling the buffers of clients that do not read."""

HEAD = b"Host: x\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01"
"""The beginning of a TLS handshake."""

GUESS = base64.b64encode(b"prometheus:wrong")
LIMIT = 2**12
"""Bytes of a response that are read ahead, so that clients that do not read take nothing."""

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, and then none."""
    writer.write(b"GET /-/healthy HTTP/1.1\r\n" + HEAD + b"\r\n")
    await reader.read(1000)
    await reader.read(1000)


async def headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header that comes a byte at a time and does not end."""
    for byte in b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 4000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def readers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A request for everything without compression, and nothing is read."""
    writer.write(b"GET /metrics HTTP/1.1\r\n" + HEAD + b"\r\n")
    await asyncio.sleep(SECONDS)


async def passwords(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One wrong password after another."""
    request = b"GET /metrics HTTP/1.1\r\n" + HEAD + b"Authorization: Basic " + GUESS + b"\r\n\r\n"
    while True:
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.01)


async def handshakes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The beginning of a TLS handshake."""
    writer.write(HELLO)
    await reader.read(1000)


async def pages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A status page."""
    writer.write(b"GET / HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
    await reader.read(-1)


LOADS: dict[str, tuple[Client, int]] = {
    "idle": (idle, 500),
    "headers": (headers, 300),
    "readers": (readers, 120),
    "passwords": (passwords, 40),
    "handshakes": (handshakes, 300),
    "pages": (pages, 20),
}


async def main() -> None:
    """Put the load on."""
    client, count = LOADS[sys.argv[1]]
    port, end = int(sys.argv[2]), time.monotonic() + SECONDS
    connected = asyncio.Semaphore(0)

    async def one() -> None:
        while time.monotonic() < end:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, local_addr=("127.0.0.2", 0), limit=LIMIT
                )
                connected.release()
                with suppress(OSError, asyncio.IncompleteReadError):
                    await client(reader, writer)
                writer.close()
            await asyncio.sleep(0.01)

    clients = [asyncio.create_task(one()) for _ in range(count)]
    for _ in range(count):
        await connected.acquire()
    await asyncio.sleep(SETTLING)
    print("ready", flush=True)
    await asyncio.wait(clients, timeout=SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
