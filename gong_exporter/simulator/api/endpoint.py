"""The simulated endpoints: from a request to the response that Gong would send."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from gong_exporter.simulator.api.faults import Fault, Stage, draw_faults, first_of
from gong_exporter.simulator.api.faulty_responses import (
    CONTENT,
    RESPONSES,
    USERS_CONTENT,
    FaultContext,
    Payload,
    corrupt_payload,
)
from gong_exporter.simulator.api.listings import (
    USERS_PATH,
    Cursors,
    UserT,
    cut_page,
    deactivated,
    expired,
    list_users,
    more_active,
    user_payload,
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
from gong_exporter.simulator.records import ApiCompany, ApiUserActivity

PATH = "/v2/stats/activity/aggregate"
METHODS = {PATH: "POST", USERS_PATH: "GET"}
"""The method of each endpoint."""

USERS_LIST = hash("users")
"""What the cursors of ``GET /v2/users`` are bound to, in place of a filter."""

KEPT_WINDOWS = 2
"""The latest windows of the company that are kept, each of up to some 1.5 kB a user: computing one
takes seconds, and every page of a chain needs it. Past days do not change."""


class Api:
    """One company's Gong API, without the network.

    Not thread-safe, except that another thread may set ``faults``, ``users_faults`` and ``script``.

    ``now`` returns an aware time, and decides what the company's today is.

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
    ) -> None:
        self._company = company
        self._options = options
        self._now = now
        self._limits = ApiLimits(options.requests_per_second, options.requests_per_day)
        self._cursors = Cursors(options.cursor_lifetime)
        self._activity = lru_cache(KEPT_WINDOWS)(company.activity)
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
            raise Refusal(HTTPStatus.NOT_FOUND, ("Not found",))
        if request.method != method:
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, ("Method not allowed",), (("Allow", method),)
            )
        check_credentials(request.header("authorization"), self._options)
        if wait := self._limits.admit(request.arrived):
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                ("API request limit exceeded",),
                (("Retry-After", str(wait)),),
            )

    def _respond(
        self, request: ApiRequest, request_id: str, active_faults: frozenset[str]
    ) -> ApiResponse:
        now = self._now()
        if name := first_of(Stage.INSTEAD, active_faults):
            return RESPONSES[name](FaultContext(request_id, self._serial, now, request))
        today = now.astimezone(self._company.time_zone).date()
        if request.path == USERS_PATH:
            payload, corruptions = self._users_payload(request, today, active_faults), USERS_CONTENT
        else:
            payload, corruptions = self._activity_payload(request, today, active_faults), CONTENT
        payload = {"requestId": request_id, **payload}
        corrupt_payload(payload, active_faults, corruptions)
        return json_response(HTTPStatus.OK, payload)

    def _users_payload(
        self, request: ApiRequest, today: date, active_faults: frozenset[str]
    ) -> Payload:
        """One page of the users; the only parameter is the cursor."""
        users, records = self._page(
            lambda: list_users(self._company, today),
            deactivated,
            cursor=next(iter(parse_qs(urlsplit(request.target).query).get("cursor", [])), None),
            fingerprint=USERS_LIST,
            arrived=request.arrived,
            active_faults=active_faults,
        )
        return {"records": records, "users": [user_payload(user) for user in users]}

    def _activity_payload(
        self, request: ApiRequest, today: date, active_faults: frozenset[str]
    ) -> Payload:
        """One page of the users with activity in the requested window."""
        zone = self._company.time_zone
        query = read_query(request.body, today, zone.key)
        users, records = self._page(
            lambda: self._active_users(query, active_faults),
            more_active,
            cursor=query.cursor,
            fingerprint=query.fingerprint,
            arrived=request.arrived,
            active_faults=active_faults,
        )
        # Not in GET /v2/users: the vendor's example and a recorded response both begin with 0.
        records["currentPageNumber"] += self._options.first_page_number
        return {
            "records": records,
            "usersAggregateActivityStats": [
                {
                    "userId": user.user_id,
                    "userEmailAddress": user.email,
                    "userAggregateActivityStats": dict(user.counters),
                }
                for user in users
            ],
            "timeZone": zone.key,
            "fromDateTime": day_start(query.start, zone).isoformat(),
            "toDateTime": day_start(query.end, zone).isoformat(),
        }

    def _active_users(
        self, query: Query, active_faults: frozenset[str]
    ) -> Sequence[ApiUserActivity]:
        """The requested users with activity in the window.

        Raises:
            Refusal: 404, no user has data, by the reading in force.
        """
        not_found = Refusal(HTTPStatus.NOT_FOUND, ("User not found",))
        users = self._activity(query.start, query.end)
        if query.user_ids is not None:
            fails = "unknown-id-fails" in active_faults
            if fails and query.user_ids.difference(self._company.user_ids):
                raise not_found
            users = [user for user in users if user.user_id in query.user_ids]
        if not users and (query.user_ids is not None or "empty-is-404" in active_faults):
            raise not_found
        return users

    def _page(
        self,
        users: Callable[[], Sequence[UserT]],
        change: Callable[[UserT], UserT],
        *,
        cursor: str | None,
        fingerprint: int,
        arrived: float,
        active_faults: frozenset[str],
    ) -> tuple[Sequence[UserT], Payload]:
        """The users of one page of a listing, and the response's ``records``.

        Args:
            users: makes the listing, once the cursor is known to be valid.
            change: makes another state of a user, for the fault that names one twice.
            cursor: as received; None for the first page.
            fingerprint: what cursors of this listing are bound to.
            arrived: when the request arrived, in monotonic seconds.
            active_faults: names.

        Raises:
            Refusal: 400 for the cursor, and what ``users`` raises.
        """
        number = 0
        if cursor is not None:
            if "expired-cursor" in active_faults:
                raise expired()
            number = self._cursors.read(cursor, fingerprint, arrived)
        page, total, more = cut_page(
            users(), number, self._options.page_size, active_faults, change
        )
        records: Payload = {
            "totalRecords": total,
            "currentPageSize": len(page),
            "currentPageNumber": number,
        }
        if cursor is not None and "repeated-cursor" in active_faults:
            records["cursor"] = cursor
        elif more:
            records["cursor"] = self._cursors.issue(fingerprint, number + 1, arrived)
        return page, records


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
