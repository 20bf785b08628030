"""The client: fetches one page at a time, within the limits, and retries where that can help.

It alone owns retries and Retry-After: its callers get a page or a GongError.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from structlog.typing import FilteringBoundLogger
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    BadRequest,
    Forbidden,
    GongError,
    InvalidResponse,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
)
from gong_exporter.gong.fields import log_text
from gong_exporter.gong.gong_users import (
    USERS_PATH,
    USERS_SCOPE_ADVICE,
    UsersPage,
    parse_users_page,
)
from gong_exporter.gong.limits import MAX_WAIT, Limiter
from gong_exporter.gong.records import (
    AGGREGATE_ACTIVITY_PATH,
    ActivityFilter,
    ActivityPage,
    Exchange,
    Observer,
)
from gong_exporter.gong.response_head import check_header_value, parse_http_date, raise_for_status
from gong_exporter.gong.responses import PageT, parse_page
from gong_exporter.gong.transport import Request, Response, Transport

MAX_CLOCK_OFFSET = 300.0
"""Seconds by which the response's ``Date`` and our clock may differ without a warning."""

MAX_MESSAGE = 2000
"""Characters of an error's message, which may quote Gong or a proxy."""


FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds: the upper ends of the first wait between attempts, which doubles each time, and of any.
Waits are random below their end, so that exporters that failed together do not come back
together."""

UNSPECIFIED_WAIT = 5.0
"""Seconds to wait after a 429 without a readable Retry-After; doubles, up to MAX_WAIT."""

RATE_LIMITED_REST = 900.0
"""Seconds without calls after as many 429s to one page as the policy allows."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a page is tried.

    Attributes:
        attempts: exchanges for one page that fail with a 5xx, a timeout or a broken response.
        rate_limited: 429 responses to one page before the poll gives up.
    """

    attempts: int = 4
    rate_limited: int = 5


class GongClient:
    """Fetches pages of activity and of users from Gong.

    Args:
        transport: makes the exchanges.
        limiter: allows each of them.
        observer: gets a record of each of them.
        clock: time, and the waits.
        authorization: returns the Authorization header's value. It is called before each
            exchange, because secrets rotate. Raises CredentialsUnreadable.
        redactor: redacts what errors and warnings quote of a response. It gets each header that is
            sent.
        log: gets a warning for every retry and for every page with anomalies.
        retry: how often to try.
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
        log: FilteringBoundLogger,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._transport = transport
        self._limiter = limiter
        self._observer = observer
        self._clock = clock
        self._authorization = authorization
        self._redactor = redactor
        self._log = log
        self._retry = retry or RetryPolicy()
        self._clock_is_wrong = False

    def page(
        self, wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
    ) -> ActivityPage:
        """Fetch one page of the users with activity.

        Args:
            wanted: the filter, the same for every page of a window.
            cursor: ``records.cursor`` of the page before; None for the first.
            new_connection: close open connections first, so that no response to an earlier
                request can be taken for the response to this one.

        Raises:
            GongError: a leaf of the tree in ``errors``, after the retries that make sense.
            Stopped: the process is stopping.
        """
        body = json.dumps(wanted.body(cursor)).encode()
        request = Request("POST", AGGREGATE_ACTIVITY_PATH, body)
        return self._page(request, parse_page, new_connection=new_connection)

    def users_page(self, cursor: str | None = None, *, new_connection: bool = False) -> UsersPage:
        """Fetch one page of Gong's own list of users (``GET /v2/users``).

        Raises:
            GongError: see page(); 401 and 403 name the scope that this endpoint needs.
            Stopped: the process is stopping.
        """
        query = "" if cursor is None else "?" + urlencode({"cursor": cursor})
        try:
            return self._page(
                Request("GET", USERS_PATH + query), parse_users_page, new_connection=new_connection
            )
        except (Unauthorized, Forbidden) as error:
            error.advice = f"{USERS_SCOPE_ADVICE}; or {error.advice}"
            raise

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _page(
        self,
        request: Request,
        parse: Callable[[bytes, Redactor], PageT],
        *,
        new_connection: bool,
    ) -> PageT:
        """Fetch one page of an endpoint, with the retries that make sense."""
        if new_connection:
            self._transport.drop_connections()
        retrying = Retrying(
            stop=stop_after_attempt(self._retry.attempts),
            wait=wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT),
            retry=retry_if_exception_type((TransportError, ServerError, InvalidResponse)),
            sleep=self._clock.wait,
            before_sleep=self._log_retry,
            reraise=True,
        )
        page: PageT = retrying(self._fetch, request, parse, itertools.count())
        return page

    def _fetch(
        self,
        request: Request,
        parse: Callable[[bytes, Redactor], PageT],
        refusals: Iterator[int],
    ) -> PageT:
        """Make one exchange, and another one after each 429 that asks for a short wait.

        ``refusals`` counts the 429s to this request, those between other errors included.
        """
        while True:
            try:
                return self._exchange(request, parse)
            except RateLimited as error:
                refused = next(refusals)
                wait = error.retry_after
                if wait is None:
                    wait = min(UNSPECIFIED_WAIT * 2**refused, MAX_WAIT)
                error.until = self._limiter.rate_limited(wait)
                if wait > MAX_WAIT:
                    raise
                if refused >= self._retry.rate_limited:
                    # To go on as soon as allowed would keep the 429s coming.
                    error.until = self._clock.now() + RATE_LIMITED_REST
                    raise
                self._log.warning(
                    "Gong asked to wait",
                    error=error.message,
                    seconds=round(wait),
                    request_id=error.request_id,
                )

    def _exchange(self, request: Request, parse: Callable[[bytes, Redactor], PageT]) -> PageT:
        """Make one exchange, within the limits, and report it to the observer."""
        authorization = check_header_value(self._authorization())
        self._redactor.add_authorization(authorization)
        call = self._limiter.acquire()
        began = self._clock.monotonic()
        code: int | None = None
        reason: str | None = None
        offset: float | None = None
        try:
            response = self._transport.send(request, authorization, self._clock)
            code = response.status
            offset = self._check_clock(parse_http_date(response.headers.get("date")))
            page = self._read(response, parse)
            reason = InvalidResponse.reason if page.anomalies else None
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
                    duration=self._clock.monotonic() - began,
                    code=code,
                    reason=reason,
                    clock_offset=offset,
                )
            )

    def _read(self, response: Response, parse: Callable[[bytes, Redactor], PageT]) -> PageT:
        """Return the response's page, or raise the error that it stands for."""
        # Gong's support accepts it when the body has no requestId.
        trace_id = log_text(response.headers.get("x-traceid"), self._redactor)
        try:
            raise_for_status(response, self._clock.now(), self._redactor)
            page = parse(response.body, self._redactor)
        except GongError as error:
            error.request_id = error.request_id or trace_id
            if self._clock_is_wrong and isinstance(error, BadRequest):
                error.advice = "set this machine's clock, which differs from Gong's"
            raise
        page = replace(page, request_id=page.request_id or trace_id)
        if page.anomalies:
            self._log.warning(
                "unexpected values in a response",
                anomalies="; ".join(page.anomalies),
                request_id=page.request_id,
            )
        return page

    def _check_clock(self, date: float | None) -> float | None:
        """Return by how much Gong's clock is ahead of ours; warn once when that is too much."""
        if date is None:
            return None
        offset = date - self._clock.now()
        was_wrong, self._clock_is_wrong = self._clock_is_wrong, abs(offset) > MAX_CLOCK_OFFSET
        if self._clock_is_wrong and not was_wrong:
            self._log.warning(
                "this machine's clock differs from Gong's by more than five minutes",
                ahead_seconds=round(-offset),
                advice="set the clock: days, windows and stale data are computed from it",
            )
        return offset

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, GongError):
            self._log.warning("retrying", error=error.message, request_id=error.request_id)
