"""A scraper that costs as little as one can in Python, so that what it times is the server."""

from __future__ import annotations

import re
import socket
import ssl
import time
from dataclasses import dataclass

from servers import PATH, Server

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus 2.42 sends."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_TIMEOUT = 60.0
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape.

    Attributes:
        seconds: from the first byte sent to the last byte received.
        received: bytes of the body.
    """

    seconds: float
    received: int


class Scraper:
    """Scrapes one server over a connection that it keeps, if the server does.

    Args:
        server: what to scrape.
        encoding: the Accept-Encoding header.
        authorization: the Authorization header; empty for none.
        context: to scrape over TLS; None for plain HTTP.
    """

    def __init__(
        self,
        server: Server,
        encoding: str = "gzip",
        authorization: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._port = server.port
        self._context = context
        authorized = f"Authorization: {authorization}\r\n" if authorization else ""
        self._request = (
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: {ACCEPT}\r\n"
            f"Accept-Encoding: {encoding}\r\n{authorized}\r\n"
        ).encode()
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._socket: socket.socket | None = None

    def scrape(self, *, keep: list[bytes] | None = None) -> Scrape:
        """Ask, and read the answer to its end; its body goes to ``keep``, when given."""
        began = time.perf_counter()
        sock = self._socket or self._connect()
        sock.sendall(self._request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._some(sock)
        head, _, body = head.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not head.split(b"\r\n", 1)[0].endswith(b"200 OK"):
            raise RuntimeError(f"port {self._port} answered {head!r}")
        length = int(found[1]) if found else None
        received = len(body)
        if keep is not None:
            keep.append(body)
        while length is None or received < length:
            size = sock.recv_into(self._view)
            if size == 0:
                break
            received += size
            if keep is not None:
                keep.append(bytes(self._view[:size]))
        seconds = time.perf_counter() - began
        if length is not None and received != length:
            raise RuntimeError(f"port {self._port} sent {received} of {length} bytes")
        if length is None or head.startswith(b"HTTP/1.0"):
            self.close()
        return Scrape(seconds, received)

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock if self._context is None else self._context.wrap_socket(sock)
        return self._socket

    def close(self) -> None:
        """Drop the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _some(self, sock: socket.socket) -> bytes:
        data = sock.recv(65536)
        if not data:
            raise RuntimeError(f"port {self._port} hung up within its head")
        return data
