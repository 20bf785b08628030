"""One HTTP exchange with Gong through ``requests``: deadline, size bound, no redirects.

An exchange runs in another thread (see worker). Only so can it be given up on time wherever it
hangs: in the name server, in a handshake, in headers that come a byte at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.exceptions import ContentDecodingError

from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.gong.deadline_thread import DeadlineThread, Task, new_session
from gong_exporter.gong.errors import ConnectionFailed, GongError, InvalidResponse, TimedOut
from gong_exporter.gong.records import AGGREGATE_ACTIVITY_PATH
from gong_exporter.gong.transport_errors import describe, is_timeout

MAX_BODY = 8 * 2**20
"""Bytes of an unpacked body that are read; a page of 100 users is some 60 kB."""

MAX_ERROR_BODY = 64 * 2**10
"""Bytes of an error's body that are read; what is behind them changes nothing."""

MAX_IDLE = 30.0
"""Seconds after which a connection is not used again. Firewalls forget it between polls without
a word, and what is sent over it then ends in a time-out."""

_CHUNK = 64 * 2**10
_OK = 200
_STOP_LATENCY = 0.1
"""Seconds within which a stop is seen while an exchange hangs."""

_LAST_MOMENT = 0.3
"""Seconds that an answer on its way has when the process stops or reloads."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, unread.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
        body: unpacked.
        whole: the body is all there. Errors may lack theirs: their status says enough.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


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
        self._url = base_url.rstrip("/") + AGGREGATE_ACTIVITY_PATH
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]
        self._timeout = timeout
        self._max_body = max_body
        self._always = {
            "headers": {
                "User-Agent": user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Content-Type": "application/json",
            },
            "proxies": {"http": proxy_url, "https": proxy_url} if proxy_url else None,
            "verify": ca_file or True,
            "timeout": timeout,
            "allow_redirects": False,
            "stream": True,
        }
        self._session = new_session()
        self._worker: DeadlineThread | None = None
        self._used_at = time.monotonic()

    def post(self, body: bytes, authorization: str, clock: Clock) -> Response:
        """Send a request body and return the answer, whatever its status.

        Args:
            body: JSON.
            authorization: the Authorization header's value.
            clock: asked whether the process is stopping.

        Raises:
            TimedOut: it took longer than the timeout.
            ConnectionFailed: no connection, or it broke.
            InvalidResponse: the body is too large or wrongly packed.
            Stopped: the process is stopping, and there is no error's head yet.
        """
        if time.monotonic() - self._used_at > MAX_IDLE:
            self._session.close()
        exchange = _Exchange(self._session, self._url, self._max_body)
        request = {**self._always, "data": body, "auth": _Authorization(authorization)}
        task = Task(lambda: exchange.run(request), time.monotonic() + self._timeout)
        worker = self._worker = self._worker or DeadlineThread()
        worker.begin(task)
        clean = False
        try:
            try:
                _await(task, clock)
            except Stopped:
                # Its body is given up; a head that is no 200's says enough, as at the deadline.
                if exchange.answer is None or exchange.answer.status == _OK:
                    raise
            answer = self._outcome(task, exchange)
            clean = answer.status == _OK
        finally:
            self._used_at = time.monotonic()
            if not clean:
                # What may still come over this connection belongs to this exchange, not to the
                # next one; and its thread may still hold this session.
                task.give_up()
                self.close()
                self._session = new_session()
        return answer

    def close(self) -> None:
        """Drop idle connections, and the thread."""
        self._session.close()
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _outcome(self, task: Task, exchange: _Exchange) -> Response:
        error = task.error if task.done.is_set() else None
        answer = exchange.answer
        if isinstance(error, GongError):
            raise error
        if answer is not None and (answer.whole or answer.status != _OK):
            return answer
        broken = self._broken(error)
        broken.code = None if answer is None else answer.status
        raise broken from error

    def _broken(self, error: BaseException | None) -> GongError:
        """What kept the answer from being whole; without an error, the time ran out."""
        if isinstance(error, ContentDecodingError):
            return InvalidResponse("the answer's Content-Encoding does not unpack")
        if error is None or is_timeout(error):
            return TimedOut(f"no whole answer within gong.timeout ({self._timeout:g} s)")
        return ConnectionFailed(f"{self._host}: {describe(error)}")


class _Exchange:
    """What a worker's task runs, and how far it has come.

    Attributes:
        answer: None until its head is there, not whole until its body is.
    """

    def __init__(self, session: requests.Session, url: str, max_body: int) -> None:
        self._session = session
        self._url = url
        self._max_body = max_body
        self.answer: Response | None = None

    def run(self, request: Mapping[str, Any]) -> None:
        """Send it and read what comes. Raises: what requests and urllib3 do."""
        with self._session.post(self._url, **request) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            head = self.answer = Response(response.status_code, headers, b"", whole=False)
            self.answer = replace(head, body=self._body(response), whole=True)

    def _body(self, response: requests.Response) -> bytes:
        received = bytearray()
        for chunk in response.iter_content(_CHUNK):
            received += chunk
            if response.status_code != _OK and len(received) >= MAX_ERROR_BODY:
                break
            if len(received) > self._max_body:
                error = InvalidResponse(f"the answer is larger than {self._max_body} bytes")
                error.code = response.status_code
                raise error
        return bytes(received)


class _Authorization(AuthBase):
    """Goes through ``auth=``: a bare header would be replaced by a netrc entry."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _await(task: Task, clock: Clock) -> None:
    """Wait until the exchange is over, or its deadline. Raises: Stopped."""
    while not task.done.is_set():
        remaining = task.deadline - time.monotonic()
        if remaining <= 0:
            return
        try:
            clock.check()
        except Stopped:
            # What is just arriving may be a 429, and after a reload the next call would follow at
            # once: its Retry-After counts. An answer that is not there by then is given up.
            if task.done.wait(_LAST_MOMENT):
                return
            raise
        task.done.wait(min(remaining, _STOP_LATENCY))
