"""Listening sockets, bound by us or passed by systemd, and the table of open connections."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

BACKLOG = 2048
"""Connections that may wait to be accepted; the system caps it (``net.core.somaxconn``)."""

MOST_CONNECTIONS = 1024
"""Open connections, even if the process may have more descriptors."""

MOST_TLS_CONNECTIONS = 512
"""asyncio and OpenSSL keep 320 kB for each, from the beginning of its handshake on."""

MOST_HANDSHAKES = 64
"""TLS handshakes that have begun and not finished."""

_STALLED_SECONDS = 1.0
"""A handshake that takes longer than this may have to make way for another of its address."""

_OTHER_DESCRIPTORS = 96
"""Those that the process itself has open, and 64 for polls and the state file."""

_FIRST_SYSTEMD_DESCRIPTOR = 3
_MAX_PORT = 65535
_PORT = re.compile("[0-9]{1,9}")

_Sockaddr = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class ListenError(Exception):
    """An address that cannot be listened on. The message says which and why."""


class BadAddress(ListenError):
    """Not an address: a mistake on the command line, whatever the machine's state."""


class Listener(socket.socket):
    """A listening socket that closes new connections beyond the limit of a table.

    asyncio's server calls ``accept`` and runs what it does for a connection in a copy of the
    context of that call, so there ``accepted`` is the connection.

    Args:
        sock: the socket that was bound. It is duplicated and stays open.
        table: counts the open connections.
    """

    def __init__(self, sock: socket.socket, table: ConnectionTable) -> None:
        super().__init__(fileno=os.dup(sock.fileno()))
        self.retired = False
        self._table = table

    def accept(self) -> tuple[socket.socket, object]:
        """See ``socket.accept``.

        Raises:
            ConnectionAbortedError: there was one, and it is not served.
            BlockingIOError: another listener takes the connection.
        """
        if self.retired:
            raise BlockingIOError
        client, address = super().accept()
        host = str(address[0]) if isinstance(address, tuple) else ""
        connection = OpenConnection(client, host, self, asyncio.get_running_loop().time())
        if not self._table.add(connection):
            raise ConnectionAbortedError
        accepted.set(connection)
        return client, address

    def retire(self) -> None:
        """Accept no more connections, and end those whose TLS handshake is not finished."""
        self.retired = True
        self._table.end_handshakes(self)


@dataclass(slots=True)
class OpenConnection:
    """An accepted connection.

    Attributes:
        sock: its socket, which asyncio's transport closes.
        host: the client's IP address.
        listener: the one that accepted it.
        accepted_at: on the event loop's clock.
        established: whether a TLS handshake, if there is one, has finished.
        ignored: whether asyncio does not have it, because there are too many handshakes.
    """

    sock: socket.socket
    host: str
    listener: Listener
    accepted_at: float
    established: bool = False
    ignored: bool = False

    def end(self) -> None:
        """End the connection at once; its transport notices."""
        if self.ignored:
            self.sock.close()
            return
        with suppress(OSError):  # it has ended already
            self.sock.shutdown(socket.SHUT_RDWR)

    def end_handshake(self) -> None:
        """End the connection unless it is established: then its protocol has the deadlines."""
        if not self.established:
            self.end()


accepted: ContextVar[OpenConnection] = ContextVar("accepted")
"""The connection that asyncio and its protocols are working for."""


class ConnectionTable:
    """Every open connection, from the accept on. Used on the event loop only.

    uvicorn does not see a connection before its TLS handshake ends, and asyncio allows a minute
    for that. So neither could limit connections that never finish the handshake.

    Beyond ``MOST_HANDSHAKES`` unfinished TLS handshakes, a new one takes the place of the oldest
    one of the address that has the most of them. From that same address it does so only if the
    other is stalled. Otherwise the new connection is ignored until its deadline: a client that is
    not answered waits, and one whose connection is closed would connect again at once.

    Args:
        limit: how many connections may be open; fewer when there are too few descriptors.
        handshake_seconds: the time for a TLS handshake.
        tls: whether connections begin with a TLS handshake.
    """

    def __init__(self, limit: int | None, handshake_seconds: float, *, tls: bool) -> None:
        most = MOST_TLS_CONNECTIONS if tls else MOST_CONNECTIONS
        self._limit = min(limit or most, _limit_by_descriptors())
        self._handshake_seconds = handshake_seconds
        self._tls = tls
        # By descriptor, the oldest first.
        self._open: dict[int, OpenConnection] = {}

    def add(self, connection: OpenConnection) -> bool:
        """Note a new connection. Returns False when there are too many, and it is not served."""
        if self._tls or len(self._open) >= self._limit:  # leave out those that have ended
            self._open = {fd: one for fd, one in self._open.items() if one.sock.fileno() == fd}
        if len(self._open) >= self._limit:
            connection.sock.close()
            return False
        connection.ignored = self._tls and not self._may_begin_handshake(connection)
        self._open[connection.sock.fileno()] = connection
        loop = asyncio.get_running_loop()
        loop.call_later(self._handshake_seconds, connection.end_handshake)
        return not connection.ignored

    def _may_begin_handshake(self, new: OpenConnection) -> bool:
        begun = [one for one in self._open.values() if not one.established and not one.ignored]
        if len(begun) < MOST_HANDSHAKES:
            return True
        [(crowd, _)] = Counter(one.host for one in begun).most_common(1)
        oldest = next(one for one in begun if one.host == crowd)
        if new.host == crowd and new.accepted_at < oldest.accepted_at + _STALLED_SECONDS:
            return False
        del self._open[oldest.sock.fileno()]
        oldest.end()
        return True

    def end_handshakes(self, listener: Listener) -> None:
        """End the connections of one listener that are not established."""
        for connection in self._open.values():
            if connection.listener is listener:
                connection.end_handshake()

    def end_all(self) -> None:
        """End every connection."""
        for connection in self._open.values():
            connection.end()


