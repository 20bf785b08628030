"""Requests to the simulated API, its responses before they are sent, and the latest of both."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request as it arrived.

    Attributes:
        arrived: when its last byte was there, in monotonic seconds.
        method: the HTTP method.
        target: path and query.
        headers: names in lower case.
        body: all of it.
    """

    arrived: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The first header of that name (in lower case), or ``None``."""
        return next((value for key, value in self.headers if key == name), None)


LATE = "late-response"
"""The delivery that sends the response to the request before."""

NEVER_COMPLETE = frozenset({"reset", "close", "hang", "not-http", "continue-forever"})
"""Deliveries in which no status reaches the client."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A status, its headers and its body.

    Attributes:
        status: the HTTP status.
        body: the whole body; ``Content-Length`` is added when it is sent.
        headers: further headers.
        delivery: the fault by which it is sent; empty for none.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delivery: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response and how it came about.

    Attributes:
        response: what goes on the wire.
        request_id: the ``requestId`` given to the request.
        faults: names of the faults that were applied.
    """

    response: ApiResponse
    request_id: str
    faults: frozenset[str]


class Refusal(Exception):
    """The response to the request is an error.

    Attributes:
        status: the HTTP status.
        errors: Gong's ``errors``.
        headers: further headers, ``Retry-After`` for one.
    """

    def __init__(
        self, status: int, errors: tuple[str, ...], headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(status, errors, headers)
        self.status = status
        self.errors = errors
        self.headers = headers


JSON_TYPE = ("Content-Type", "application/json;charset=UTF-8")
HTML_TYPE = ("Content-Type", "text/html")


def json_response(
    status: int, payload: Any, headers: tuple[tuple[str, str], ...] = ()
) -> ApiResponse:
    """A response with a JSON body. Lone surrogates go out as escapes, as Java would send them."""
    return ApiResponse(status, json.dumps(payload).encode("ascii"), (JSON_TYPE, *headers))


def error_response(request_id: str, refusal: Refusal) -> ApiResponse:
    """The body of every error: ``{"requestId": ..., "errors": [...]}``."""
    payload = {"requestId": request_id, "errors": list(refusal.errors)}
    return json_response(refusal.status, payload, refusal.headers)


_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its response.

    Attributes:
        arrived: when its last byte was there, in monotonic seconds.
        method: the HTTP method.
        target: path and query.
        headers: names in lower case; of credentials only the scheme is kept.
        body: the JSON value received, ``None`` if it was not JSON.
        status: of the response; ``None`` when no status is sent (a reset, a hang).
        request_id: the ``requestId`` it was given.
        faults: the faults that were applied, sorted.
    """

    arrived: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: Any
    status: int | None
    request_id: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        status = "no answer" if self.status is None else str(self.status)
        faults = f" faults={','.join(self.faults)}" if self.faults else ""
        body = "" if self.body is None else f" {_as_text(self.body)}"
        return f"{self.method} {self.target} {status} {self.request_id}{faults}{body}"


class Journal:
    """The latest entries. Thread-safe.

    Args:
        size: how many are kept.
        on_entry: called with each one, in the server's thread.
    """

    def __init__(self, size: int, on_entry: Callable[[Entry], None] | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._lock = Lock()
        self._on_entry = on_entry

    def write(self, request: ApiRequest, reply: Reply) -> None:
        """Keep one request and its reply."""
        entry = Entry(
            arrived=request.arrived,
            method=request.method,
            target=request.target,
            headers=tuple((name, _shown(name, value)) for name, value in request.headers),
            body=_json_or_none(request.body),
            status=None if reply.response.delivery in NEVER_COMPLETE else reply.response.status,
            request_id=reply.request_id,
            faults=tuple(sorted(reply.faults)),
        )
        with self._lock:
            self._entries.append(entry)
        if self._on_entry is not None:
            self._on_entry(entry)

    def entries(self) -> Sequence[Entry]:
        """The entries so far, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()


def _shown(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} ***" if blank else "***"


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _as_text(body: Any, max_length: int = 200) -> str:
    text = json.dumps(body)
    return text if len(text) <= max_length else f"{text[:max_length]}..."
