"""TLS handshakes whose failure is told to the client, which asyncio leaves out.

OpenSSL writes an alert ("certificate required", "protocol version"), and asyncio closes the
connection without having sent it (https://github.com/python/cpython/issues/98078): the other side
sees an end without a reason.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import cast

_PLAIN_HTTP = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This port speaks HTTPS.\n"
)


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
            said = _PLAIN_HTTP if error.reason == "HTTP_REQUEST" else outgoing.read()
            with suppress(OSError):
                self._client.send(said)

        if isinstance(made, TellingObject):
            made.failed = tell
        return made


def telling(context: ssl.SSLContext | None, client: socket.socket) -> ssl.SSLContext | None:
    """``context`` for this connection; one made by ``tls.build_context`` tells of failures."""
    if context is None:
        return None
    return cast("ssl.SSLContext", _Context(context, client))
