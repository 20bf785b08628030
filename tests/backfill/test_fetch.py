from __future__ import annotations

from datetime import date, timedelta

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.windows import parse_window
from gong_exporter.backfill.plan import BackfillError
from gong_exporter.gong.clock import Stopped
from tests.backfill.conftest import MakeRig
from tests.support.backfill_samples import activity, every_day, read_output, true_activity
from tests.support.backfills import TODAY, Rig, days_before
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.logs import no_log

WINDOWS = ("1d", "7d", "28d")
HOUR = 3600.0


def known(rig: MakeRig, *ids: str) -> CompanyState:
    """As polls would have learned it."""
    return CompanyState(host=rig().simulator.url, known_users=dict.fromkeys(ids, ""))


def truth(rig: Rig, number: int) -> object:
    days = every_day(TODAY - timedelta(days=number - 1), TODAY)
    return true_activity(rig.simulator.company, days, rig.windows)


def test_for_each_day_the_windows_that_end_when_it_begins_are_requested(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific")
    one.run(days_before(3))
    ranges = {(body["filter"]["fromDate"], body["filter"]["toDate"]) for body in one.asked()}
    expected = set()
    for day in every_day(TODAY - timedelta(days=2), TODAY):
        for window in WINDOWS:
            reach = parse_window(window).range_on(day)
            expected.add((str(reach.start), str(reach.end)))
    assert ranges == expected


def test_a_live_poll_of_today_makes_the_same_requests(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific")
    one.run(days_before(1))
    backfilled = [body["filter"] for body in one.asked()[-3:]]
    live = poll(one.client(), one.plan(), CompanyState(host=one.simulator.url), one.clock, no_log())
    assert not live.failures
    asked = [body["filter"] for body in one.asked()[-3:]]
    assert sorted(map(str, asked)) == sorted(map(str, backfilled))


def test_the_last_day_comes_first_and_then_the_others_in_order(rig: MakeRig) -> None:
    one = rig()
    one.run(days_before(4))
    assert [day.day for day in one.days_fetched] == [11, 8, 9, 10]


def test_every_value_is_right(rig: MakeRig) -> None:
    one = rig(FixtureCompany(110))
    one.run(days_before(3))
    assert activity(read_output(one.path)) == truth(one, 3)


def test_on_the_first_of_a_month_its_window_is_empty_and_everybody_has_zero(rig: MakeRig) -> None:
    one = rig(windows=("mtd", "7d"))
    one.run(days_before(11))
    found = activity(read_output(one.path))
    assert found == true_activity(
        one.simulator.company, every_day(date(2026, 3, 1), TODAY), ("mtd", "7d")
    )
    first = {series: times for series, times in found.items() if ("window", "mtd") in series[1]}
    assert {min(times.items())[1] for times in first.values()} == {0.0}


def test_days_in_the_work_file_are_not_requested_again(rig: MakeRig) -> None:
    rig().run(days_before(3))
    before = len(rig().asked())
    two = rig(zone="US/Pacific", output="out.om")
    two.run(days_before(5))
    assert two.days_left == 2
    assert len(two.asked()) - before == 2 * len(WINDOWS) + 1  # one to learn how many pages
    assert activity(read_output(two.path)) == truth(two, 5)


def test_a_shorter_range_needs_no_call(rig: MakeRig) -> None:
    rig(zone="US/Pacific").run(days_before(3))
    two = rig(zone="US/Pacific")
    before = len(two.asked())
    backfill = two.prepare(days_before(2))
    known = len(two.asked())
    backfill.fetch()
    backfill.write()
    assert len(two.asked()) == known
    assert known - before <= 1
    assert activity(read_output(two.path)) == truth(two, 2)


def test_a_429_of_two_hours_is_waited_out_at_the_same_day(rig: MakeRig, clock: FakeClock) -> None:
    one = rig()
    one.on_day = lambda day: (
        one.simulator.script_faults("rate-limited-long") if day == TODAY - timedelta(2) else None
    )
    began = clock.now()
    one.run(days_before(4))
    assert 2 * HOUR <= clock.now() - began < 2 * HOUR + 120
    (until, why) = next(wait for wait in one.waits if wait[0] - began > HOUR)
    assert until - began < 2 * HOUR + 60
    assert why.startswith("Gong answered 429")
    assert activity(read_output(one.path)) == truth(one, 4)
    refused = [e for e in one.simulator.journal.entries() if e.status == 429]
    assert len(refused) == 1


def test_a_retry_after_that_another_process_met_is_waited_out(
    rig: MakeRig, clock: FakeClock
) -> None:
    one = rig()
    one.ledger.limit(clock.now(), clock.now() + HOUR)
    began = clock.now()
    one.run(days_before(2))
    assert clock.now() - began >= HOUR
    assert one.waits[0][0] == began + HOUR
    assert {entry.status for entry in one.simulator.journal.entries()} == {200}
    assert activity(read_output(one.path)) == truth(one, 2)


def test_an_outage_of_a_quarter_of_an_hour_is_waited_out(rig: MakeRig, clock: FakeClock) -> None:
    one = rig(zone="US/Pacific")
    one.on_day = lambda day: (
        one.simulator.script_faults(*["bad-gateway"] * 15) if day == TODAY else None
    )
    began = clock.now()
    one.run(days_before(3))
    assert clock.now() - began > 30 + 60 + 120
    assert activity(read_output(one.path)) == truth(one, 3)


def test_a_long_outage_ends_the_run_and_keeps_the_days(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific")
    one.on_day = lambda day: (
        one.simulator.set_faults("server-error") if day == TODAY - timedelta(2) else None
    )
    with pytest.raises(BackfillError, match=r"Gong answered 500(.|\n)*run the same command again"):
        one.run(days_before(4))
    assert not one.path.exists()
    one.simulator.set_faults()
    two = rig(zone="US/Pacific")
    two.run(days_before(4))
    assert two.days_left == 4 - len(one.days_fetched)
    assert activity(read_output(two.path)) == truth(two, 4)


def test_an_outage_from_the_start_is_not_waited_out(rig: MakeRig, clock: FakeClock) -> None:
    one = rig(zone="US/Pacific")
    one.simulator.set_faults("server-error")
    began = clock.now()
    with pytest.raises(BackfillError, match="Gong answered 500"):
        one.run(days_before(2))
    assert clock.now() - began < 60


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("unauthorized", "Gong answered 401(.|\n)*check the access key"),
        ("forbidden", "Gong answered 403(.|\n)*allow-list"),
        ("redirect", "redirects to(.|\n)*gong.base_url"),
    ],
)
def test_a_permanent_error_ends_the_run_at_once(
    rig: MakeRig, clock: FakeClock, fault: str, said: str
) -> None:
    one = rig()
    one.on_day = lambda _: one.simulator.set_faults(fault)
    began = clock.now()
    with pytest.raises(BackfillError, match=said):
        one.run(days_before(3))
    assert clock.now() - began < 30
    assert len(one.days_fetched) == 1


def test_a_stop_during_a_wait_ends_the_run_and_the_next_run_continues(
    rig: MakeRig, clock: FakeClock
) -> None:
    one = rig()
    one.on_day = lambda _: one.simulator.script_faults("rate-limited-long")
    clock.stop(after=HOUR)
    with pytest.raises(Stopped):
        one.run(days_before(3))
    assert not one.path.exists()
    clock._stop_at = None
    two = rig()
    two.run(days_before(3))
    assert two.days_left == 2
    assert activity(read_output(two.path)) == truth(two, 3)


def test_a_refused_window_is_left_out_and_reported_and_the_others_stay(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific")
    one.on_day = lambda day: (
        one.simulator.script_faults(None, "bad-request") if day == TODAY else None
    )
    summary = one.run(days_before(3))
    (refusal,) = summary.refused
    assert (refusal.day, refusal.window) == (TODAY - timedelta(2), "7d")
    assert refusal.message.startswith("Gong answered 400")
    found, whole = activity(read_output(one.path)), truth(one, 3)
    assert isinstance(whole, dict)
    first = min(at for times in whole.values() for at in times)
    for series in whole:
        if ("window", "7d") in series[1]:
            del whole[series][first]
    assert found == whole


def test_a_day_of_which_every_window_is_refused_is_a_gap(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific", windows=("1d",))
    one.on_day = lambda day: (
        one.simulator.script_faults(None, "bad-request") if day == TODAY else None
    )
    summary = one.run(days_before(3))
    assert summary.days == 2
    assert [each.day for each in summary.refused] == [TODAY - timedelta(1)]
    times = {at for each in read_output(one.path).values() for at in each}
    assert len(times) == 2


def test_a_refused_day_is_requested_again_a_day_later(rig: MakeRig, clock: FakeClock) -> None:
    one = rig(zone="US/Pacific")
    one.on_day = lambda day: one.simulator.script_faults("bad-request") if day == TODAY else None
    one.run(days_before(2))
    again = rig(zone="US/Pacific")
    again.run(days_before(2))
    assert again.days_left == 0
    clock.advance(24 * HOUR)
    later = rig(zone="US/Pacific")
    summary = later.run(days_before(2))
    assert later.days_left == 1
    assert summary.refused == ()
    assert activity(read_output(later.path)) == truth(later, 2)


def test_if_the_last_day_is_refused_the_others_are_not_requested(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific", company_state=known(rig, user_id(0)), users=(user_id(0),))
    one.simulator.set_faults("bad-request")
    with pytest.raises(BackfillError, match=r"Gong refuses even 2026-03-11(.|\n)*gong.time_zone"):
        one.run(days_before(30))
    assert len(one.asked()) == len(WINDOWS)


def test_if_the_search_for_listed_users_is_refused_no_day_is_requested(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific", users=(user_id(0),))
    one.simulator.set_faults("bad-request")
    with pytest.raises(BackfillError, match="Gong refuses 2026-01-13 to 2026-03-11, and every"):
        one.run(days_before(30))
    assert len(one.asked()) == 3


def test_late_responses_do_not_become_the_numbers_of_other_days(rig: MakeRig) -> None:
    """Each request but the first on a connection gets the response to the one before it."""
    one = rig(zone="US/Pacific")
    one.simulator.set_faults("late-response")
    one.run(days_before(6))
    days = every_day(TODAY - timedelta(days=5), TODAY)
    found = activity(read_output(one.path))
    assert found == true_activity(one.simulator.company, days, one.windows)


def test_a_response_about_january_2019_is_not_written(rig: MakeRig) -> None:
    one = rig(zone="US/Pacific")
    one.simulator.set_faults("other-range")
    with pytest.raises(BackfillError, match="the response states another range"):
        one.run(days_before(2))
    assert not one.path.exists()
