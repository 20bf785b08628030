"""Requests to the simulated API, and its responses before they are sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
