"""What an exposition should say, worked out from the simulated company by its stated windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.simulator.records import ApiCompany
from tests.support.exporter import Samples

START = "gong_activity_window_start_timestamp_seconds"
END = "gong_activity_window_end_timestamp_seconds"

NAMES: Mapping[str, str] = {
    "callsAsHost": "calls_as_host",
    "callsGaveFeedback": "calls_gave_feedback",
    "callsRequestedFeedback": "calls_requested_feedback",
    "callsReceivedFeedback": "calls_received_feedback",
    "ownCallsListenedTo": "own_calls_listened_to",
    "othersCallsListenedTo": "others_calls_listened_to",
    "callsSharedInternally": "calls_shared_internally",
    "callsSharedExternally": "calls_shared_externally",
    "callsScorecardsFilled": "calls_scorecards_filled",
    "callsScorecardsReceived": "calls_scorecards_received",
    "callsAttended": "calls_attended",
    "callsCommentsGiven": "calls_comments_given",
    "callsCommentsReceived": "calls_comments_received",
    "callsMarkedAsFeedbackGiven": "calls_marked_as_feedback_given",
    "callsMarkedAsFeedbackReceived": "calls_marked_as_feedback_received",
}
"""The API's fields and the ``metric`` label values, written out: not by the code under test."""

Key = tuple[str, str, str, str]
"""user, email, metric, window"""


def windows_of(samples: Samples, zone: ZoneInfo) -> dict[str, tuple[date, date]]:
    """The ranges that an exposition says its numbers cover, in company days."""
    ends = samples.by("window", END)
    starts = samples.by("window", START)
    assert starts.keys() == ends.keys()
    return {name: (_day(starts[name], zone), _day(ends[name], zone)) for name in starts}


def expected(company: ApiCompany, windows: Mapping[str, tuple[date, date]]) -> dict[Key, float]:
    """``gong_user_activity`` for ``users: all``: those named in any window, zeros included."""
    named = {
        name: {user.user_id: user for user in company.activity(start, end)} if start < end else {}
        for name, (start, end) in windows.items()
    }
    emails = {user.user_id: user.email for users in named.values() for user in users.values()}
    return {
        (user_id, email, NAMES[field], window): float(
            users[user_id].counters[field] if user_id in users else 0
        )
        for window, users in named.items()
        for user_id, email in emails.items()
        for field in NAMES
    }


def published(samples: Samples) -> dict[Key, float]:
    """``gong_user_activity`` as it is."""
    return {
        (labels["user"], labels["email"], labels["metric"], labels["window"]): value
        for labels, value in samples.of("gong_user_activity")
    }


def trailing(today: date, *days: int) -> dict[str, tuple[date, date]]:
    """The trailing windows of a day: ``{"7d": (today - 7, today)}``."""
    return {f"{n}d": (today - timedelta(days=n), today) for n in days}


def today_in(zone: ZoneInfo) -> date:
    """The machine's date, in the company's zone."""
    return datetime.now(zone).date()


def _day(timestamp: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(timestamp, zone).date()
