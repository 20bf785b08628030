"""Open connections: how many there may be, and the deadline of each TLS handshake."""

from __future__ import annotations

import asyncio
import resource
import socket
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf

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

_ACCEPT_AGAIN_SECONDS = 1.0
"""Time after which connections are accepted again when the system is out of descriptors."""


@dataclass(slots=True, eq=False)
class OpenConnection:
    """An accepted connection.

    Attributes:
        sock: its socket, which asyncio's transport closes.
        host: the client's IP address.
        accepted_at: on the event loop's clock.
        begun_at: likewise, when its TLS handshake, if there is one, began; infinite while it waits.
        ended: whether its handshake was ended here, though its socket may not be closed yet.
        closed: set by its protocol when it has ended.
        deadline: of its handshake.
        task: serves it.
    """

    sock: socket.socket
    host: str
    accepted_at: float
    begun_at: float = inf
    ended: bool = False
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    deadline: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None

    def end_deadline(self) -> None:
        """Free what its deadline keeps."""
        if self.deadline is not None:
            self.deadline.cancel()


accepted: ContextVar[OpenConnection] = ContextVar("accepted")
"""The connection that asyncio and its protocols are working for."""


class ConnectionTable:
    """Accepts connections, and counts them until they end. Used on the event loop only.

    uvicorn does not see a connection before its TLS handshake ends, and asyncio allows a minute
    for that. So neither could limit connections that never finish the handshake.

    Beyond ``MOST_HANDSHAKES`` unfinished TLS handshakes, a new connection waits for another
    handshake to end, until its deadline: a client whose connection is closed would connect again at
    once. It ends the oldest handshake of the address that has the most of them, if that is another
    address, or if that handshake is stalled. It still waits until asyncio has closed the other, so
    a flood cannot take more memory. Beyond the limit of connections, likewise, the address that has
    the most connections waiting loses one to another address.

    Args:
        connect: begins to serve a connection; returns after its TLS handshake, if there is one, or
            raises OSError.
        limit: how many connections may be open; fewer when there are too few descriptors.
        handshake_seconds: the time for a TLS handshake.
    """

    def __init__(
        self,
        connect: Callable[[socket.socket], Awaitable[object]],
        limit: int,
        handshake_seconds: float,
    ) -> None:
        self._connect = connect
        self._limit = min(limit, _limit_by_descriptors())
        self._handshake_seconds = handshake_seconds
        # Each the oldest first.
        self._waiting: list[OpenConnection] = []
        self._begun: list[OpenConnection] = []
        self._established: set[OpenConnection] = set()

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections until this is cancelled."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor or no memory is left
                loop.call_exception_handler(
                    {"message": "no connection can be accepted now", "exception": error}
                )
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            self.add(sock, str(address[0]) if isinstance(address, tuple) else "")
            await asyncio.sleep(0)  # other connections come first

    def add(self, sock: socket.socket, host: str) -> OpenConnection | None:
        """Serve a new connection, or close it when there are too many."""
        size = len(self._waiting) + len(self._begun) + len(self._established)
        if size >= self._limit and not self._end_waiting(host):
            sock.close()
            return None
        loop = asyncio.get_running_loop()
        connection = OpenConnection(sock, host, loop.time())
        connection.deadline = loop.call_later(
            self._handshake_seconds, self._end_handshake, connection
        )
        self._waiting.append(connection)
        self._begin_waiting()
        self._make_way(connection)
        return connection

    def end_handshakes(self) -> None:
        """End every connection that is not established."""
        for connection in [*self._waiting, *self._begun]:
            self._end_handshake(connection)

    def _begin_waiting(self) -> None:
        """Begin handshakes that wait, as many as may: first of the addresses that have fewest."""
        loop = asyncio.get_running_loop()
        hosts = Counter(one.host for one in self._begun)
        while self._waiting and len(self._begun) < MOST_HANDSHAKES:
            one = min(self._waiting, key=lambda each: hosts[each.host])
            self._waiting.remove(one)
            self._begun.append(one)
            hosts[one.host] += 1
            one.begun_at = loop.time()
            one.task = loop.create_task(self._serve(one))

    async def _serve(self, connection: OpenConnection) -> None:
        accepted.set(connection)
        try:
            await self._connect(connection.sock)
        except OSError as error:  # the handshake failed
            # The error and its frames refer to each other, and so to the buffers of the connection.
            traceback.clear_frames(error.__traceback__)
            return
        finally:
            connection.end_deadline()
            self._begun.remove(connection)
            self._begin_waiting()
        self._established.add(connection)
        try:
            await connection.closed.wait()
        finally:
            self._established.remove(connection)

    def _make_way(self, new: OpenConnection) -> None:
        """End a handshake, if one has to make way for a connection that waits."""
        if new not in self._waiting:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(_STALLED_SECONDS, self._make_way, new)
        begun = [one for one in self._begun if not one.ended]
        if MOST_HANDSHAKES - len(begun) >= len(self._waiting):
            return  # enough are about to end
        for crowd, _ in Counter(one.host for one in begun).most_common(1):
            oldest = next(one for one in begun if one.host == crowd)
            stalled = loop.time() >= oldest.begun_at + _STALLED_SECONDS
            if new.host != crowd or stalled:
                self._end_handshake(oldest)

    def _end_waiting(self, host: str) -> bool:
        """Whether a connection that waited was ended in favor of a new one of this address."""
        for crowd, _ in Counter(one.host for one in self._waiting).most_common(1):
            if crowd != host:
                self._end_handshake(next(one for one in self._waiting if one.host == crowd))
                return True
        return False

    def _end_handshake(self, connection: OpenConnection) -> None:
        """End the connection unless it is established: then its protocol has the deadlines."""
        if connection in self._waiting:
            self._waiting.remove(connection)
            connection.end_deadline()
            connection.sock.close()
        elif connection in self._begun:
            connection.ended = True
            with suppress(OSError):  # it has ended already
                connection.sock.shutdown(socket.SHUT_RDWR)


def _limit_by_descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_DESCRIPTORS)
