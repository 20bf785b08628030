"""The interface between the simulated API and the company behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

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
"""The counters of one user, in the order of the vendor's page (``AggregateActivity``)."""

WIDTH = len(COUNTERS)
(
    HOSTED,
    GAVE_FEEDBACK,
    REQUESTED_FEEDBACK,
    RECEIVED_FEEDBACK,
    LISTENED_OWN,
    LISTENED_OTHERS,
    SHARED_INTERNALLY,
    SHARED_EXTERNALLY,
    SCORECARDS_FILLED,
    SCORECARDS_RECEIVED,
    ATTENDED,
    COMMENTS_GIVEN,
    COMMENTS_RECEIVED,
    MARKED_GIVEN,
    MARKED_RECEIVED,
) = range(WIDTH)
"""The counters by number."""


@dataclass(frozen=True, slots=True)
class ApiUserActivity:
    """One user's activity over a range of company days.

    Attributes:
        user_id: Gong's ``userId``, up to 20 digits.
        email: Gong's ``userEmailAddress``.
        counters: every name of ``COUNTERS`` with its count over the range.
    """

    user_id: str
    email: str
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryUser:
    """One user as ``GET /v2/users`` shows it. None is sent as an explicit null.

    Attributes:
        user_id: ``id``.
        email: ``emailAddress``.
        aliases: ``emailAliases``.
        first_name: ``firstName``.
        last_name: ``lastName``.
        title: ``title``.
        manager_id: ``managerId``.
        active: ``active``; deactivated users stay in the list.
        created: ``created``, the first day.
        recorded: ``settings.webConferencesRecorded``.
    """

    user_id: str
    email: str | None = None
    aliases: tuple[str, ...] = ()
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    manager_id: str | None = None
    active: bool = True
    created: date | None = None
    recorded: bool = True


@runtime_checkable
class Directory(Protocol):
    """A company that has more to show of its users than their ids."""

    def directory(self, today: date) -> Sequence[DirectoryUser]:
        """The users as of the company's today, deactivated ones included."""
        ...


class ApiCompany(Protocol):
    """A company as the API sees it: a time zone and what its users did."""

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone in which the company counts its days."""
        ...

    @property
    def user_ids(self) -> Sequence[str]:
        """The id of every user, past users included, in the order of the listings."""
        ...

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        """The users with any activity in ``[start, end)``, in the order of ``user_ids``."""
        ...
