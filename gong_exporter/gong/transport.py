"""One HTTP exchange with Gong through ``requests``: deadline, size bound, no redirects.

An exchange runs in a thread of its own. Only so can it be given up on time wherever it hangs:
in the name server, in a handshake, in headers that come a byte at a time. Giving up shuts its
socket down, so that the thread ends as well.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.poolmanager import PoolManager

from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import ConnectionFailed, InvalidResponse, TimedOut

MAX_BODY = 8 * 2**20
"""Bytes of an unpacked body that are read; a page of 100 users is some 60 kB."""

PATH = "/v2/stats/activity/aggregate"
"""The one endpoint."""

_CHUNK = 64 * 2**10
_STOP_LATENCY = 0.1
"""Seconds within which a stop is seen while an exchange hangs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unread.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
        body: unpacked, whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends one request at a time to one host.

    Args:
        base_url: scheme, host and port.
        timeout: seconds for a whole exchange, the last byte of the body included.
        user_agent: sent as it is.
        proxy_url: used for every call; None leaves it to the usual environment variables.
        ca_file: certificates to trust instead of the usual ones.
        max_body: bytes of a body after which it is refused.
    """

    def __init__(
        self,
        *,
        base_url: str,
        timeout: float,
        user_agent: str,
        proxy_url: str | None = None,
        ca_file: str | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._url = base_url.rstrip("/") + PATH
        self._timeout = timeout
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        self._proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else None
        self._verify = ca_file or True
        self._max_body = max_body
        self._session = _new_session()

    def post(self, body: bytes, authorization: str, clock: Clock) -> Answer:
        """Send a request body and return the whole answer, whatever its status.

        Args:
            body: JSON.
            authorization: the Authorization header's value.
            clock: asked whether the process is stopping.

        Raises:
            TimedOut: it took longer than the timeout.
            ConnectionFailed: no connection, or it broke.
            InvalidResponse: the body is too large or wrongly packed.
            Stopped: the process is stopping.
        """
        deadline = time.monotonic() + self._timeout
        worker = _Worker(lambda: self._exchange(body, authorization, deadline))
        worker.start()
        try:
            self._await(worker, deadline, clock)
        except BaseException:
            # The thread may still hold this session's connection: begin with a new one.
            self._session = _new_session()
            worker.give_up()
            raise
        return worker.result()

    def close(self) -> None:
        """Drop idle connections."""
        self._session.close()

    def _await(self, worker: _Worker, deadline: float, clock: Clock) -> None:
        while not worker.done.wait(_STOP_LATENCY):
            clock.check()
            if time.monotonic() >= deadline:
                raise self._timed_out()

    def _exchange(self, body: bytes, authorization: str, deadline: float) -> Answer:
        try:
            with self._session.post(
                self._url,
                data=body,
                headers=self._headers,
                auth=_Authorization(authorization),
                timeout=(self._timeout, self._timeout),
                proxies=self._proxies,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                received = bytearray()
                for chunk in response.iter_content(_CHUNK):
                    received += chunk
                    if len(received) > self._max_body:
                        raise InvalidResponse(
                            f"the answer is larger than {self._max_body // 2**20} MiB"
                        )
                    if time.monotonic() >= deadline:
                        raise self._timed_out()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, bytes(received))
        except requests.exceptions.ContentDecodingError as error:
            raise InvalidResponse("the answer's Content-Encoding does not unpack") from error
        except requests.exceptions.Timeout as error:
            raise self._timed_out() from error
        except (requests.RequestException, OSError, ValueError) as error:
            if _is_read_timeout(error):
                raise self._timed_out() from error
            raise ConnectionFailed(_describe(error)) from error

    def _timed_out(self) -> TimedOut:
        return TimedOut(f"no whole answer within gong.timeout ({self._timeout:g} s)")


class _Authorization(AuthBase):
    """Goes through ``auth=``: a bare header would be replaced by a netrc entry."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class _Worker(threading.Thread):
    """Runs one exchange; can be abandoned."""

    def __init__(self, exchange: Any) -> None:
        super().__init__(name="gong-exchange", daemon=True)
        self.done = threading.Event()
        self.connection: HTTPConnection | None = None
        self._exchange = exchange
        self._answer: Answer | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answer = self._exchange()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            self._error = error
        finally:
            self.done.set()

    def result(self) -> Answer:
        if self._error is not None:
            raise self._error
        if self._answer is None:
            raise ConnectionFailed("the exchange ended without an answer")
        return self._answer

    def give_up(self) -> None:
        """Shut the socket down, which ends whatever read hangs in it."""
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _tell_worker(connection: HTTPConnection) -> None:
    worker = threading.current_thread()
    if isinstance(worker, _Worker):
        worker.connection = connection


class _TrackedHTTPConnection(HTTPConnection):
    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _tell_worker(self)
        super().putrequest(*args, **kwargs)


class _TrackedHTTPSConnection(HTTPSConnection):
    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _tell_worker(self)
        super().putrequest(*args, **kwargs)


class _TrackedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _TrackedHTTPConnection


class _TrackedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedHTTPSConnection


class _TrackedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _track(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _track(manager)
        return manager


def _track(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _TrackedHTTPPool, "https": _TrackedHTTPSPool}


def _new_session() -> requests.Session:
    session = requests.Session()
    adapter = _TrackedAdapter(max_retries=0, pool_connections=1, pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _is_read_timeout(error: BaseException) -> bool:
    return any(isinstance(cause, ReadTimeoutError | TimeoutError) for cause in _chain(error))


def _describe(error: BaseException) -> str:
    """What went wrong at the bottom, without the URLs and objects that the layers above add."""
    root = list(_chain(error))[-1]
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError):
        # Its text repeats the header's value, which may be the credentials.
        return "the request's headers cannot be sent: the credentials hold invalid characters"
    if isinstance(root, ssl.SSLCertVerificationError):
        return f"TLS: {root.verify_message}"
    if isinstance(root, socket.gaierror):
        return f"cannot resolve the host: {root.strerror}"
    if isinstance(root, OSError) and root.strerror:
        return root.strerror
    kind = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    text = str(root.args[0]) if root.args and isinstance(root.args[0], str) else ""
    return f"{kind}{text or type(root).__name__}"


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        inner = getattr(current, "reason", None)
        inside = [arg for arg in current.args if isinstance(arg, BaseException)]
        current = (
            inner
            if isinstance(inner, BaseException)
            else (inside[0] if inside else current.__cause__ or current.__context__)
        )
    return chain
