"""Reads the status and the headers of a response, and raises the error that they stand for."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import (
    NOT_GONG,
    BadRequest,
    CredentialsUnreadable,
    Forbidden,
    InvalidResponse,
    RateLimited,
    Redirected,
    ResponseError,
    ServerError,
    ServiceUnavailable,
    Unauthorized,
    UnexpectedStatus,
    UserNotFound,
)
from gong_exporter.gong.responses import is_html, parse_error
from gong_exporter.gong.transport import Response

MAX_RETRY_AFTER = 30 * 86_400.0
"""Seconds above which a Retry-After is ignored."""

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9._-]{1,253}(:[0-9]{1,5})?")


def check_header_value(authorization: str) -> str:
    """Return the value if an HTTP header can carry it.

    Raises:
        CredentialsUnreadable: it contains other characters. The message does not quote it.
    """
    if not _HEADER_VALUE.fullmatch(authorization):
        raise CredentialsUnreadable(
            "the credentials contain a line break or another character that no header can carry"
        )
    return authorization


def parse_retry_after(value: str | None, now: float, *, date: str | None = None) -> float | None:
    """Return the seconds to wait by a Retry-After: a number or an HTTP date (RFC 9110, 10.2.3).

    None when the header is absent, unreadable, in the past, or too far in the future.

    Args:
        value: the header.
        now: Unix seconds; a Retry-After date is compared with it when there is no Date header.
        date: the response's Date header; preferred to ``now``, because the clocks may differ.
    """
    if value is None:
        return None
    text = value.strip()
    # The RFC has neither fractions nor lists (two headers arrive as one). Both are accepted, and
    # the longest of several counts, so that no call is made too early.
    parts = [part.strip() for part in text.split(",")]
    if all(map(_SECONDS.fullmatch, parts)):
        seconds = max(map(float, parts))
    else:
        moment = parse_http_date(text)
        if moment is None:
            return None
        sent_at = parse_http_date(date)
        seconds = moment - (now if sent_at is None else sent_at)
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER else None


def parse_http_date(text: str | None) -> float | None:
    """Return an HTTP date as Unix seconds; None when it is absent or unreadable."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def origin(location: str | None) -> str | None:
    """Return scheme and host of a Location: its path and query may hold what logs should not."""
    if not location:
        return None
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    text = f"{parts.scheme}://{parts.hostname}{port}"
    return text if _ORIGIN.fullmatch(text) else None


_BY_STATUS: dict[int, type[ResponseError]] = {
    HTTPStatus.BAD_REQUEST: BadRequest,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: UserNotFound,
    HTTPStatus.REQUEST_TIMEOUT: ServerError,
    HTTPStatus.TOO_EARLY: ServerError,
}


def raise_for_status(response: Response, now: float, redactor: Redactor) -> None:
    """Do nothing for a 200.

    Raises:
        ResponseError: the leaf for the status.
        InvalidResponse: another 2xx, or a 404 that is not Gong's own.
    """
    status = response.status
    if status == HTTPStatus.OK:
        return
    request_id, errors = parse_error(response.body, redactor)
    match status // 100:
        case 3:
            location = origin(response.headers.get("location"))
            raise Redirected(status, location=location, request_id=request_id)
        case 4 if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = _retry_after(response, now)
            raise RateLimited(errors=errors, request_id=request_id, retry_after=wait)
        case 4 if status == HTTPStatus.NOT_FOUND and request_id is None and not errors:
            # The 404 of a wrong host, or of the edge in front of Gong. Taken for "no user has
            # any activity", it would turn all numbers into zeros.
            not_gong = InvalidResponse("Gong answered 404 without its usual body: is it Gong?")
            not_gong.advice = NOT_GONG
            raise not_gong
        case 4:
            kind = _BY_STATUS.get(status, UnexpectedStatus)
            html = is_html(response.body)
            if html and kind is BadRequest:
                kind = UnexpectedStatus
            error = kind(status, errors=errors, request_id=request_id)
            if html and kind in {Unauthorized, Forbidden}:
                error.advice = f"{error.advice}; or, as the body is HTML: {NOT_GONG}"
            raise error
        case 5:
            wait = _retry_after(response, now) if status == HTTPStatus.SERVICE_UNAVAILABLE else None
            if wait is not None:
                raise ServiceUnavailable(
                    status, errors=errors, request_id=request_id, retry_after=wait
                )
            raise ServerError(status, errors=errors, request_id=request_id)
        case _:
            message = f"Gong answered {status}, which has no page"
            raise InvalidResponse(message, request_id=request_id)


def _retry_after(response: Response, now: float) -> float | None:
    headers = response.headers
    return parse_retry_after(headers.get("retry-after"), now, date=headers.get("date"))
