"""The day history: which day comes next, and what responses mean for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import (
    Counts,
    DayInfo,
    DayRecord,
    HistoryKey,
    counts_of,
    day_of_window,
)
from gong_exporter.activity.history import (
    HISTORY_DAYS,
    DayRequest,
    HistoryCalls,
    day_steps,
    history_calls,
    known_days,
    merge,
    next_request,
)
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import METRICS
from gong_exporter.activity.users import ALL_USERS, fingerprint
from gong_exporter.gong.errors import InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, ActivityPage, UserActivity
from tests.activity.rig import Answering, activity, page_of, plan_of, window_of
from tests.support.clocks import FakeClock
from tests.support.logs import no_log

TODAY = date(2026, 3, 11)
ZONE = ZoneInfo("UTC")
ANN, BOB, EVE = "1", "2", "3"
MIDNIGHT = 1_000.0


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def infos(
    *numbers: int, fetched_at: float = MIDNIGHT, covered: frozenset[str] | None = None
) -> dict[date, DayInfo]:
    days = map(back, numbers)
    return {day: DayInfo(day=day, fetched_at=fetched_at, covered=covered) for day in days}


def following(known: dict[date, DayInfo], ids: frozenset[str] | None = None) -> DayRequest | None:
    return next_request(known, today=TODAY, today_start=MIDNIGHT, ids=ids)


def fetched(
    source: Answering, request: DayRequest, plan: PollPlan | None = None
) -> tuple[DayRecord, int]:
    """The day, and how often the fetch let others go first."""
    steps = day_steps(
        source,
        plan or plan_of(),
        CompanyState(host="h"),
        request,
        ZONE,
        clock=FakeClock(),
        log=no_log(),
    )
    for pauses in range(100):
        try:
            next(steps)
        except StopIteration as end:
            return end.value, pauses
    raise AssertionError("it does not end")


def company(*users: UserActivity, unknown: frozenset[str] = frozenset()) -> Answering:
    """A Gong that answers 404 if no user has data or if an id is unknown."""

    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        ids = wanted.user_ids
        found = [user for user in users if ids is None or user.user_id in ids]
        if not found or not unknown.isdisjoint(ids or ()):
            raise UserNotFound(404)
        return page_of(found)

    return Answering(answer)


def test_the_newest_day_is_fetched_first_and_then_back_to_the_twelfth_week() -> None:
    known: dict[date, DayInfo] = {}
    order = []
    while request := following(known):
        assert request == DayRequest(day=request.day, ids=None)
        order.append(request.day)
        known |= {request.day: DayInfo(day=request.day, fetched_at=MIDNIGHT)}
    assert order == [back(n) for n in range(1, HISTORY_DAYS + 1)]


def test_a_gap_is_filled_before_older_days() -> None:
    assert following(infos(1, 2, 4)) == DayRequest(day=back(3), ids=None)


def test_a_day_is_fetched_again_on_each_of_three_days() -> None:
    """Gong goes on counting. Each time it is the first fetch since the company's midnight."""
    known = infos(*range(1, HISTORY_DAYS + 1), fetched_at=MIDNIGHT - 1)
    order = []
    while request := following(known):
        order.append(request.day)
        known[request.day] = replace(known[request.day], fetched_at=MIDNIGHT)
    assert order == [back(1), back(2), back(3), back(4)]


def test_added_people_are_asked_for_once_a_day_and_alone() -> None:
    ids = frozenset({ANN, BOB})
    known = infos(*range(1, HISTORY_DAYS + 1), covered=frozenset({ANN}))
    assert following(known, ids) == DayRequest(day=back(1), ids=frozenset({BOB}), added=True)
    assert following(infos(*range(1, HISTORY_DAYS + 1), covered=ids), ids) is None


def test_removed_people_need_no_call() -> None:
    known = infos(*range(1, HISTORY_DAYS + 1), covered=frozenset({ANN, BOB}))
    assert following(known, frozenset({ANN})) is None


def test_a_day_of_listed_people_is_fetched_again_when_everybody_is_wanted() -> None:
    assert following(infos(1, covered=frozenset({ANN}))) == DayRequest(day=back(1), ids=None)


def test_a_day_of_everybody_serves_a_list() -> None:
    assert following(infos(*range(1, HISTORY_DAYS + 1)), frozenset({ANN})) is None


def test_nobody_known_means_no_call() -> None:
    assert following({}, frozenset()) is None


def test_people_whom_a_day_does_not_name_have_nothing() -> None:
    source = company(activity(ANN, 2))
    record, pauses = fetched(source, DayRequest(day=back(1), ids=frozenset({ANN, BOB})))
    assert record.counts == {ANN: (2, 6, 10, 2)}
    assert record.info.covered == frozenset({ANN, BOB})
    assert pauses == 0
    (wanted, _) = source.calls[0]
    assert (wanted.from_date, wanted.to_date, wanted.user_ids) == (back(1), TODAY, (ANN, BOB))


def test_others_can_go_first_after_each_page() -> None:
    everybody = [activity(str(user)) for user in range(250)]

    def answer(_wanted: ActivityFilter, cursor: str | None) -> ActivityPage:
        start = int(cursor or 0)
        rest = str(start + 100) if start < 200 else None
        return page_of(everybody[start : start + 100], total=250, cursor=rest)

    record, pauses = fetched(Answering(answer), DayRequest(day=back(1), ids=None))
    assert pauses == 2
    assert len(record.counts) == 250


