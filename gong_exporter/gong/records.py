"""Request and response of ``POST /v2/stats/activity/aggregate``, as typed records.

Names in double backticks are the fields on the vendor's page for the endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeVar

AGGREGATE_ACTIVITY_PATH = "/v2/stats/activity/aggregate"
"""The endpoint of these records."""

COUNTERS: tuple[str, ...] = (
    "callsAsHost",
    "callsGaveFeedback",
    "callsRequestedFeedback",
    "callsReceivedFeedback",
    "ownCallsListenedTo",
    "othersCallsListenedTo",
    "callsSharedInternally",
    "callsSharedExternally",
    "callsScorecardsFilled",
    "callsScorecardsReceived",
    "callsAttended",
    "callsCommentsGiven",
    "callsCommentsReceived",
    "callsMarkedAsFeedbackGiven",
    "callsMarkedAsFeedbackReceived",
)
"""The documented counters (``AggregateActivity``), in the order of the vendor's page."""

MAX_COUNT = 2**53
"""The largest count accepted; above it a Prometheus sample (a double) is not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter:
    """The request's ``filter``: whose activity, over which company days.

    Attributes:
        from_date: ``fromDate``, inclusive.
        to_date: ``toDate``, exclusive; at most the company's current day.
        created_from: ``createdFromDateTime`` as RFC 3339 text, passed on unchanged.
        created_to: ``createdToDateTime``, likewise.
        user_ids: ``userIds``; None means all users.
    """

    from_date: date
    to_date: date
    created_from: str | None = None
    created_to: str | None = None
    user_ids: tuple[str, ...] | None = None

    def body(self, cursor: str | None = None) -> dict[str, object]:
        """Return the request body. A cursor goes beside the filter, which is repeated unchanged."""
        members: dict[str, object] = {
            "fromDate": self.from_date.isoformat(),
            "toDate": self.to_date.isoformat(),
        }
        if self.created_from is not None:
            members["createdFromDateTime"] = self.created_from
        if self.created_to is not None:
            members["createdToDateTime"] = self.created_to
        if self.user_ids is not None:
            members["userIds"] = list(self.user_ids)
        return {"filter": members} if cursor is None else {"cursor": cursor, "filter": members}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivity:
    """One item of ``usersAggregateActivityStats``.

    Attributes:
        user_id: ``userId``, text of up to 20 digits, which can exceed 64 bits.
        email: ``userEmailAddress``; None when it is absent or cannot be an address.
        counters: ``userAggregateActivityStats`` by its API field names, documented or not.
            A member that was absent, null or not a count is left out, because it is unknown
            and not 0.
    """

    user_id: str
    email: str | None
    counters: Mapping[str, int]


class HasUserId(Protocol):
    """A user of a page."""

    @property
    def user_id(self) -> str:
        """Gong's ID of the user."""
        ...


UserT = TypeVar("UserT", bound=HasUserId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[UserT]):
    """One 200 response with users. None stands for a member that Gong left out.

    Attributes:
        request_id: ``requestId``, which Gong's support asks for.
        total_records: ``records.totalRecords``: users in the whole listing.
        cursor: ``records.cursor``: present only while more pages follow.
        users: without the records that have no user ID.
        records_received: how many items there were, those without a user ID included.
        anomalies: descriptions of the unexpected values in the page, without addresses.
    """

    request_id: str | None
    total_records: int | None
    cursor: str | None
    users: tuple[UserT, ...]
    records_received: int
    anomalies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage(Page[UserActivity]):
    """A page whose users are ``usersAggregateActivityStats``.

    Attributes:
        current_page_size: ``records.currentPageSize``.
        time_zone: ``timeZone``, the company's, as Gong spells it.
        from_date_time: ``fromDateTime`` as written; Gong's own example is malformed.
        to_date_time: ``toDateTime``, likewise.
    """

    current_page_size: int | None
    time_zone: str | None
    from_date_time: str | None
    to_date_time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP exchange with Gong, successful or not, as the Observer gets it.

    Attributes:
        duration: seconds from the start of the call to the last byte of the response.
        code: the HTTP status, None when no response arrived.
        reason: why it counts as an error (``errors.REASONS``), None when it does not.
        clock_offset: seconds by which the response's ``Date`` was ahead of our clock; None when
            the response has none.
    """

    duration: float
    code: int | None
    reason: str | None
    clock_offset: float | None = None


class Observer(Protocol):
    """What the client reports to: in production the exporter's own metrics.

    Its methods are called from the thread that makes the exchange, and must not raise.
    """

    def exchanged(self, exchange: Exchange) -> None:
        """One HTTP exchange ended, successful or not; retries are exchanges too."""
        ...

    def throttled(self, seconds: float) -> None:
        """A call waited ``seconds`` for our own limiter before it was made."""
        ...

    def rate_limited_until(self, until: float) -> None:
        """Gong asked for no calls until this Unix time; 0 when no such wait is in force."""
        ...
