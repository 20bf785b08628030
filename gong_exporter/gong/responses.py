"""Reads Gong's JSON, in which every member may be missing, null, or not as documented.

This module alone decides what is tolerated. A member with an unexpected value is left out and
named in ``Page.anomalies``. A whole response is refused only if it could make us publish zeros
for people who have numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import NOT_GONG, InvalidResponse
from gong_exporter.gong.fields import (
    bounded_anomalies,
    data_text,
    is_number,
    log_text,
    parse_count,
    parse_cursor,
    parse_email,
    parse_user_id,
    whole_number,
)
from gong_exporter.gong.records import COUNTERS, ActivityPage, Page, UserActivity

PageT = TypeVar("PageT", bound=Page[Any])
"""A page of one of the endpoints."""

_MAX_ERRORS = 5
_EXTRA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
_DOCUMENTED = frozenset(COUNTERS)


def parse_page(body: bytes, redactor: Redactor) -> ActivityPage:
    """Read the body of a 200.

    Raises:
        InvalidResponse: not JSON, not an object, or without its list of users.
    """
    return read_page(body, redactor, _page)


def read_page(
    body: bytes,
    redactor: Redactor,
    read: Callable[[dict[str, Any], dict[str, Any], str | None, Redactor], PageT],
) -> PageT:
    """Read the body of a 200 of either endpoint.

    ``read`` gets the response, its ``records``, its ``requestId`` and the redactor.

    Raises:
        InvalidResponse: see parse_page(); it has the ``requestId``.
    """
    response = _load_object(body)
    request_id = log_text(response.get("requestId"), redactor)
    try:
        return read(response, _records(response), request_id, redactor)
    except InvalidResponse as error:
        error.request_id = request_id
        raise


def _records(response: dict[str, Any]) -> dict[str, Any]:
    """Return ``records``, the object about the listing's pages."""
    records = response.get("records")
    if records is None:
        return {}
    if not isinstance(records, dict):
        raise InvalidResponse("records is not an object")
    return records


def parse_error(body: bytes, redactor: Redactor) -> tuple[str | None, tuple[str, ...]]:
    """Return ``requestId`` and ``errors`` of an error response; nothing if it has another shape."""
    try:
        response = _load_object(body)
    except InvalidResponse:
        return None, ()
    errors = response.get("errors")
    listed = errors[:_MAX_ERRORS] if isinstance(errors, list) else []
    texts = (log_text(item, redactor) for item in listed)
    return log_text(response.get("requestId"), redactor), tuple(text for text in texts if text)


def is_html(body: bytes) -> bool:
    """True for a page of a proxy, a login or an edge; Gong's API sends JSON."""
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def _load_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body. Raises: InvalidResponse, if it has none."""
    try:
        response = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        html = is_html(body)
        kind = "HTML" if html else "not JSON"
        invalid = InvalidResponse(f"the response is {kind} ({len(body)} bytes)")
        invalid.advice = NOT_GONG if html else ""
        raise invalid from error
    if not isinstance(response, dict):
        raise InvalidResponse("the response is JSON, but not an object")
    return response


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _page(
    response: dict[str, Any], records: dict[str, Any], request_id: str | None, redactor: Redactor
) -> ActivityPage:
    anomalies: list[str] = []
    total = whole_number(records.get("totalRecords"), "records.totalRecords", anomalies)
    stats = response.get("usersAggregateActivityStats")
    if stats is None and total == 0:
        stats = []
    # Taken for an empty list, the next two would turn everybody's numbers into zeros.
    if not isinstance(stats, list):
        raise InvalidResponse("usersAggregateActivityStats is missing or not a list")
    if not stats and total is None and records.get("totalRecords") is not None:
        raise InvalidResponse("no users, and records.totalRecords is not a count")
    users = tuple(user for item in stats if (user := _user(item, anomalies)) is not None)
    return ActivityPage(
        request_id=request_id,
        total_records=total,
        current_page_size=whole_number(
            records.get("currentPageSize"), "records.currentPageSize", anomalies
        ),
        cursor=parse_cursor(records.get("cursor")),
        users=users,
        records_received=len(stats),
        time_zone=data_text(response.get("timeZone"), redactor),
        from_date_time=data_text(response.get("fromDateTime"), redactor),
        to_date_time=data_text(response.get("toDateTime"), redactor),
        anomalies=bounded_anomalies(anomalies),
    )


def _user(item: object, anomalies: list[str]) -> UserActivity | None:
    if not isinstance(item, dict):
        anomalies.append("a record that is not an object was left out")
        return None
    user_id = parse_user_id(item.get("userId"))
    if user_id is None:
        anomalies.append("a record without a userId was left out")
        return None
    stats = item.get("userAggregateActivityStats")
    if stats is None:
        stats = {}
    if not isinstance(stats, dict):
        # The format changed, so that nothing else in it can be relied on.
        raise InvalidResponse("userAggregateActivityStats is not an object")
    return UserActivity(
        user_id=user_id,
        email=parse_email(item.get("userEmailAddress"), anomalies),
        counters=_counters(stats, anomalies),
    )


def _counters(stats: dict[str, Any], anomalies: list[str]) -> dict[str, int]:
    """Return the members that are counts."""
    counters: dict[str, int] = {}
    for field, value in stats.items():
        documented = field in _DOCUMENTED
        if value is None or not (documented or is_number(value)):
            continue  # absent, or an undocumented member that is not a counter
        if not documented and not _EXTRA_NAME.fullmatch(field):
            anomalies.append("a counter with an unusable name was left out")
            continue
        count = parse_count(value)
        if count is None:
            anomalies.append(f"{field} is not a count")
        else:
            counters[field] = count
    return counters