def test_a_404_that_means_nobody_is_settled_once_and_remembered() -> None:
    source = company(activity(EVE))
    ids = frozenset({ANN, BOB})
    record, pauses = fetched(source, DayRequest(day=back(1), ids=ids))
    assert [wanted.user_ids for wanted, _ in source.calls] == [(ANN, BOB), None]
    assert pauses == 1
    assert record.counts == {}
    assert record.info.no_data
    old = {back(1): replace(record.info, fetched_at=MIDNIGHT - 1)}
    again = following(old, ids)
    assert again == DayRequest(day=back(1), ids=ids, no_data=True)
    source.calls.clear()
    record, _ = fetched(source, again)
    assert [wanted.user_ids for wanted, _ in source.calls] == [(ANN, BOB)]
    assert record.info.no_data


def test_after_a_404_for_an_unknown_id_days_are_taken_from_the_listing_of_everybody() -> None:
    source = company(activity(ANN), activity(EVE), unknown=frozenset({BOB}))
    ids = frozenset({ANN, BOB})
    record, _ = fetched(source, DayRequest(day=back(1), ids=ids))
    assert record.counts.keys() == {ANN}
    assert record.info.filter_fails
    assert not record.info.no_data
    request = following({back(1): replace(record.info, fetched_at=MIDNIGHT)}, ids)
    assert request == DayRequest(day=back(2), ids=ids, unfiltered=True)
    source.calls.clear()
    record, _ = fetched(source, request)
    assert record.counts.keys() == {ANN}
    assert [wanted.user_ids for wanted, _ in source.calls] == [None]


def test_two_404s_for_everybody_are_a_day_without_activity() -> None:
    source = company()
    record, _ = fetched(source, DayRequest(day=back(1), ids=None))
    assert record.counts == {}
    assert len(source.calls) == 2


def test_a_day_of_another_time_zone_is_refused_unless_the_zone_is_configured() -> None:
    source = Answering(lambda *_: page_of([activity(ANN)], time_zone="Asia/Tokyo"))
    request = DayRequest(day=back(1), ids=None)
    with pytest.raises(InvalidResponse, match="Asia/Tokyo"):
        fetched(source, request)
    record, _ = fetched(source, request, plan_of(zone="UTC"))
    assert record.counts


def test_added_people_are_merged_into_the_day() -> None:
    day = back(1)
    of_ann, of_bob = {ANN: (1, 1, 1, 1)}, {BOB: (2, 2, 2, 2)}
    before = DayRecord(DayInfo(day=day, fetched_at=1.0, covered=frozenset({ANN})), of_ann)
    added = DayRecord(DayInfo(day=day, fetched_at=9.0, covered=frozenset({BOB})), of_bob)
    both = merge(before, added)
    assert both.counts == of_ann | of_bob
    assert both.info == DayInfo(day=day, fetched_at=1.0, covered=frozenset({ANN, BOB}))


def test_the_window_of_one_day_is_the_day_that_just_ended() -> None:
    clock = FakeClock()
    source = company(activity(ANN, 1), activity(BOB, 0))
    plan = plan_of("1d", "7d", host="http://gong.test", zone="UTC")
    result = poll(source, plan, CompanyState(host=plan.host), clock, no_log())
    record = day_of_window(window_of(result, "1d"))
    assert record is not None
    assert record.info == DayInfo(day=back(1), fetched_at=clock.now())
    assert record.counts == {ANN: (1, 3, 5, 1)}
    assert day_of_window(window_of(result, "7d")) is None


def test_a_record_without_a_counter_is_a_day_away() -> None:
    """0 would speak for a drop."""
    whole = (1,) * len(METRICS)
    broken = tuple(None if name == "calls_attended" else 1 for name in METRICS)
    assert counts_of(METRICS, {ANN: whole, BOB: broken}) == {ANN: (1, 3, 5, 1)}


@pytest.mark.parametrize(
    ("counter", "counts"),
    [("calls_attended", (1, 2, 5, 1)), ("others_calls_listened_to", (1, 3, 5, 0))],
)
def test_a_counter_that_gong_does_not_send_any_more_is_0_for_all(
    counter: str, counts: Counts
) -> None:
    broken = tuple(None if name == counter else 1 for name in METRICS)
    assert counts_of(METRICS, {ANN: broken, BOB: broken}) == {ANN: counts, BOB: counts}


def test_what_others_do_for_somebody_is_not_activity() -> None:
    received = tuple(int(name == "calls_comments_received") for name in METRICS)
    listened = tuple(int(name == "others_calls_listened_to") for name in METRICS)
    assert counts_of(METRICS, {ANN: received, BOB: listened}) == {BOB: (0, 0, 0, 1)}


def test_days_before_a_gap_are_not_compared() -> None:
    known = infos(2, 3, 4, 6, 7)
    assert known_days(known) == [back(2), back(3), back(4)]
    assert known_days({}) == []
    assert len(known_days(infos(*range(1, 200)))) == HISTORY_DAYS


def test_the_forecast_of_calls() -> None:
    assert history_calls(pages=2, missing=84, one_day_polled=True) == HistoryCalls(168, 6)
    assert history_calls(pages=1, missing=0, one_day_polled=False) == HistoryCalls(0, 4)


def test_the_key_is_of_host_created_range_and_zone_but_not_of_the_people() -> None:
    keys = {
        HistoryKey.of(host, created_from, None, zone)
        for host in ("http://a", "http://b")
        for created_from in (None, "2026-01-01T00:00:00Z")
        for zone in ("UTC", "US/Pacific")
    }
    assert len(keys) == 8


def test_the_key_is_not_that_of_days_without_listening() -> None:
    assert HistoryKey.of("http://a", None, None, "UTC") != HistoryKey(
        fingerprint("http://a", ALL_USERS, None, None), "UTC"
    )
