"""The responses that faults send instead of the right one."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any

from gong_exporter.simulator.api.messages import (
    HTML_TYPE,
    JSON_TYPE,
    ApiRequest,
    ApiResponse,
    Refusal,
    error_response,
    json_response,
)

GZIP_MEMBERS = 512
JSON_DEPTH = 100_000


@dataclass(frozen=True, slots=True)
class FaultContext:
    """The request to which a fault applies.

    Attributes:
        request_id: ``requestId`` of the response.
        serial: number of the request, from 1.
        now: current time, aware.
        request: as received.
    """

    request_id: str
    serial: int
    now: datetime
    request: ApiRequest


def _refused(
    status: int, error: str, *headers: tuple[str, str]
) -> Callable[[FaultContext], ApiResponse]:
    return lambda context: error_response(context.request_id, Refusal(status, (error,), headers))


def _limited(*retry_after: str) -> Callable[[FaultContext], ApiResponse]:
    headers = (("Retry-After", value) for value in retry_after)
    return _refused(429, "API request limit exceeded", *headers)


def _limited_until_date(context: FaultContext) -> ApiResponse:
    then = (context.now + timedelta(seconds=2)).astimezone(UTC)
    return _limited(format_datetime(then, usegmt=True))(context)


def _redirect(context: FaultContext) -> ApiResponse:
    name, _, port = (context.request.header("host") or "").rpartition(":")
    other = "127.0.0.1" if name == "localhost" else "localhost"
    location = f"http://{other}:{port}{context.request.target}"
    return ApiResponse(307, b"", (("Location", location),))


def _html(status: int) -> Callable[[FaultContext], ApiResponse]:
    page = f"<html><head><title>{status}</title></head><body><h1>cloud edge</h1></body></html>"
    return lambda _: ApiResponse(status, page.encode(), (HTML_TYPE,))


def _raw(
    status: int, body: bytes, *headers: tuple[str, str]
) -> Callable[[FaultContext], ApiResponse]:
    return lambda _: ApiResponse(status, body, headers)


_SHAPES: tuple[Any, ...] = (
    [],
    None,
    "ok",
    42,
    {"records": "many", "usersAggregateActivityStats": []},
    {"records": {"totalRecords": "all of them"}, "usersAggregateActivityStats": []},
    {"records": {"totalRecords": 1}, "usersAggregateActivityStats": {"userId": "1"}},
    {"records": {"totalRecords": 1}, "usersAggregateActivityStats": ["user"]},
    {
        "records": {"totalRecords": 1},
        "usersAggregateActivityStats": [{"userId": "1", "userAggregateActivityStats": [1, 2]}],
    },
    {"data": {"records": {"totalRecords": 0}}, "status": "ok"},
)


def _wrong_shape(context: FaultContext) -> ApiResponse:
    return json_response(200, _SHAPES[context.serial % len(_SHAPES)])


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (1 << 20), mtime=0) * GZIP_MEMBERS


RESPONSES: Mapping[str, Callable[[FaultContext], ApiResponse]] = {
    "server-error": _refused(500, "An unexpected error has occurred"),
    "bad-gateway": _html(502),
    "unavailable": _raw(503, b""),
    "rate-limited": _limited("1"),
    "rate-limited-long": _limited("7200"),
    "retry-after-absent": _limited(),
    "retry-after-garbage": _limited("a little while"),
    "retry-after-date": _limited_until_date,
    "retry-after-negative": _limited("-5"),
    "retry-after-fraction": _limited("0.5"),
    "retry-after-absurd": _limited("9" * 400),
    "unauthorized": _refused(401, "Invalid credentials"),
    "no-scope": _refused(
        401, "You don't have permission to use 'api:stats:user-actions' in your app."
    ),
    "no-users-scope": _refused(
        401, "You don't have permission to use 'api:users:read' in your app."
    ),
    "forbidden": _refused(403, "The IP address is not on the company's allow-list"),
    "bad-request": _refused(400, "Malformed request"),
    "not-found": _refused(404, "User not found"),
    "redirect": _redirect,
    "not-json": _raw(200, b'{"requestId": "4al018gzaztcr8nbukw", "records": {"tot', JSON_TYPE),
    "html": _html(200),
    "empty-body": _raw(200, b"", JSON_TYPE),
    "no-content": _raw(204, b""),
    "wrong-shape": _wrong_shape,
    "empty-object": _raw(200, b"{}", JSON_TYPE),
    "deep-json": _raw(200, b"[" * JSON_DEPTH + b"]" * JSON_DEPTH, JSON_TYPE),
    "not-utf-8": _raw(200, b'{"requestId": "\xff\xfe\x80"}', JSON_TYPE),
    "gzip-bomb": lambda _: ApiResponse(200, _bomb(), (JSON_TYPE, ("Content-Encoding", "gzip"))),
    "gzip-broken": _raw(200, b'{"records": {}}', JSON_TYPE, ("Content-Encoding", "gzip")),
}
"""The faults of the stage ``INSTEAD``: the responses."""
