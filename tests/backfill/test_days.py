from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.windows import day_start
from gong_exporter.backfill.plan import (
    DAY,
    InvalidRequest,
    PublicationDays,
    begins,
    check_step,
    sample_times,
)

PACIFIC = ZoneInfo("US/Pacific")
HOUR = 3600
FOREVER = 1e12


def test_the_range_includes_both_ends() -> None:
    days = PublicationDays(date(2026, 2, 27), date(2026, 3, 2)).in_zone(PACIFIC)
    assert [day.day for day in days] == [27, 28, 1, 2]


def test_a_range_can_be_one_day() -> None:
    assert PublicationDays(date(2026, 3, 2), date(2026, 3, 2)).in_zone(PACIFIC) == (
        date(2026, 3, 2),
    )


def test_a_day_that_the_zone_skipped_is_left_out() -> None:
    days = PublicationDays(date(2011, 12, 29), date(2011, 12, 31)).in_zone(ZoneInfo("Pacific/Apia"))
    assert [day.day for day in days] == [29, 31]


def test_a_range_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="--from=2026-03-02 is after --to=2026-03-01"):
        PublicationDays(date(2026, 3, 2), date(2026, 3, 1)).check()


def test_a_day_before_gong_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="--from=2009-12-31 is too early"):
        PublicationDays(date(2009, 12, 31), date(2026, 3, 1)).check()


def test_tomorrow_is_refused_and_today_is_not() -> None:
    days = PublicationDays(date(2026, 3, 1), date(2026, 3, 11))
    days.check_begun(date(2026, 3, 11), PACIFIC)
    with pytest.raises(
        InvalidRequest, match=r"2026-03-11 has not begun: in US/Pacific, .* 2026-03-10"
    ):
        days.check_begun(date(2026, 3, 10), PACIFIC)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 3, 9), 24), (date(2026, 11, 1), 25)],
)
def test_a_day_has_23_24_or_25_hours(day: date, hours: int) -> None:
    times = sample_times(day, PACIFIC, HOUR, FOREVER)
    assert len(times) == hours
    assert times[0] == day_start(day, PACIFIC)


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 3, 9), date(2026, 11, 1)])
def test_at_a_step_of_a_day_every_day_has_one_sample(day: date) -> None:
    assert list(sample_times(day, PACIFIC, DAY, FOREVER)) == [day_start(day, PACIFIC)]


def test_a_day_without_midnight_begins_when_clocks_jump() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    (at,) = sample_times(date(2018, 11, 4), zone, DAY, FOREVER)
    assert datetime.fromtimestamp(at, zone).isoformat() == "2018-11-04T01:00:00-02:00"


def test_no_sample_is_in_the_future() -> None:
    day = date(2026, 3, 11)
    now = day_start(day, PACIFIC) + 3 * HOUR
    assert len(sample_times(day, PACIFIC, HOUR, now)) == 4
    assert len(sample_times(day, PACIFIC, HOUR, now - 0.5)) == 3


@settings(deadline=None)
@given(
    st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["US/Pacific", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.sampled_from([60, 300, HOUR, 6 * HOUR, DAY]),
)
def test_the_samples_of_a_day_are_in_it_and_a_step_apart(day: date, name: str, step: int) -> None:
    zone = ZoneInfo(name)
    times = sample_times(day, zone, step, FOREVER)
    assert times[0] == begins(day, zone)
    assert times[-1] < begins(date.fromordinal(day.toordinal() + 1), zone)
    assert times.step == step


@pytest.mark.parametrize("step", [60, 300, 900, 3600, 21600, 86400])
def test_a_step_that_divides_a_day_is_accepted(step: int) -> None:
    assert check_step(float(step)) == step


@pytest.mark.parametrize("step", [30, 59, 7 * 60, 5 * HOUR, 2 * DAY, 60.5])
def test_any_other_step_is_refused(step: float) -> None:
    with pytest.raises(InvalidRequest, match="--step must be from 1m to 1d, and divide a day"):
        check_step(step)
