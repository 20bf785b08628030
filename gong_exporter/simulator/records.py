"""The interface between the simulated API and the company behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
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


@dataclass(frozen=True, slots=True)
class UserActivity:
    """One user's activity over a range of company days.

    Attributes:
        user_id: Gong's ``userId``, up to 20 digits.
        email: Gong's ``userEmailAddress``.
        counters: every name of ``COUNTERS`` with its count over the range.
    """

    user_id: str
    email: str
    counters: Mapping[str, int]


class Company(Protocol):
    """A company as the API sees it: a time zone and what its users did."""

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone in which the company counts its days."""
        ...

    @property
    def user_ids(self) -> Sequence[str]:
        """The id of every user, past users included, in the order of the listings."""
        ...

    def activity(self, start: date, end: date) -> Sequence[UserActivity]:
        """The users with any activity in ``[start, end)``, in the order of ``user_ids``."""
        ...
