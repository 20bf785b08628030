"""One HTTP exchange with Gong through ``requests``: deadline, bounded body, no redirects.

The exchange runs in another thread, because only so can it be aborted on time wherever it hangs:
in the name server, in a handshake, in headers that arrive a byte at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import ContentDecodingError

from gong_exporter import __version__
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.gong.deadline_thread import AbortableTask, DeadlineThread
from gong_exporter.gong.errors import ConnectionFailed, GongError, InvalidResponse, TimedOut
from gong_exporter.gong.sessions import HeaderAuth, describe, is_timeout, new_session

MAX_BODY = 8 * 2**20
"""Bytes of an unpacked body that are read; a page of 100 users is about 60 kB."""

MAX_ERROR_BODY = 64 * 2**10
"""Bytes of an error's body that are read; the rest changes nothing."""

MAX_IDLE = 30.0
"""Seconds after which a connection is not used again. Firewalls forget idle connections silently,
and a request that is sent over one then times out."""

_CHUNK = 64 * 2**10
_STOP_CHECK_INTERVAL = 0.1
"""Seconds within which a stop is seen while an exchange hangs."""

_STOP_GRACE = 0.3
"""Seconds in which a response may still arrive when the process stops or reloads."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send: the path is below the base URL, the body is JSON or None."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What was received, unparsed.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
        body: unpacked.
        complete: False when the end of the body did not arrive. Error responses are used without
            their body, because the status is enough.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True


class Transport:
    """Sends one request at a time to one host.

    Args:
        base_url: scheme, host and port.
        timeout: seconds for a whole exchange, the last byte of the body included.
        proxy_url: used for every call; None leaves it to the usual environment variables.
        ca_file: certificates to trust instead of the usual ones.
    """

    def __init__(
        self,
        *,
        base_url: str,
        timeout: float,
        proxy_url: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]
        self._timeout = timeout
        self._options = {
            "headers": {
                "User-Agent": f"gong-exporter/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Content-Type": "application/json",
            },
            "proxies": (
                {"http": proxy_url, "https": proxy_url}
                if proxy_url
                else _environment_proxies(base_url)
            ),
            "verify": ca_file or True,
            "timeout": timeout,
            "allow_redirects": False,
            "stream": True,
        }
        self._session = new_session()
        self._thread: DeadlineThread | None = None
        self._used_at = time.monotonic()

    def send(self, request: Request, authorization: str, clock: Clock) -> Response:
        """Send a request and return the response, whatever its status.

        Raises:
            TimedOut: it took longer than the timeout.
            ConnectionFailed: there was no connection, or it broke.
            InvalidResponse: the body is too large or wrongly encoded.
            Stopped: the process is stopping, and no error response has begun.
        """
        if time.monotonic() - self._used_at > MAX_IDLE:
            self.drop_connections()
        arguments = {
            **self._options,
            "method": request.method,
            "url": self._base_url + request.path,
            "data": request.body,
            "auth": HeaderAuth(authorization),
        }
        exchange = _Exchange(self._session, arguments)
        task = AbortableTask(exchange.run, time.monotonic() + self._timeout)
        self._submit(task)
        reusable = False
        try:
            try:
                _await(task, clock)
            except Stopped:
                # The head of an error response is enough, as at the deadline.
                if exchange.response is None or exchange.response.status == HTTPStatus.OK:
                    raise
            response = self._result(task, exchange.response)
            reusable = response.status == HTTPStatus.OK
        finally:
            self._used_at = time.monotonic()
            if not reusable:
                # What may still arrive on this connection belongs to this exchange, not to the
                # next one; and its thread may still use this session.
                task.abort()
                self._session.close()
                self._session = new_session()
                if not task.done.is_set():
                    self._close_thread()
        return response

    def drop_connections(self) -> None:
        """Close idle connections; the next request opens a new one."""
        self._session.close()

    def close(self) -> None:
        """Close idle connections, and end the thread."""
        self._session.close()
        self._close_thread()

    def _submit(self, task: AbortableTask) -> None:
        try:
            self._thread = self._thread or DeadlineThread()
        except RuntimeError as error:  # a limit of the machine or the container
            raise ConnectionFailed("the machine cannot start a thread for the exchange") from error
        self._thread.submit(task)

    def _close_thread(self) -> None:
        if self._thread is not None:
            self._thread.close()
            self._thread = None

    def _result(self, task: AbortableTask, response: Response | None) -> Response:
        error = task.error if task.done.is_set() else None
        if isinstance(error, GongError):
            raise error
        if response is not None and (response.complete or response.status != HTTPStatus.OK):
            return response
        failure = self._failure(error)
        failure.code = None if response is None else response.status
        raise failure from error

    def _failure(self, error: BaseException | None) -> GongError:
        """Return why the response is not complete; without an error, the time ran out."""
        if isinstance(error, ContentDecodingError):
            return InvalidResponse("the response does not match its Content-Encoding")
        if error is None or is_timeout(error):
            return TimedOut(f"no complete response within gong.timeout ({self._timeout:g} s)")
        return ConnectionFailed(f"{self._host}: {describe(error)}")


class _Exchange:
    """The work of a task, and how far it has come.

    Attributes:
        response: None until its head arrived, not complete until its body did.
    """

    def __init__(self, session: requests.Session, arguments: Mapping[str, Any]) -> None:
        self._session = session
        self._arguments = arguments
        self.response: Response | None = None

    def run(self) -> None:
        """Send the request and read the response. Raises: what requests and urllib3 raise."""
        with self._session.request(**self._arguments) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            head = self.response = Response(response.status_code, headers, b"", complete=False)
            self.response = replace(head, body=_body(response), complete=True)


def _body(response: requests.Response) -> bytes:
    """Read the body, or enough of an error's. Raises: InvalidResponse, if it is too large."""
    received = bytearray()
    for chunk in response.iter_content(_CHUNK):
        received += chunk
        if response.status_code != HTTPStatus.OK and len(received) >= MAX_ERROR_BODY:
            break
        if len(received) > MAX_BODY:
            error = InvalidResponse(f"the response is larger than {MAX_BODY} bytes")
            error.code = response.status_code
            raise error
    return bytes(received)


def _await(task: AbortableTask, clock: Clock) -> None:
    """Wait until the task is done, or its deadline. Raises: Stopped."""
    while not task.done.is_set():
        remaining = task.deadline - time.monotonic()
        if remaining <= 0:
            return
        try:
            clock.check()
        except Stopped:
            # The response that is just arriving may be a 429. After a reload the next call
            # follows at once, so that its Retry-After counts.
            if task.done.wait(_STOP_GRACE):
                return
            raise
        task.done.wait(min(remaining, _STOP_CHECK_INTERVAL))


def _environment_proxies(base_url: str) -> dict[str, str]:
    """The environment's proxies for this URL. Requests does not strip a line break at their end."""
    found = requests.utils.get_environ_proxies(base_url)
    return {name: proxy.strip() for name, proxy in found.items()}
