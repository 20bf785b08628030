"""A server that answers with whatever bytes a test chooses, or does worse.

A behaviour is called with the connection once a whole request has arrived on it; it returns
whether the connection may be used for another one. Each request takes the next behaviour of the
script; the last one repeats.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

Behaviour = Callable[["Connection"], bool]

WAIT_TIMEOUT = 20.0
"""Seconds after which a behaviour gives up by itself, so that no test leaves threads behind."""


@dataclass
class Connection:
    """One connection, after a request has arrived on it.

    Attributes:
        sock: to do anything with.
        head: the request line and the headers.
        body: of the request.
        arrived: when its last byte was there, in ``time.monotonic()`` seconds.
        stop: set when the server is going away.
    """

    sock: socket.socket
    head: bytes
    body: bytes
    arrived: float
    stop: threading.Event

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    def wait_for_the_client_to_go(self) -> bool:
        """Whether the client closed its end before the timeout."""
        return _gone(self.sock, self.stop)


@dataclass
class HostileServer:
    """A listening server; see the module.

    Attributes:
        script: may be changed at any time.
        greet: what to do on every connection before any request has arrived, instead of it.
        requests: what arrived.
        connections: how many were accepted.
        port: of 127.0.0.1.
    """

    listener: socket.socket
    script: list[Behaviour]
    tls: ssl.SSLContext | None = None
    greet: Behaviour | None = None
    requests: list[Connection] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, name="hostile", daemon=True).start()
        return self

    def stop(self) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), name="hostile", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(WAIT_TIMEOUT)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                stack.callback(sock.close)
            if self.greet is not None:
                self.greet(Connection(sock, b"", b"", time.monotonic(), self._stop))
                return
            while (request := _receive(sock, self._stop)) is not None:
                with self._lock:
                    self.requests.append(request)
                    behave = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if not behave(request):
                    return


@contextmanager
def hostile_server(
    *script: Behaviour, tls: ssl.SSLContext | None = None, greet: Behaviour | None = None
) -> Iterator[HostileServer]:
    """Run one on a free port of 127.0.0.1 while the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = HostileServer(listener, list(script), tls, greet).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port that completes no connection: its queue is full and nothing accepts."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    waiting = []
    try:
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            waiting.append(sock)
        time.sleep(0.05)  # let the kernel queue the ones it will
        yield port
    finally:
        for sock in waiting:
            sock.close()
        listener.close()


# Behaviours


def raw(data: bytes, *, keep: bool = False) -> Behaviour:
    """These bytes, and the end of the connection unless ``keep``."""

    def behave(connection: Connection) -> bool:
        connection.sock.sendall(data)
        return keep

    return behave


def answer(
    status: int = 200,
    body: bytes | object = b"",
    headers: Sequence[tuple[str, str]] = (),
    *,
    keep: bool = True,
) -> Behaviour:
    """A well-formed answer; a body that is not bytes is sent as JSON."""
    return raw(response(status, body, headers), keep=keep)


def response(
    status: int = 200, body: bytes | object = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """The bytes of a well-formed answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers)]
    lines += [f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + content


def reset(connection: Connection) -> bool:
    """RST instead of an answer."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sock.close()
    return False


def hang(after: bytes = b"", *, left: threading.Event | None = None) -> Behaviour:
    """Some bytes, and then nothing until the client goes; ``left`` is set when it did."""

    def behave(connection: Connection) -> bool:
        connection.sock.sendall(after)
        if connection.wait_for_the_client_to_go() and left is not None:
            left.set()
        return False

    return behave


def drip(
    data: bytes,
    *,
    after: bytes = b"",
    interval: float = 0.02,
    left: threading.Event | None = None,
) -> Behaviour:
    """``after`` at once, then ``data`` over and over, a byte at a time, until the client goes."""

    def behave(connection: Connection) -> bool:
        until = time.monotonic() + WAIT_TIMEOUT
        try:
            connection.sock.sendall(after)
            while time.monotonic() < until and not connection.stop.is_set():
                for place in range(len(data)):
                    connection.sock.sendall(data[place : place + 1])
                    if connection.stop.wait(interval):
                        return False
        except OSError:
            if left is not None:
                left.set()
        return False

    return behave


def flood(data: bytes, *, after: bytes = b"") -> Behaviour:
    """``after``, then ``data`` without an end, as fast as the client takes it."""

    def behave(connection: Connection) -> bool:
        until = time.monotonic() + WAIT_TIMEOUT
        with contextlib.suppress(OSError):
            connection.sock.sendall(after)
            while time.monotonic() < until and not connection.stop.is_set():
                connection.sock.sendall(data)
        return False

    return behave


def _receive(sock: socket.socket, stop: threading.Event) -> Connection | None:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (data := sock.recv(65_536)):
            return None
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    connection = Connection(sock, head, body, 0.0, stop)
    length = int(connection.header("content-length") or 0)
    while len(connection.body) < length:
        if not (data := sock.recv(65_536)):
            return None
        connection.body += data
    connection.arrived = time.monotonic()
    return connection


def _gone(sock: socket.socket, stop: threading.Event) -> bool:
    until = time.monotonic() + WAIT_TIMEOUT
    while time.monotonic() < until and not stop.is_set():
        readable, _, _ = select.select([sock], [], [], 0.02)
        if readable:
            try:
                if not sock.recv(65_536):
                    return True
            except OSError:
                return True
    return False
