"""The simulated endpoints: from a request to the response that Gong would send."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from gong_exporter.simulator.api import faulty_responses
from gong_exporter.simulator.api.corrupt_payload import corrupt_payload, corrupt_users_payload
from gong_exporter.simulator.api.faults import Fault, Stage, draw_faults, first_of
from gong_exporter.simulator.api.listings import (
    ApiPage,
    Cursors,
    Listings,
    cut_page,
    expired,
    more_active,
)
from gong_exporter.simulator.api.messages import (
    ApiRequest,
    ApiResponse,
    Refusal,
    Reply,
    error_response,
    json_response,
)
from gong_exporter.simulator.api.query import Query, check_credentials, read_query
from gong_exporter.simulator.api.rate_limits import ApiLimits
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.api.users_endpoint import (
    USERS_PATH,
    deactivated,
    list_users,
    users_payload,
)
from gong_exporter.simulator.records import ApiCompany, ApiUserActivity

PATH = "/v2/stats/activity/aggregate"
METHODS = {PATH: "POST", USERS_PATH: "GET"}
"""The method of each endpoint."""

USERS_LIST = "users"
"""What the cursors of ``GET /v2/users`` are bound to, in place of a filter."""

NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
TOO_MANY_REQUESTS = 429

LIMIT_EXCEEDED = "API request limit exceeded"
USER_NOT_FOUND = "User not found"


class Api:
    """One company's Gong API, without the network.

    Not thread-safe, except that another thread may set ``faults``, ``users_faults`` and ``script``.

    ``now`` returns an aware time, and decides what the company's today is. Cursors are signed with
    ``key``.

    Attributes:
        faults: the faults that are switched on, and how often they apply.
        users_faults: likewise, for ``GET /v2/users`` alone.
        script: the faults of the next responses, one item each, in place of ``faults``.
    """

    def __init__(
        self,
        company: ApiCompany,
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
        self.users_faults: Sequence[Fault] = ()
        self.script: deque[frozenset[str]] = deque()

    def handle(self, request: ApiRequest) -> Reply:
        """Respond to one request. Faults apply only with the right path, method and key."""
        self._serial += 1
        request_id = _request_id(self._options.seed, self._serial)
        active_faults: frozenset[str] = frozenset()
        try:
            self._admit(request)
            active_faults = self._draw_faults(request.path)
            response = self._respond(request, request_id, active_faults)
        except Refusal as refusal:
            response = error_response(request_id, refusal)
        if name := first_of(Stage.DELIVERY, active_faults):
            response = replace(response, delivery=name)
        stamp = format_datetime(self._now().astimezone(UTC), usegmt=True)
        response = replace(response, headers=(*response.headers, ("Date", stamp)))
        return Reply(response, request_id, active_faults)

    def _draw_faults(self, path: str) -> frozenset[str]:
        if path == USERS_PATH:
            faults = [*self.faults, *self.users_faults]
            return draw_faults(faults, self._options.seed, self._serial)
        try:
            active_faults = self.script.popleft()
        except IndexError:
            active_faults = draw_faults(self.faults, self._options.seed, self._serial)
        return active_faults - {"no-users-scope"}

    def _admit(self, request: ApiRequest) -> None:
        """Check path, method, key and limits, in this order: only valid calls are counted.

        Raises:
            Refusal: 404, 405, 401 or 429.
        """
        method = METHODS.get(request.path)
        if method is None:
            raise Refusal(NOT_FOUND, ("Not found",))
        if request.method != method:
            raise Refusal(METHOD_NOT_ALLOWED, ("Method not allowed",), (("Allow", method),))
        check_credentials(request.header("authorization"), self._options)
        if wait := self._limits.admit(request.arrived):
            raise Refusal(TOO_MANY_REQUESTS, (LIMIT_EXCEEDED,), (("Retry-After", str(wait)),))

    def _respond(
        self, request: ApiRequest, request_id: str, active_faults: frozenset[str]
    ) -> ApiResponse:
        now = self._now()
        if name := first_of(Stage.INSTEAD, active_faults):
            host = request.header("host") or ""
            context = faulty_responses.FaultContext(
                request_id, self._serial, now, host, request.target
            )
            return faulty_responses.respond_instead(name, context)
        if request.path == USERS_PATH:
            return self._respond_users(request, request_id, active_faults)
        zone = self._company.time_zone
        query = read_query(request.body, now.astimezone(zone).date(), zone.key)
        number = 0
        if query.cursor is not None:
            if "expired-cursor" in active_faults:
                raise expired()
            number = self._cursors.read(query.cursor, query.fingerprint, request.arrived)
        page = self._page(query, number, active_faults)
        payload = self._payload(query, page, request_id, zone)
        if cursor := self._cursor(
            query.fingerprint, query.cursor, page, request.arrived, active_faults
        ):
            payload["records"]["cursor"] = cursor
        corrupt_payload(payload, active_faults)
        return json_response(200, payload)

    def _respond_users(
        self, request: ApiRequest, request_id: str, active_faults: frozenset[str]
    ) -> ApiResponse:
        """One page of the users; the only parameter is the cursor.

        Raises:
            Refusal: 400, for the cursor.
        """
        cursor = next(iter(parse_qs(urlsplit(request.target).query).get("cursor", [])), None)
        number = 0
        if cursor is not None:
            if "expired-cursor" in active_faults:
                raise expired()
            number = self._cursors.read(cursor, USERS_LIST, request.arrived)
        today = self._now().astimezone(self._company.time_zone).date()
        size = self._options.page_size
        page = cut_page(list_users(self._company, today), number, size, active_faults, deactivated)
        # The vendor's example and a recorded response both say 0 for the first page.
        payload = users_payload(page, request_id)
        if following := self._cursor(USERS_LIST, cursor, page, request.arrived, active_faults):
            payload["records"]["cursor"] = following
        corrupt_users_payload(payload, active_faults)
        return json_response(200, payload)

    def _page(
        self, query: Query, number: int, active_faults: frozenset[str]
    ) -> ApiPage[ApiUserActivity]:
        """The requested page.

        Raises:
            Refusal: 404, no user has data, by the reading in force.
        """
        readings = active_faults | self._options.readings
        if query.user_ids is not None and "unknown-id-fails" in readings:
            unknown = query.user_ids.difference(self._company.user_ids)
            if unknown:
                raise Refusal(NOT_FOUND, (USER_NOT_FOUND,))
        users = self._listings.users(query.start, query.end, query.user_ids)
        if not users and (query.user_ids is not None or "empty-is-404" in readings):
            raise Refusal(NOT_FOUND, (USER_NOT_FOUND,))
        return cut_page(users, number, self._options.page_size, active_faults, more_active)

    def _cursor(
        self,
        fingerprint: str,
        cursor: str | None,
        page: ApiPage[Any],
        at: float,
        active_faults: frozenset[str],
    ) -> str | None:
        """The cursor of the page after this one; None after the last."""
        if cursor is not None and "repeated-cursor" in active_faults:
            return cursor
        if page.follow:
            return self._cursors.issue(fingerprint, page.number + 1, at)
        return None

    def _payload(
        self, query: Query, page: ApiPage[ApiUserActivity], request_id: str, zone: ZoneInfo
    ) -> dict[str, Any]:
        return {
            "requestId": request_id,
            "records": {
                "totalRecords": page.total,
                "currentPageSize": len(page.users),
                "currentPageNumber": self._options.first_page_number + page.number,
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
