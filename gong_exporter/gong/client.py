"""The client: one page at a time, limited, retried where that can help, told to the observer.

It is the one owner of retries and of Retry-After; whoever calls ``page`` gets a page or a reason.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    BadRequest,
    CredentialsUnreadable,
    Forbidden,
    GongError,
    InvalidResponse,
    RateLimited,
    Redirected,
    ResponseError,
    ServerError,
    TransportError,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.limits import MAX_WAIT, Limiter
from gong_exporter.gong.observer import Observer
from gong_exporter.gong.records import ActivityFilter, Exchange, Page
from gong_exporter.gong.responses import parse_error, parse_page
from gong_exporter.gong.transport import Response, Transport

MAX_RETRY_AFTER = 30 * 86_400.0
"""Seconds past which a Retry-After is not believed."""

MAX_MESSAGE = 2000
"""Characters of an error's message, which may quote Gong or a proxy."""

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9._-]{1,253}(:[0-9]{1,5})?")

_BY_STATUS: dict[int, type[ResponseError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: UserNotFound,
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a page is tried, and how long between.

    Attributes:
        attempts: exchanges for one page that fail with a 5xx, a time-out or a broken answer.
        first_wait: seconds, the upper end of the first wait; doubles each time.
        longest_wait: seconds, the upper end of any wait. Waits are random below their end, so
            that exporters that failed together do not come back together.
        rate_limited: 429 answers to one page before the poll gives up.
        unspecified_wait: seconds to wait after a 429 without a readable Retry-After; doubles, up
            to MAX_WAIT.
        rate_limited_rest: seconds to leave Gong alone after so many 429s to one page.
    """

    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 30.0
    rate_limited: int = 5
    unspecified_wait: float = 5.0
    rate_limited_rest: float = 900.0


class GongClient:
    """Asks Gong for pages of activity.

    Args:
        transport: makes the exchanges.
        limiter: gives leave for each of them.
        observer: is told of each of them.
        clock: time, and the waits.
        authorization: the Authorization header's value, read anew for each call since secrets
            rotate. Raises CredentialsUnreadable.
        redactor: redacts what errors and warnings quote of a response; is given each header that
            is sent.
        retry: how often to try.
        warn: is told, in words and with Gong's requestId, of what in a page could not be taken
            at its word, and of exchanges that are tried again.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        limiter: Limiter,
        observer: Observer,
        clock: Clock,
        authorization: Callable[[], str],
        redactor: Redactor,
        retry: RetryPolicy | None = None,
        warn: Callable[[str, str | None], None] | None = None,
    ) -> None:
        self._transport = transport
        self._limiter = limiter
        self._observer = observer
        self._clock = clock
        self._authorization = authorization
        self._redactor = redactor
        self._retry = retry or RetryPolicy()
        self._warn = warn or _say_nothing

    def page(self, wanted: ActivityFilter, cursor: str | None = None) -> Page:
        """One page of the users with activity.

        Args:
            wanted: the filter, the same for every page of a window.
            cursor: ``records.cursor`` of the page before; None for the first.

        Raises:
            GongError: a leaf of the tree in ``errors``, after the retries that make sense.
            Stopped: the process is stopping.
        """
        body = json.dumps(wanted.body(cursor)).encode()
        retrying = Retrying(
            stop=stop_after_attempt(self._retry.attempts),
            wait=wait_random_exponential(
                multiplier=self._retry.first_wait, max=self._retry.longest_wait
            ),
            retry=retry_if_exception(_worth_retrying),
            sleep=self._clock.wait,
            before_sleep=self._announce,
            reraise=True,
        )
        return retrying(self._past_rate_limits, body, itertools.count())

    def close(self) -> None:
        """Drop idle connections."""
        self._transport.close()

    def _past_rate_limits(self, body: bytes, refused: Iterator[int]) -> Page:
        """One exchange, again after each 429 that asks for a bearable wait.

        Args:
            body: what is sent.
            refused: counts the 429s to this page, those between other errors included.
        """
        while True:
            try:
                return self._once(body)
            except RateLimited as error:
                refusals = next(refused)
                wait = error.retry_after
                if wait is None:
                    wait = min(self._retry.unspecified_wait * 2**refusals, MAX_WAIT)
                until = self._limiter.rate_limited(wait)
                if wait > MAX_WAIT:
                    error.until = until
                    raise
                if refusals >= self._retry.rate_limited:
                    # To come back as soon as allowed would keep the 429s coming.
                    error.until = self._clock.now() + self._retry.rate_limited_rest
                    raise
                self._warn(f"{error.message}; going on in {wait:.0f} s", error.request_id)

    def _once(self, body: bytes) -> Page:
        authorization = _sendable(self._authorization())
        self._redactor.add_authorization(authorization)
        call = self._limiter.acquire()
        started_at, began = self._clock.now(), self._clock.monotonic()
        code: int | None = None
        reason: str | None = None
        try:
            answer = self._transport.post(body, authorization, self._clock)
            code = answer.status
            page = _read(answer, self._clock.now(), self._redactor)
            if page.anomalies:
                reason = InvalidResponse.reason
                self._warn("; ".join(page.anomalies), page.request_id)
        except GongError as error:
            error.message = self._redactor.shorten(error.message, MAX_MESSAGE)
            error.args = (error.message,)
            code, reason = error.code if code is None else code, error.reason
            raise
        else:
            return page
        finally:
            self._limiter.release(call)
            self._observer.exchanged(
                Exchange(
                    started_at=started_at,
                    duration=self._clock.monotonic() - began,
                    code=code,
                    reason=reason,
                )
            )

    def _announce(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, GongError):
            self._warn(f"{error.message}; trying again", error.request_id)


def _say_nothing(_message: str, _request_id: str | None) -> None:
    pass


def _worth_retrying(error: BaseException) -> bool:
    return isinstance(error, TransportError | ServerError | InvalidResponse)


def _sendable(authorization: str) -> str:
    """The header's value. Raises: CredentialsUnreadable, without a character of it."""
    if not _HEADER_VALUE.fullmatch(authorization):
        raise CredentialsUnreadable(
            "the credentials hold a line break or another character that no header can carry"
        )
    return authorization


def _read(answer: Response, now: float, redactor: Redactor) -> Page:
    """A page, or the error that the status stands for."""
    status = answer.status
    if status == HTTPStatus.OK:
        return parse_page(answer.body, redactor)
    request_id, errors = parse_error(answer.body, redactor)
    match status // 100:
        case 3:
            location = _origin(answer.headers.get("location"))
            raise Redirected(status, location=location, request_id=request_id)
        case 4 if status == HTTPStatus.TOO_MANY_REQUESTS:
            header = answer.headers.get("retry-after")
            wait = retry_after(header, now, date=answer.headers.get("date"))
            raise RateLimited(errors=errors, request_id=request_id, retry_after=wait)
        case 4 if status == HTTPStatus.NOT_FOUND and request_id is None and not errors:
            # Taken for "nobody has any activity", the 404 of a wrong host, or of the edge in
            # front of Gong, would turn everybody's numbers into zeros.
            raise InvalidResponse("Gong answered 404, but not in its own words: is it Gong?")
        case 4:
            known = _BY_STATUS.get(status, BadRequest)
            raise known(status, errors=errors, request_id=request_id)
        case 5:
            raise ServerError(status, errors=errors, request_id=request_id)
        case _:
            message = f"Gong answered {status}, which has no page"
            raise InvalidResponse(message, request_id=request_id)


def retry_after(value: str | None, now: float, *, date: str | None = None) -> float | None:
    """Seconds to wait by a Retry-After header: a number, or an HTTP date (RFC 9110, 10.2.3).

    None when it is absent, unreadable, in the past, or too far away to be meant.

    Args:
        value: the header.
        now: Unix seconds, what a date counts from unless the answer says what time it was there.
        date: the answer's Date header, since the two clocks may differ.
    """
    if value is None:
        return None
    text = value.strip()
    # A fraction is none of the RFC's, and two headers arrive as one: not to come too soon, both
    # are taken for what they say, the longest of several.
    parts = [part.strip() for part in text.split(",")]
    if all(map(_SECONDS.fullmatch, parts)):
        seconds = max(map(float, parts))
    else:
        moment = _http_date(text)
        if moment is None:
            return None
        there = _http_date(date) if date is not None else None
        seconds = moment - (now if there is None else there)
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER else None


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _origin(location: str | None) -> str | None:
    """Scheme and host of a Location: its path and query may hold what logs should not."""
    if not location:
        return None
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.hostname}{port}"
    return origin if _ORIGIN.fullmatch(origin) else None
