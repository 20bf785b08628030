"""A thread for exchanges that can be given up wherever it hangs, and its socket with it.

Deadlines on single reads do not bound an exchange: names, handshakes, and headers that come a
byte at a time each start the clock anew. So the caller waits for the thread, and when it gives
up, it shuts the thread's socket down. Every socket is made known here before it connects; one
that comes later, after the exchange was given up, is closed before anything is sent over it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from queue import SimpleQueue
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager


class Task:
    """One exchange, to be run in a worker's thread.

    Args:
        exchange: what to run.
        deadline: by ``time.monotonic()``, for connecting.

    Attributes:
        done: set when the exchange is over, however it ended.
        error: what it raised, if it did.
        deadline: as given.
    """

    def __init__(self, exchange: Callable[[], None], deadline: float) -> None:
        self.done = threading.Event()
        self.deadline = deadline
        self._exchange = exchange
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._given_up = False

    def run(self) -> None:
        """Make the exchange. Raises nothing."""
        try:
            self._exchange()
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it, or another
            self.error = error
        finally:
            self._hold(None)
            self.done.set()

    def use(self, sock: Any) -> None:
        """Shut this socket down when the exchange is given up.

        A duplicate is kept: the layers above wrap their socket (TLS), or let go of it before
        they have read its last byte.

        Raises:
            ConnectionAbortedError: the exchange was given up already.
        """
        handle = socket.socket(fileno=os.dup(sock.fileno()))
        if not self._hold(handle):
            handle.close()
            raise ConnectionAbortedError("the exchange was given up")

    def give_up(self) -> None:
        """End whatever read or handshake hangs in the socket, and with it the exchange."""
        with self._lock:
            self._given_up = True
            if self._handle is not None:
                with contextlib.suppress(OSError):  # it was not connected yet, or is no more
                    self._handle.shutdown(socket.SHUT_RDWR)

    def _hold(self, handle: socket.socket | None) -> bool:
        with self._lock:
            if handle is not None and self._given_up:
                return False
            before, self._handle = self._handle, handle
        if before is not None:
            before.close()
        return True


class DeadlineThread:
    """A thread that runs tasks in their order, and waits for the next.

    It is kept from exchange to exchange: a new thread for each took a third of the CPU that the
    exchange itself takes. One that may hang in a task is closed, and another one begun.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        ExchangeThread(self._tasks).start()

    def begin(self, task: Task) -> None:
        """Run it as soon as those before it are done."""
        self._tasks.put(task)

    def close(self) -> None:
        """End the thread after the tasks that it has."""
        self._tasks.put(None)

    def __del__(self) -> None:
        """Nobody can give the thread a task any more."""
        self.close()


class ExchangeThread(threading.Thread):
    """A worker's thread; it ends with its worker, and keeps no process alive.

    Attributes:
        task: the one that runs.
    """

    def __init__(self, tasks: SimpleQueue[Task | None]) -> None:
        super().__init__(name="gong-exchange", daemon=True)
        self.task: Task | None = None
        self._tasks = tasks

    def run(self) -> None:
        """See Thread."""
        while (task := self._tasks.get()) is not None:
            self.task = task
            task.run()
            self.task = task = None  # what it brought is not to wait here for the next one


def new_session() -> requests.Session:
    """A session for one host and one exchange at a time, in a DeadlineThread's thread.

    It keeps no cookies: the edge in front of Gong sets some, and nothing needs them.
    """
    # Of a header that cannot be read, urllib3 would log the rest of all headers as they came: a
    # server, or a proxy, may have repeated our credentials in them, and they may be of any length.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
    session = _Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = _Adapter(max_retries=0, pool_connections=1, pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: to know the target, ``requests`` would read the whole body, without a bound."""


def _connect(connection: HTTPConnection, task: Task) -> socket.socket:
    """As ``HTTPConnection._new_conn``, within the deadline over all addresses of the host."""
    host = connection._dns_host.strip("[]")  # noqa: SLF001 - with its final dot, as it is resolved
    try:
        addresses = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    failed: OSError = OSError("the host has no address")
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        remaining = task.deadline - time.monotonic()
        if remaining <= 0:
            raise ConnectTimeoutError(connection, "the deadline has passed")
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # IPv6, say, where the kernel does without
            failed = error
            continue
        try:
            task.use(sock)
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(remaining / (len(addresses) - place))
            sock.connect(address)
            sock.settimeout(remaining)
        except ConnectionAbortedError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    if isinstance(failed, TimeoutError):
        raise ConnectTimeoutError(connection, "no answer to the connection") from failed
    raise NewConnectionError(connection, str(failed)) from failed


def _task() -> Task | None:
    """The one that runs in this thread."""
    thread = threading.current_thread()
    return thread.task if isinstance(thread, ExchangeThread) else None


class _HTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        task = _task()
        return super()._new_conn() if task is None else _connect(self, task)

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        task = _task()
        if task is not None and self.sock is not None:
            task.use(self.sock)  # the socket of a connection that is used again
        super().putrequest(*args, **kwargs)


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    """What the first changes, in what the second does."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _track(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _track(manager)
        return manager


def _track(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
