"""What faults make of a response: another one, or the right one with members that are not.

Members of a 200 response are changed just before it is written, because our own records cannot hold
such values.
"""

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
    "retry-after-date": _limited_until_date,
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


BEYOND_64_BITS = 1 << 65
LONG_EMAIL = 10_000
VENDOR_DATE_TIME = "2019-01-21T000:00:00-08:00"
"""The example of ``toDateTime`` on the vendor's page, three digits of hours and all."""

Payload = dict[str, Any]
"""A 200 response as it will be written."""

Table = Mapping[str, Callable[[Payload], None]]
"""Faults by name."""


def corrupt_payload(payload: Payload, active_faults: frozenset[str], table: Table) -> None:
    """Apply the active faults of ``CONTENT`` or ``USERS_CONTENT``, in the order of the table."""
    for name, change in table.items():
        if name in active_faults:
            change(payload)


def _users(payload: Payload, member: str = "usersAggregateActivityStats") -> list[Payload]:
    users: list[Payload] = payload[member]
    return users


def _counters(payload: Payload) -> list[Payload]:
    """The counters of each user; an empty one for a user without counters."""
    return [user.get("userAggregateActivityStats") or {} for user in _users(payload)]


def _null_counters(payload: Payload) -> None:
    for index, user in enumerate(_users(payload)):
        counters = user["userAggregateActivityStats"]
        counters["callsAsHost"] = None
        del counters["callsGaveFeedback"]
        if index % 3 == 2:  # noqa: PLR2004 - each third
            user["userAggregateActivityStats"] = None


def _each_calls_as_host(*values: object) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        for index, counters in enumerate(_counters(payload)):
            if counters:
                counters["callsAsHost"] = values[index % len(values)]

    return change


def _extra_counters(payload: Payload) -> None:
    for index, counters in enumerate(_counters(payload)):
        if counters:
            counters["callsWhispered"] = index
            counters["callsSummarizedByAI"] = 2 * index
    for user in _users(payload):
        user["userShoeSize"] = 43
    payload["warnings"] = [{"code": 7}]
    payload["records"]["estimated"] = False


def _weird_counter_names(payload: Payload) -> None:
    for counters in _counters(payload):
        if counters:
            counters.update(
                {'calls"quoted\\': 1, "calls\nbroken": 2, "": 3, "Anrufe ä 電話": 4, "7calls": 5}
            )
            counters["calls_as_host"] = 99_999  # the same name in snake_case as callsAsHost


def _numeric_ids(payload: Payload) -> None:
    for user in _users(payload):
        user["userId"] = int(user["userId"])


def _numeric_directory_ids(payload: Payload) -> None:
    for user in _users(payload, "users"):
        for member in ("id", "managerId"):
            user[member] = user[member] and int(user[member])


def _null_or_absent(
    member: str, users: str = "usersAggregateActivityStats"
) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        for index, user in enumerate(_users(payload, users)):
            if index % 2:
                del user[member]
            else:
                user[member] = None

    return change


def _weird_emails(
    member: str, users: str = "usersAggregateActivityStats"
) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        for index, user in enumerate(_users(payload, users)):
            user[member] = (
                f'"quoted {index}"@acme.example',
                f"back\\slash{index}@acme.example",
                f"new\nline{index}@acme.example",
                f"half\ud800surrogate{index}@acme.example",
                f"{index}".rjust(LONG_EMAIL, "x"),
            )[index % 5]

    return change


def _set(**members: object) -> Callable[[Payload], None]:
    return lambda payload: payload.update(members)


def _no_records(payload: Payload) -> None:
    del payload["records"]


CONTENT: Table = {
    "null-counters": _null_counters,
    "weird-counters": _each_calls_as_host(-1, 1.5, "12", BEYOND_64_BITS),
    "nan-counters": _each_calls_as_host(float("nan"), float("inf")),
    "extra-counters": _extra_counters,
    "weird-counter-names": _weird_counter_names,
    "numeric-ids": _numeric_ids,
    "null-ids": _null_or_absent("userId"),
    "null-emails": _null_or_absent("userEmailAddress"),
    "weird-emails": _weird_emails("userEmailAddress"),
    "unknown-time-zone": _set(timeZone="Mars/Olympus_Mons"),
    "null-time-zone": _set(timeZone=None),
    "malformed-date-times": _set(fromDateTime=VENDOR_DATE_TIME, toDateTime=VENDOR_DATE_TIME),
    "other-range": _set(
        fromDateTime="2019-01-21T00:00:00-08:00", toDateTime="2019-01-22T00:00:00-08:00"
    ),
    "null-members": _set(requestId=None, fromDateTime=None, toDateTime=None),
    "no-records": _no_records,
}
"""The faults of the stage ``CONTENT``, in an order that lets them be combined:
members are deleted after everything that changes them."""

USERS_CONTENT: Table = {
    "numeric-ids": _numeric_directory_ids,
    "null-ids": _null_or_absent("id", "users"),
    "null-emails": _null_or_absent("emailAddress", "users"),
    "weird-emails": _weird_emails("emailAddress", "users"),
    "null-members": _set(requestId=None),
    "no-records": _no_records,
}
"""Those of them that concern ``GET /v2/users``: none about counters or ranges."""
