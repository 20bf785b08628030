"""TLS handshakes that tell the client why they fail, and cost little memory.

OpenSSL writes an alert ("certificate required", "protocol version"), and asyncio closes the
connection without having sent it (https://github.com/python/cpython/issues/98078): the other side
sees an end without a reason. asyncio also gives each connection a buffer of 256 KiB: clients that
only connect cost half a gigabyte.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from contextlib import suppress
from typing import cast

SPEAKS_HTTPS = "This port speaks HTTPS.\n"
"""The body of what a client gets that speaks HTTP to it."""

_PLAIN_HTTP = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    + SPEAKS_HTTPS.encode()
)


def is_plain_http(error: OSError) -> bool:
    """Whether a handshake failed because the client spoke HTTP without TLS."""
    return isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST"


class TellingObject(ssl.SSLObject):
    """One side of a TLS connection that calls ``failed`` when its handshake cannot go on."""

    failed: Callable[[ssl.SSLError], None] | None = None

    def do_handshake(self) -> None:
        """See SSLObject."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if self.failed is not None:
                self.failed(error)
            raise


class _Context:
    """What asyncio needs of a context, for one connection."""

    def __init__(self, context: ssl.SSLContext, client: socket.socket) -> None:
        self._context = context
        self._client = client

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002  # SSLContext's signature
        server_hostname: str | None = None,
    ) -> ssl.SSLObject:
        made = self._context.wrap_bio(incoming, outgoing, server_side, server_hostname)

        def tell(error: ssl.SSLError) -> None:
            said = _PLAIN_HTTP if is_plain_http(error) else outgoing.read()
            with suppress(OSError):
                self._client.send(said)

        if isinstance(made, TellingObject):
            made.failed = tell
        return made


class _Protocol(SSLProtocol):
    """asyncio's, with room for one TLS record and not for sixteen."""

    max_size = 16 * 1024


async def shake_hands(
    protocol: asyncio.Protocol, context: ssl.SSLContext, client: socket.socket, patience: float
) -> None:
    """Connect an accepted socket to ``protocol`` over TLS, as ``connect_accepted_socket`` does.

    Args:
        protocol: for what is inside.
        context: made by ``tls.build_context``, else failures are not told.
        client: not blocking.
        patience: seconds for the handshake, and for the goodbye.

    Raises:
        OSError: the handshake failed, or the client has gone.
    """
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    tls = _Protocol(
        loop,
        protocol,
        cast("ssl.SSLContext", _Context(context, client)),
        done,
        server_side=True,
        ssl_handshake_timeout=patience,  # type: ignore[arg-type]  # floats are meant
        ssl_shutdown_timeout=patience,
    )
    transport, _ = await loop.connect_accepted_socket(lambda: tls, client)
    try:
        await done
    except BaseException:
        transport.abort()
        raise
