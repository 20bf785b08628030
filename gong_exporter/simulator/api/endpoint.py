"""The simulated endpoint: from a request to the response that Gong would send."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from gong_exporter.simulator.api import faulty_responses
from gong_exporter.simulator.api.corrupt_payload import corrupt_payload
from gong_exporter.simulator.api.cursors import Cursors, expired
from gong_exporter.simulator.api.faults import Fault, Stage, draw_faults, first_of
from gong_exporter.simulator.api.limits import ApiLimits
from gong_exporter.simulator.api.listings import Listings, Page, cut_page
from gong_exporter.simulator.api.options import SimulatorOptions
from gong_exporter.simulator.api.query import Query, check_credentials, read_query
from gong_exporter.simulator.api.responses import Refusal, Response, error_response, json_response
from gong_exporter.simulator.records import Company

PATH = "/v2/stats/activity/aggregate"
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
TOO_MANY_REQUESTS = 429

LIMIT_EXCEEDED = "API request limit exceeded"
USER_NOT_FOUND = "User not found"


@dataclass(frozen=True, slots=True)
class Request:
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

    def header(self, name: str) -> str | None:
        """The first header of that name (in lower case), or ``None``."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response and how it came about.

    Attributes:
        response: what goes on the wire.
        request_id: the ``requestId`` given to the request.
        faults: names of the faults that were applied.
    """

    response: Response
    request_id: str
    faults: frozenset[str]


class Api:
    """One company's Gong API, without the network.

    Not thread-safe, except that another thread may set ``faults`` and ``script``.

    Args:
        company: whose activity it serves.
        options: how it behaves.
        now: the current time, aware; decides what the company's today is.
        key: what cursors are signed with.

    Attributes:
        faults: the faults that are switched on, and how often they apply.
        script: the faults of the next responses, one item each, in place of ``faults``.
    """

    def __init__(
        self,
        company: Company,
        options: SimulatorOptions,
        now: Callable[[], datetime],
        key: bytes,
    ) -> None:
        self._company = company
        self._options = options
        self._now = now
        self._limits = ApiLimits(options.requests_per_second, options.requests_per_day)
        self._cursors = Cursors(key, options.cursor_lifetime)
        self._listings = Listings(company)
        self._serial = 0
        self.faults: Sequence[Fault] = options.faults
        self.script: deque[frozenset[str]] = deque()

    def handle(self, request: Request) -> Reply:
        """Respond to one request. Faults apply only with the right path, method and key."""
        self._serial += 1
        request_id = _request_id(self._options.seed, self._serial)
        active_faults: frozenset[str] = frozenset()
        try:
            self._admit(request)
            active_faults = self._draw_faults()
            response = self._respond(request, request_id, active_faults)
        except Refusal as refusal:
            response = error_response(request_id, refusal)
        if name := first_of(Stage.DELIVERY, active_faults):
            response = replace(response, delivery=faulty_responses.DELIVERIES[name])
        stamp = format_datetime(self._now().astimezone(UTC), usegmt=True)
        response = replace(response, headers=(*response.headers, ("Date", stamp)))
        return Reply(response, request_id, active_faults)

    def _draw_faults(self) -> frozenset[str]:
        try:
            return self.script.popleft()
        except IndexError:
            return draw_faults(self.faults, self._options.seed, self._serial)

    def _admit(self, request: Request) -> None:
        """Check path, method, key and limits, in this order: only valid calls are counted.

        Raises:
            Refusal: 404, 405, 401 or 429.
        """
        if request.target.partition("?")[0] != PATH:
            raise Refusal(NOT_FOUND, ("Not found",))
        if request.method != "POST":
            raise Refusal(METHOD_NOT_ALLOWED, ("Method not allowed",), (("Allow", "POST"),))
        check_credentials(request.header("authorization"), self._options)
        if wait := self._limits.admit(request.arrived):
            raise Refusal(TOO_MANY_REQUESTS, (LIMIT_EXCEEDED,), (("Retry-After", str(wait)),))

    def _respond(
        self, request: Request, request_id: str, active_faults: frozenset[str]
    ) -> Response:
        now = self._now()
        if name := first_of(Stage.INSTEAD, active_faults):
            host = request.header("host") or ""
            context = faulty_responses.FaultContext(
                request_id, self._serial, now, host, request.target
            )
            return faulty_responses.respond_instead(name, context)
        zone = self._company.time_zone
        query = read_query(request.body, now.astimezone(zone).date(), zone.key)
        number = 0
        if query.cursor is not None:
            if "expired-cursor" in active_faults:
                raise expired()
            number = self._cursors.read(query.cursor, query.fingerprint, request.arrived)
        page = self._page(query, number, active_faults)
        payload = self._payload(query, page, request_id, zone)
        if cursor := self._cursor(query, page, request.arrived, active_faults):
            payload["records"]["cursor"] = cursor
        corrupt_payload(payload, active_faults)
        return json_response(200, payload)

    def _page(self, query: Query, number: int, active_faults: frozenset[str]) -> Page:
        """The requested page.

        Raises:
            Refusal: 404, no user has data, by the reading in force.
        """
        readings = self._options.readings
        if query.user_ids is not None and (
            readings.unknown_id_fails or "unknown-id-fails" in active_faults
        ):
            unknown = query.user_ids.difference(self._company.user_ids)
            if unknown:
                raise Refusal(NOT_FOUND, (USER_NOT_FOUND,))
        users = self._listings.users(query.start, query.end, query.user_ids)
        empty_is_404 = readings.empty_is_404 or "empty-is-404" in active_faults
        if not users and (query.user_ids is not None or empty_is_404):
            raise Refusal(NOT_FOUND, (USER_NOT_FOUND,))
        return cut_page(users, number, self._options.page_size, active_faults)

    def _cursor(
        self, query: Query, page: Page, at: float, active_faults: frozenset[str]
    ) -> str | None:
        if query.cursor is not None and "repeated-cursor" in active_faults:
            return query.cursor
        if page.follow:
            return self._cursors.issue(query.fingerprint, page.number + 1, at)
        return None

    def _payload(self, query: Query, page: Page, request_id: str, zone: ZoneInfo) -> dict[str, Any]:
        return {
            "requestId": request_id,
            "records": {
                "totalRecords": page.total,
                "currentPageSize": len(page.users),
                "currentPageNumber": self._options.readings.first_page_number + page.number,
            },
            "usersAggregateActivityStats": [
                {
                    "userId": user.user_id,
                    "userEmailAddress": user.email,
                    "userAggregateActivityStats": dict(user.counters),
                }
                for user in page.users
            ],
            "timeZone": zone.key,
            "fromDateTime": day_start(query.start, zone).isoformat(),
            "toDateTime": day_start(query.end, zone).isoformat(),
        }


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of ``day`` in ``zone``; 01:00 where midnight was skipped."""
    midnight = datetime.combine(day, time.min, zone)
    try:
        return midnight.astimezone(UTC).astimezone(zone)
    except OverflowError:  # the first and the last day there are
        return midnight


def _request_id(seed: int, serial: int) -> str:
    """Nineteen characters as Gong's, the same for the same seed and serial number."""
    digest = hashlib.sha256(f"{seed}/{serial}".encode()).hexdigest()
    return digest[:19]
