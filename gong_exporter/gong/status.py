"""Raises the error that a response's status stands for."""

from __future__ import annotations

from http import HTTPStatus

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import (
    NOT_GONG,
    BadRequest,
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
from gong_exporter.gong.headers import origin, parse_retry_after
from gong_exporter.gong.responses import is_html, parse_error
from gong_exporter.gong.transport import Response

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

    Args:
        response: as received.
        now: Unix seconds.
        redactor: redacts what the error quotes of the response.

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
