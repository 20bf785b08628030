"""Listening sockets, bound by us or passed by systemd."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress

BACKLOG = 2048
"""Connections that may wait to be accepted; the system caps it (``net.core.somaxconn``)."""

_FIRST_SYSTEMD_DESCRIPTOR = 3
_MAX_PORT = 65535
_PORT = re.compile("[0-9]{1,9}")

_Sockaddr = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class ListenError(Exception):
    """An address that cannot be listened on. The message says which and why."""


class BadAddress(ListenError):
    """Not an address: a mistake on the command line, whatever the machine's state."""


def bind(address: str) -> socket.socket:
    """A listening socket for ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT``.

    Without a host, and for ``[::]``, it takes IPv4 and IPv6 on all interfaces. Port 0 takes a free
    port; ``describe`` tells which.

    Raises:
        ListenError: the address is malformed (BadAddress), unknown, taken or not allowed.
    """
    host, port = _split(address)
    family, sockaddr = _resolve(address, host, port)
    both = family == socket.AF_INET6 and host in {"", "::"}
    try:
        sock = socket.create_server(sockaddr, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, ValueError) as error:  # a ValueError if the system makes no IPv6 sockets
        raise ListenError(f"cannot listen on {address}: {_why(error)}") from error
    _send_at_once(sock)
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


def _why(error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        return str(error)
    reasons = {
        errno.EADDRINUSE: "the port is already in use by another program",
        errno.EACCES: "not allowed (ports below 1024 need a privilege)",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }
    # Not its strerror, to which create_server() adds what it was called with.
    return reasons.get(number) or os.strerror(number)
