from __future__ import annotations

from collections.abc import Callable

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.backfill.plan import InvalidRequest
from gong_exporter.backfill.quota import RECHECK_INTERVAL, BackfillQuota
from gong_exporter.gong.limits import CallLimits
from tests.backfill.conftest import MakeRig
from tests.support.backfill_samples import activity, every_day, read_output, true_activity
from tests.support.backfills import TODAY, Rig, days_before
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.logs import no_log

HOUR = 3600.0
DAY = 86_400.0


def made(rig: Rig) -> list[float]:
    return [entry.arrived for entry in rig.simulator.journal.entries()]


def most_in_a_day(times: list[float]) -> int:
    return max(sum(at <= other < at + DAY for other in times) for at in times)


def whole(rig: Rig, number: int) -> object:
    first = days_before(number).first
    return true_activity(rig.simulator.company, every_day(first, TODAY), rig.windows)


def test_it_keeps_to_its_share_and_continues_as_its_calls_expire(
    rig: MakeRig, clock: FakeClock
) -> None:
    one = rig(per_day=20)
    one.run(days_before(20))
    assert len(made(one)) == 61
    assert most_in_a_day(made(one)) <= 20
    assert made(one)[-1] - made(one)[0] == pytest.approx(3 * DAY, abs=HOUR)
    assert one.waits
    assert activity(read_output(one.path)) == whole(one, 20)


def test_a_second_run_knows_the_calls_of_the_first(rig: MakeRig) -> None:
    rig(zone="US/Pacific", per_day=20).run(days_before(6))
    two = rig(zone="US/Pacific", per_day=20)
    two.run(days_before(12))
    assert most_in_a_day(made(two)) <= 20


def test_a_live_exporter_beside_it_always_has_calls_left(rig: MakeRig, clock: FakeClock) -> None:
    """Quota 40: an hourly poll of one call and one after midnight leave 15 for the backfill."""
    one = rig(windows=("1d",), per_day=40 - 25, total_per_day=40 - 1)
    live = rig(windows=("1d",), total_per_day=40)
    client, plan = live.client(), live.plan()
    polled: list[float] = []
    wait, due = clock.wait, [clock.now()]

    def polling(seconds: float) -> None:
        wait(seconds)
        while clock.now() >= due[0]:
            due[0] += HOUR
            result = poll(
                client, plan, CompanyState(host=plan.host, time_zone="US/Pacific"), quiet, no_log()
            )
            assert not result.failures
            polled.append(clock.now())

    quiet = FakeClock(clock.now(), clock.monotonic())
    quiet.now, quiet.monotonic = clock.now, clock.monotonic  # type: ignore[method-assign]
    quiet.wait = wait  # type: ignore[method-assign]
    clock.wait = polling  # type: ignore[method-assign]
    one.run(days_before(40))
    assert len(polled) >= 24
    assert most_in_a_day(made(one)) <= 40
    assert activity(read_output(one.path)) == whole(one, 40)


def test_a_window_of_several_pages_is_not_started_without_calls_for_all_of_them(
    rig: MakeRig,
) -> None:
    """Pages of a listing that the quota cuts short would have to be asked for again."""
    one = rig(FixtureCompany(210), windows=("7d",), per_day=8, zone="US/Pacific")
    one.run(days_before(4))
    assert len(made(one)) == 1 + 4 * 3
    assert most_in_a_day(made(one)) <= 8
    assert activity(read_output(one.path)) == whole(one, 4)


def test_it_waits_for_a_quota_that_others_used_up(rig: MakeRig, clock: FakeClock) -> None:
    one = rig(zone="US/Pacific", total_per_day=10)
    for second in range(9):
        one.ledger.reserve(clock.now(), CallLimits(1000, 10), clock.now() + second)
    began = clock.now()
    one.run(days_before(2))
    assert clock.now() - began >= DAY
    assert activity(read_output(one.path)) == whole(one, 2)


def a_quota(clock: FakeClock, used: Callable[[float], int], **limits: int) -> BackfillQuota:
    return BackfillQuota(clock=clock, used=used, log=no_log(), **limits)


@pytest.mark.parametrize(("per_day", "total_per_day"), [(0, 10), (-3, 10), (10, 0)])
def test_it_is_refused_if_the_schedule_needs_the_whole_quota(
    clock: FakeClock, per_day: int, total_per_day: int
) -> None:
    with pytest.raises(InvalidRequest, match=r"needs all of gong\.requests_per_day"):
        a_quota(clock, lambda _: 0, per_day=per_day, total_per_day=total_per_day)


def test_available_calls_obey_both_limits(clock: FakeClock) -> None:
    assert a_quota(clock, lambda _: 3, per_day=20, total_per_day=10).available() == 7
    assert a_quota(clock, lambda _: 3, per_day=5, total_per_day=10).available() == 5
    assert a_quota(clock, lambda _: 30, per_day=5, total_per_day=10).available() == 0


def test_calls_of_others_are_checked_again_every_minute(clock: FakeClock) -> None:
    began = clock.now()
    quota = a_quota(clock, lambda now: 10 if now < began + 150 else 0, per_day=20, total_per_day=10)
    quota.wait_for(1)
    assert clock.waits == [RECHECK_INTERVAL] * 3


def test_it_does_not_wait_for_more_calls_than_a_day_allows(clock: FakeClock) -> None:
    a_quota(clock, lambda _: 0, per_day=20, total_per_day=10).wait_for(1000)
    assert clock.waits == []
