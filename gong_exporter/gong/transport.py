"""One HTTP exchange with Gong through ``requests``: deadline, bounded body, no redirects.

The exchange runs in another thread, because only so can it be given up on time wherever it hangs:
in the name server, in a handshake, in headers that arrive a byte at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import ConnectTimeout, ContentDecodingError

from gong_exporter import __version__
from gong_exporter.gong.clock import Clock
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

_CONNECT_SHARE = 1 / 3
"""Of the timeout, for the connection to each address of the host: one that does not answer, IPv6
say, leaves time for the next."""


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
            "proxies": {"http": proxy_url, "https": proxy_url} if proxy_url else None,
            "verify": ca_file or True,
            "timeout": (timeout * _CONNECT_SHARE, timeout),
            "allow_redirects": False,
            "stream": True,
        }
        self._session = new_session()
        self._used_at = time.monotonic()

    def send(self, request: Request, authorization: str, clock: Clock) -> Response:
        """Send a request and return the response, whatever its status.

        Raises:
            TimedOut: it took longer than the timeout.
            ConnectionFailed: there was no connection, or it broke.
            InvalidResponse: the body is too large or wrongly encoded.
            Stopped: the process is stopping.
        """
        if time.monotonic() - self._used_at > MAX_IDLE:
            self.close()
        arguments = {
            **self._options,
            "method": request.method,
            "url": self._base_url + request.path,
            "data": request.body,
            "auth": HeaderAuth(authorization),
        }
        exchange = _Exchange(self._session, arguments)
        reusable = False
        try:
            exchange.wait(time.monotonic() + self._timeout, clock)
            response = self._result(exchange)
            reusable = response.status == HTTPStatus.OK
        finally:
            self._used_at = time.monotonic()
            if not reusable:
                # What may still arrive on this connection belongs to this exchange, not to the
                # next one; and its thread may still use this session.
                self._session.close()
                self._session = new_session()
        return response

    def close(self) -> None:
        """Close idle connections; the next request opens a new one."""
        self._session.close()

    def _result(self, exchange: _Exchange) -> Response:
        error, response = exchange.error, exchange.response
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
        if isinstance(error, ConnectTimeout):
            return TimedOut(f"no connection within a third of gong.timeout ({self._timeout:g} s)")
        if error is None or is_timeout(error):
            return TimedOut(f"no complete response within gong.timeout ({self._timeout:g} s)")
        return ConnectionFailed(f"{self._host}: {describe(error)}")


class _Exchange:
    """An exchange in a thread of its own, and how far it has come.

    The thread is a daemon, so that an exchange that hangs does not keep the process alive. After
    the deadline it ends when its next read from the socket times out.

    Attributes:
        response: None until its head arrived, not complete until its body did.
        error: what requests or urllib3 raised, or a GongError.
    """

    def __init__(self, session: requests.Session, arguments: Mapping[str, Any]) -> None:
        self._session = session
        self._arguments = arguments
        self._done = threading.Event()
        self.response: Response | None = None
        self.error: BaseException | None = None
        try:
            threading.Thread(target=self._run, name="gong-exchange", daemon=True).start()
        except RuntimeError as error:  # a limit of the machine or the container
            raise ConnectionFailed("the machine cannot start a thread for the exchange") from error

    def wait(self, deadline: float, clock: Clock) -> None:
        """Wait until it is over, or for the deadline. Raises: Stopped."""
        while not self._done.is_set() and (remaining := deadline - time.monotonic()) > 0:
            clock.check()
            self._done.wait(min(remaining, _STOP_CHECK_INTERVAL))

    def _run(self) -> None:
        try:
            with self._session.request(**self._arguments) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                head = self.response = Response(response.status_code, headers, b"", complete=False)
                self.response = replace(head, body=_body(response), complete=True)
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            self.error = error
        finally:
            self._done.set()


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
