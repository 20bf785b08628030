"""The counters fit each other, over any range: proved on calls and on counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import parse_event
from gong_exporter.simulator.records import COUNTERS, WIDTH

TODAY = date(2026, 6, 17)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
ADDITIVE = ("callsAsHost", "callsAttended")
GIVEN_RECEIVED = (
    ("callsGaveFeedback", "callsReceivedFeedback"),
    ("callsScorecardsFilled", "callsScorecardsReceived"),
    ("callsCommentsGiven", "callsCommentsReceived"),
    ("callsMarkedAsFeedbackGiven", "callsMarkedAsFeedbackReceived"),
)

EVENTS = ("slump:Enterprise EMEA:40:5", "team-silent:Mid-Market Americas:9:20", "closure:2:10")


@cache
def company(seed: int, zone: str) -> SimulatedCompany:
    """Three companies, each with two years that hypothesis looks into at random."""
    events = [parse_event(text) for text in EVENTS]
    return SimulatedCompany(48, seed, ZoneInfo(zone), TODAY, events)


companies = st.sampled_from(
    [(1, "America/New_York"), (2, "Australia/Sydney"), (3, "Pacific/Honolulu")]
).map(lambda arguments: company(*arguments))
starts = st.dates(date(2024, 6, 1), TODAY)
lengths = st.integers(1, 70).map(lambda days: days * DAY)


@dataclass(frozen=True)
class CallStory:
    """One call.

    Attributes:
        host: the ``userId`` of the host.
        day: the company day on which it took place.
        deeds: by user and counter, the company days on which the user did this on the call (or
            received it). Attendance is not included: the company only has the number of calls
            that a user joined on a day.
    """

    host: str
    day: date
    deeds: dict[tuple[str, str], tuple[date, ...]]


@cache
def calls(where: SimulatedCompany, monday: date) -> tuple[CallStory, ...]:
    """All calls of the week from ``monday``, which is a Sunday for the company in some offices."""
    return tuple(
        story for team in range(len(where.teams)) for story in calls_of_team(where, team, monday)
    )


def calls_of_team(where: SimulatedCompany, team: int, monday: date) -> Iterator[CallStory]:
    week = where.team_week(team, monday)
    sunday = monday - DAY
    users = [where.user_ids[worker.place] for worker in week.workers]
    deeds: list[dict[tuple[str, str], tuple[date, ...]]] = [{} for _ in week.hosts]
    for key, marked in week.marks.items():
        rest, counter = divmod(key, WIDTH)
        call, worker = divmod(rest, len(users))
        deeds[call][users[worker], COUNTERS[counter]] = tuple(
            sunday + day * DAY for day in range(marked.bit_length()) if marked >> day & 1
        )
    for call, host in enumerate(week.hosts):
        yield CallStory(users[host], sunday + week.days[call] * DAY, deeds[call])


def calls_met(where: SimulatedCompany, start: date, end: date) -> list[CallStory]:
    """Every call that could matter to ``[start, end)``, and more."""
    monday = start - timedelta(days=start.weekday()) - 3 * WEEK
    stories: list[CallStory] = []
    while monday <= end + DAY:
        stories.extend(calls(where, monday))
        monday += WEEK
    return stories


def activity(where: SimulatedCompany, start: date, end: date) -> dict[str, Counter[str]]:
    return {user.user_id: Counter(user.counters) for user in where.activity(start, end)}


def total(where: SimulatedCompany, start: date, end: date) -> Counter[str]:
    counts: Counter[str] = Counter()
    for user in where.activity(start, end):
        counts.update(user.counters)
    return counts


@settings(deadline=None, max_examples=25)
@given(where=companies, start=starts, length=lengths)
def test_every_count_is_the_number_of_distinct_calls_that_it_happened_to(
    where: SimulatedCompany, start: date, length: timedelta
) -> None:
    end = start + length
    counted: dict[str, Counter[str]] = {}
    for story in calls_met(where, start, end):
        if start <= story.day < end:
            counted.setdefault(story.host, Counter())["callsAsHost"] += 1
        for (user_id, counter), days in story.deeds.items():
            if any(start <= day < end for day in days):
                counted.setdefault(user_id, Counter())[counter] += 1
    told = activity(where, start, end)
    for counts in told.values():
        del counts["callsAttended"]
    assert {user: +counts for user, counts in told.items() if +counts} == counted


@settings(deadline=None, max_examples=60)
@given(where=companies, start=starts, one=lengths, other=lengths)
def test_calls_of_a_range_are_the_sum_of_its_parts_and_the_rest_at_most_that(
    where: SimulatedCompany, start: date, one: timedelta, other: timedelta
) -> None:
    middle, end = start + one, start + one + other
    whole = activity(where, start, end)
    first, second = activity(where, start, middle), activity(where, middle, end)
    assert whole.keys() == first.keys() | second.keys()
    for user_id, counts in whole.items():
        parts = [part.get(user_id, Counter()) for part in (first, second)]
        for counter in COUNTERS:
            summed = sum(part[counter] for part in parts)
            if counter in ADDITIVE:
                assert counts[counter] == summed
            else:
                assert max(part[counter] for part in parts) <= counts[counter] <= summed


@pytest.mark.parametrize(
    "counter",
    [
        "callsGaveFeedback",
        "callsReceivedFeedback",
        "callsCommentsGiven",
        "callsCommentsReceived",
        "callsRequestedFeedback",
        "ownCallsListenedTo",
    ],
)
def test_a_window_is_not_always_the_sum_of_its_days(counter: str) -> None:
    where = company(1, "America/New_York")
    start = TODAY - 12 * WEEK
    days = sum(total(where, start + n * DAY, start + (n + 1) * DAY)[counter] for n in range(84))
    assert total(where, start, TODAY)[counter] < days


@settings(deadline=None, max_examples=60)
@given(where=companies, start=starts, length=lengths)
def test_what_one_gives_another_receives(
    where: SimulatedCompany, start: date, length: timedelta
) -> None:
    counts = total(where, start, start + length)
    assert counts["callsScorecardsFilled"] == counts["callsScorecardsReceived"]
    for given_name, received_name in GIVEN_RECEIVED:
        # two people may comment on one call, whose host then received comments on one
        assert counts[received_name] <= counts[given_name]
        assert bool(counts[received_name]) == bool(counts[given_name])


@settings(deadline=None, max_examples=60)
@given(where=companies, start=starts, length=lengths)
def test_nobody_gets_or_asks_anything_on_more_calls_than_were_hosted(
    where: SimulatedCompany, start: date, length: timedelta
) -> None:
    hosted = activity(where, start - 2 * WEEK, start + length)
    for user_id, counts in activity(where, start, start + length).items():
        for counter in (
            "callsRequestedFeedback",
            "callsReceivedFeedback",
            "callsScorecardsReceived",
            "callsCommentsReceived",
            "callsMarkedAsFeedbackReceived",
            "ownCallsListenedTo",
            "callsSharedExternally",
        ):
            assert counts[counter] <= hosted[user_id]["callsAsHost"]


@settings(deadline=None, max_examples=60)
@given(where=companies, start=starts)
def test_nobody_joins_more_calls_than_others_host_that_day(
    where: SimulatedCompany, start: date
) -> None:
    users = activity(where, start, start + DAY)
    hosted = sum(counts["callsAsHost"] for counts in users.values())
    for counts in users.values():
        assert counts["callsAttended"] <= hosted - counts["callsAsHost"]


@settings(deadline=None, max_examples=25)
@given(where=companies, start=starts)
def test_nothing_is_done_to_a_call_before_it_was_held(where: SimulatedCompany, start: date) -> None:
    for story in calls_met(where, start, start + WEEK):
        assert all(min(days) >= story.day for days in story.deeds.values())


@settings(deadline=None, max_examples=25)
@given(where=companies, start=starts)
def test_feedback_that_was_requested_comes_after_the_request(
    where: SimulatedCompany, start: date
) -> None:
    for story in calls_met(where, start, start + WEEK):
        asked = story.deeds.get((story.host, "callsRequestedFeedback"))
        got = story.deeds.get((story.host, "callsReceivedFeedback"))
        if asked and got:
            assert min(asked) <= min(got)


@settings(deadline=None, max_examples=25)
@given(where=companies, start=starts)
def test_on_every_call_what_is_received_was_given_by_others_on_the_same_days(
    where: SimulatedCompany, start: date
) -> None:
    for story in calls_met(where, start, start + WEEK):
        for given_name, received_name in GIVEN_RECEIVED:
            gave = [
                (user_id, days)
                for (user_id, counter), days in story.deeds.items()
                if counter == given_name
            ]
            assert story.host not in dict(gave)
            got = story.deeds.get((story.host, received_name), ())
            assert set(got) == {day for _, days in gave for day in days}


def test_most_requests_are_answered_and_some_feedback_was_not_requested() -> None:
    where = company(1, "America/New_York")
    stories = calls_met(where, TODAY - 26 * WEEK, TODAY - 3 * WEEK)
    asked = [s for s in stories if (s.host, "callsRequestedFeedback") in s.deeds]
    answered = [s for s in asked if (s.host, "callsReceivedFeedback") in s.deeds]
    got = [s for s in stories if (s.host, "callsReceivedFeedback") in s.deeds]
    assert 0.5 < len(answered) / len(asked) < 0.95
    assert len(got) > 1.2 * len(answered)


def test_what_is_shared_internally_others_listen_to() -> None:
    where = company(1, "America/New_York")
    shared = heard = 0
    for story in calls_met(where, TODAY - 26 * WEEK, TODAY - 3 * WEEK):
        sharers = {u: min(d) for (u, c), d in story.deeds.items() if c == "callsSharedInternally"}
        for sharer, day in sharers.items():
            shared += 1
            heard += any(
                counter == "othersCallsListenedTo" and user_id != sharer and max(days) >= day
                for (user_id, counter), days in story.deeds.items()
            )
    assert shared > 200
    assert heard > 0.95 * shared  # the rest were shared when everybody was about to be away


def test_whoever_reviews_a_call_of_another_listens_to_it() -> None:
    where = company(2, "Australia/Sydney")
    for story in calls_met(where, TODAY - 8 * WEEK, TODAY):
        for (user_id, counter), days in story.deeds.items():
            if counter in {given_name for given_name, _ in GIVEN_RECEIVED}:
                listened = story.deeds[user_id, "othersCallsListenedTo"]
                assert min(listened) <= min(days)