def _limit_by_descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_DESCRIPTORS)


def bind(address: str) -> socket.socket:
    """A listening socket for ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT``.

    Without a host, and for ``[::]``, it takes IPv4 and IPv6 on all interfaces. Port 0 takes a free
    port; ``describe`` tells which.

    Raises:
        ListenError: the address is malformed (BadAddress), unknown, taken or not allowed.
    """
    host, port = _split(address)
    family, sockaddr = _resolve(address, host, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _send_at_once(sock)
        if family == socket.AF_INET6:
            both = host in {"", "::"}
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        sock.bind(sockaddr)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on {address}: {_why(error)}") from error
    return sock


def from_systemd(environ: Mapping[str, str], pid: int) -> list[socket.socket]:
    """The listening sockets that systemd passed to the process ``pid``.

    See sd_listen_fds(3): ``LISTEN_PID`` names the process that they are meant for, ``LISTEN_FDS``
    counts them, and the first is descriptor 3.

    Raises:
        ListenError: none was passed to this process, or one is not a listening stream socket.
    """
    if environ.get("LISTEN_PID") != str(pid):
        raise ListenError(
            "--web.systemd-socket: systemd passed no socket to this process (LISTEN_PID is not"
            " its id). Start it from a .socket unit, or use --web.listen-address"
        )
    count = environ.get("LISTEN_FDS", "")
    if not count.isascii() or not count.isdigit() or int(count) == 0:
        raise ListenError(f"--web.systemd-socket: LISTEN_FDS is {count!r}, not a number above 0")
    return [_adopt(_FIRST_SYSTEMD_DESCRIPTOR + offset) for offset in range(int(count))]


def describe(sock: socket.socket) -> str:
    """Where a socket listens, as ``HOST:PORT``, or the path of a Unix socket."""
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return str(name)
    host, port = str(name[0]), int(name[1])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise BadAddress(
            f"bad listen address {address!r}: expected HOST:PORT, :PORT or [IPv6]:PORT"
        )
    if not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise BadAddress(f"bad listen address {address!r}: the port must be 0 to {_MAX_PORT}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _resolve(address: str, host: str, port: int) -> tuple[socket.AddressFamily, _Sockaddr]:
    if not host:
        return _everywhere(port)
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen on {address}: no such host: {host}") from error
    # A name with both kinds of address is listened on over IPv4, as Go's servers do.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, sockaddr = found[0]
    return family, sockaddr


def _everywhere(port: int) -> tuple[socket.AddressFamily, _Sockaddr]:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", 0))
        return socket.AF_INET6, ("::", port)
    return socket.AF_INET, ("0.0.0.0", port)  # noqa: S104  # all interfaces is what ":PORT" asks for


def _adopt(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ListenError(
            f"--web.systemd-socket: descriptor {descriptor} is not a socket: {error.strerror}"
        ) from error
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        sock.detach()
        raise ListenError(
            f"--web.systemd-socket: descriptor {descriptor} is not a listening stream socket"
            " (the .socket unit needs ListenStream= and Accept=no)"
        )
    if sock.family != socket.AF_UNIX:
        _send_at_once(sock)
    return sock


def _send_at_once(sock: socket.socket) -> None:
    """Turn off Nagle's algorithm; accepted connections inherit this. It cost 44 ms a response."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _why(error: OSError) -> str:
    reasons = {
        errno.EADDRINUSE: "the port is already in use by another program",
        errno.EACCES: "not allowed (ports below 1024 need a privilege)",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }
    known = reasons.get(error.errno) if error.errno is not None else None
    return known or str(error.strerror or error)
