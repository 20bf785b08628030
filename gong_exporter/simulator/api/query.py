"""Checks the credentials of a request and reads its filter."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, NoReturn

from gong_exporter.simulator.api.messages import Refusal
from gong_exporter.simulator.api.simulator_options import SimulatorOptions

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_USER_ID = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Query:
    """The filter and cursor of a well-formed request.

    Attributes:
        start: ``filter.fromDate``, inclusive.
        end: ``filter.toDate``, exclusive.
        user_ids: ``filter.userIds``; ``None`` for everyone (absent, null or empty).
        created_from: ``filter.createdFromDateTime`` as written.
        created_to: ``filter.createdToDateTime`` as written.
        cursor: ``cursor``, as written.
    """

    start: date
    end: date
    user_ids: frozenset[str] | None
    created_from: str | None
    created_to: str | None
    cursor: str | None

    @property
    def fingerprint(self) -> int:
        """A hash of the filter: equal for equal filters, whatever the order of ``userIds``."""
        return hash((self.start, self.end, self.user_ids, self.created_from, self.created_to))


def check_credentials(authorization: str | None, options: SimulatorOptions) -> None:
    """Accept HTTP Basic with the access key, or the bearer token.

    Raises:
        Refusal: 401 for anything else.
    """
    scheme, _, value = (authorization or "").partition(" ")
    pair = f"{options.access_key}:{options.access_key_secret}"
    expected = {
        "basic": base64.b64encode(pair.encode()),
        "bearer": options.bearer_token.encode(),
    }
    if scheme.lower() not in expected:
        raise Refusal(HTTPStatus.UNAUTHORIZED, ("Missing or invalid Authorization header",))
    given = value.strip().encode("utf-8", "replace")
    if not hmac.compare_digest(given, expected[scheme.lower()]):
        raise Refusal(HTTPStatus.UNAUTHORIZED, ("Invalid credentials",))


def read_query(body: bytes, today: date, zone_name: str) -> Query:
    """Read the body of a request.

    Args:
        body: as received.
        today: the company's current day, which ``toDate`` must not exceed.
        zone_name: the company's time zone, for the message.

    Raises:
        Refusal: 400 with every error of the filter.
    """
    payload = parse_json(body)
    if not isinstance(payload, dict):
        _refuse("The body must be a JSON object")
    given = payload.get("filter")
    if given is None:
        _refuse("filter: may not be null")
    if not isinstance(given, dict):
        _refuse("filter: must be an object")
    errors: list[str] = []
    start = _date(given, "fromDate", errors)
    end = _date(given, "toDate", errors)
    created_from = _date_time(given, "createdFromDateTime", errors)
    created_to = _date_time(given, "createdToDateTime", errors)
    user_ids = _user_ids(given, errors)
    cursor = payload.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        errors.append("cursor: must be a string")
    if start and end and end <= start:
        errors.append("filter.toDate: must be after filter.fromDate")
    if end and end > today:
        errors.append(f"filter.toDate: must not exceed the current day, {today} in {zone_name}")
    if errors or start is None or end is None:
        raise Refusal(HTTPStatus.BAD_REQUEST, tuple(errors))
    return Query(start, end, user_ids, created_from, created_to, cursor)


def parse_json(body: bytes) -> Any:
    """The JSON value in ``body``.

    Raises:
        Refusal: 400, the body is not JSON in UTF-8.
    """
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError, too
        raise Refusal(HTTPStatus.BAD_REQUEST, ("The body is not valid JSON",)) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _date(given: Mapping[str, Any], name: str, errors: list[str]) -> date | None:
    value = given.get(name)
    if value is None:
        errors.append(f"filter.{name}: may not be null")
        return None
    if isinstance(value, str) and _DATE.fullmatch(value):
        with suppress(ValueError):  # 30 February is refused like any other text
            return date.fromisoformat(value)
    errors.append(f"filter.{name}: must be a date as YYYY-MM-DD")
    return None


def _date_time(given: Mapping[str, Any], name: str, errors: list[str]) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    with suppress(ValueError):
        if isinstance(value, str) and datetime.fromisoformat(value).tzinfo:
            return value
    errors.append(f"filter.{name}: must be a date-time as 2026-01-31T08:00:00Z")
    return None


def _user_ids(given: Mapping[str, Any], errors: list[str]) -> frozenset[str] | None:
    value = given.get("userIds")
    if value is None:
        return None
    if not isinstance(value, list):
        errors.append("filter.userIds: must be an array")
        return None
    for index, one in enumerate(value):
        if not isinstance(one, str) or not _USER_ID.fullmatch(one):
            errors.append(f"filter.userIds[{index}]: must be a string of up to 20 digits")
    if errors or not value:
        return None
    return frozenset(value)


def _refuse(message: str) -> NoReturn:
    raise Refusal(HTTPStatus.BAD_REQUEST, (message,))
