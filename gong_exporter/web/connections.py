"""Open connections: how many there may be, and the deadline of each TLS handshake."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass

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


class Listener(socket.socket):
    """A listening socket that closes new connections beyond the limit of a table.

    asyncio's server calls ``accept`` and runs what it does for a connection in a copy of the
    context of that call, so there ``accepted`` is the connection.

    Args:
        sock: the socket that was bound. It is duplicated and stays open.
        table: counts the open connections.
        serve: serves a connection, as asyncio does with one that ``accept`` returned.
    """

    def __init__(
        self,
        sock: socket.socket,
        table: ConnectionTable,
        serve: Callable[[socket.socket], Coroutine[None, None, None]],
    ) -> None:
        super().__init__(fileno=os.dup(sock.fileno()))
        self.retired = False
        self._table = table
        self._serve = serve

    def accept(self) -> tuple[socket.socket, object]:
        """See ``socket.accept``.

        Raises:
            ConnectionAbortedError: there was one, and it is closed, or ``serve_now`` serves it.
            BlockingIOError: another listener takes the connection.
        """
        if self.retired:
            raise BlockingIOError
        accepted_socket, address = super().accept()
        client = _ClientSocket(fileno=accepted_socket.detach())
        client.on_close = self._table.begin_waiting
        host = str(address[0]) if isinstance(address, tuple) else ""
        now = asyncio.get_running_loop().time()
        connection = OpenConnection(client, host, self, now, now)
        if not self._table.add(connection):
            raise ConnectionAbortedError
        accepted.set(connection)
        return client, address

    def established(self, connection: OpenConnection) -> None:
        """Note that the TLS handshake of a connection, if there is one, has finished."""
        self._table.establish(connection)

    def serve_now(self, connection: OpenConnection) -> None:
        """Serve a connection that asyncio's server does not serve."""
        connection.begun_at = asyncio.get_running_loop().time()
        connection.waiting = False
        connection.sock.setblocking(False)
        context = copy_context()
        context.run(accepted.set, connection)
        connection.task = asyncio.create_task(self._serve(connection.sock), context=context)

    def retire(self) -> None:
        """Accept no more connections, and end those whose TLS handshake is not finished."""
        self.retired = True
        self._table.end_handshakes(self)


class _ClientSocket(socket.socket):
    """An accepted socket. Whatever ends a connection closes it, so this is where an end shows.

    Attributes:
        on_close: called after the socket was closed.
    """

    on_close: Callable[[], None]

    def close(self) -> None:
        super().close()
        self.on_close()


@dataclass(slots=True)
class OpenConnection:
    """An accepted connection.

    Attributes:
        sock: its socket, which asyncio's transport closes.
        host: the client's IP address.
        listener: the one that accepted it.
        accepted_at: on the event loop's clock.
        begun_at: likewise, when asyncio got it.
        established: whether a TLS handshake, if there is one, has finished.
        waiting: whether its TLS handshake has yet to begin, so that asyncio does not have it.
        ended: whether it was ended here, though its socket may not be closed yet.
        task: serves it, with TLS.
    """

    sock: socket.socket
    host: str
    listener: Listener
    accepted_at: float
    begun_at: float
    established: bool = False
    waiting: bool = False
    ended: bool = False
    task: asyncio.Task[None] | None = None

    def end(self) -> None:
        """End the connection at once; its transport notices."""
        self.ended = True
        if self.waiting:
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

    Beyond ``MOST_HANDSHAKES`` unfinished TLS handshakes, a new connection waits for another
    handshake to end, until its deadline: a client whose connection is closed would connect again at
    once. It ends the oldest handshake of the address that has the most of them, if that is another
    address, or if that handshake is stalled. It still waits until asyncio has closed the other, so
    a flood cannot take more memory. Beyond the limit of connections, likewise, the address that has
    the most connections waiting loses one to another address.

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
        """Note a new connection. Returns whether asyncio's server serves it.

        It does not when there are too many connections, nor with TLS: of a handshake that fails it
        keeps the buffers until the garbage collector frees them. ``serve_now`` does not.
        """
        if self._tls or len(self._open) >= self._limit:  # leave out those that have ended
            self._open = {one.sock.fileno(): one for one in self._current()}
        if len(self._open) >= self._limit and not self._end_waiting(connection.host):
            connection.sock.close()
            return False
        connection.waiting = self._tls
        self._open[connection.sock.fileno()] = connection
        loop = asyncio.get_running_loop()
        loop.call_later(self._handshake_seconds, connection.end_handshake)
        self.begin_waiting()
        self._make_way(connection)
        return not self._tls

    def establish(self, connection: OpenConnection) -> None:
        """Note that a handshake has finished; another one may begin."""
        connection.established = True
        self.begin_waiting()

    def begin_waiting(self) -> None:
        """Begin handshakes that wait, as many as may: first of the addresses that have fewest."""
        if not self._tls:
            return
        waiting = [one for one in self._current() if one.waiting]
        hosts = Counter(one.host for one in self._begun())
        while waiting and hosts.total() < MOST_HANDSHAKES:
            one = min(waiting, key=lambda each: hosts[each.host])
            waiting.remove(one)
            hosts[one.host] += 1
            one.listener.serve_now(one)

    def _current(self) -> Iterator[OpenConnection]:
        return (one for fd, one in self._open.items() if one.sock.fileno() == fd)

    def _begun(self) -> list[OpenConnection]:
        return [one for one in self._current() if not one.established and not one.waiting]

    def _make_way(self, new: OpenConnection) -> None:
        """End a handshake, if one has to make way for a connection that waits."""
        if new.ended or not new.waiting:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(_STALLED_SECONDS, self._make_way, new)
        begun = [one for one in self._begun() if not one.ended]
        if MOST_HANDSHAKES - len(begun) >= sum(one.waiting for one in self._current()):
            return  # enough are about to end
        [(crowd, _)] = Counter(one.host for one in begun).most_common(1)
        oldest = min((one for one in begun if one.host == crowd), key=lambda one: one.begun_at)
        if new.host != crowd or loop.time() >= oldest.begun_at + _STALLED_SECONDS:
            oldest.end()

    def _end_waiting(self, host: str) -> bool:
        """Whether a connection that waited was ended in favor of a new one of this address."""
        waiting = [one for one in self._current() if one.waiting]
        for crowd, _ in Counter(one.host for one in waiting).most_common(1):
            if crowd != host:
                oldest = next(one for one in waiting if one.host == crowd)
                del self._open[oldest.sock.fileno()]
                oldest.end()
                return True
        return False

    def end_handshakes(self, listener: Listener) -> None:
        """End the connections of one listener that are not established."""
        for connection in list(self._open.values()):
            if connection.listener is listener:
                connection.end_handshake()

    def end_all(self) -> None:
        """End every connection."""
        for connection in self._open.values():
            connection.end()


def _limit_by_descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_DESCRIPTORS)
