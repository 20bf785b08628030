"""Crontab lines fire when crontab(5) says, in the company's zone, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.config.cron import parse_cron
from gong_exporter.runtime.schedule import next_cron_time
from tests.support.cron import due

PACIFIC = ZoneInfo("US/Pacific")


def fires(line: str, zone: ZoneInfo, start: datetime, days: float) -> list[datetime]:
    """The times from ``start`` on, each found from the one before."""
    schedule = parse_cron(line)
    found: list[datetime] = []
    at = next_cron_time(schedule, zone, start.timestamp() - 1e-3)
    while at is not None and at < (start + timedelta(days=days)).timestamp():
        found.append(datetime.fromtimestamp(at, UTC))
        at = next_cron_time(schedule, zone, at)
    return found


def every_minute(start: datetime, days: int) -> list[datetime]:
    return [start + timedelta(minutes=n) for n in range(days * 1440)]


LINES = (
    "0 0 * * *",
    "30 2 * * *",
    "15 * * * *",
    "*/20 1-3 * * *",
    "5 9-17/4 * * 1-5",
    "0 12 * * 7",
    "59 23 28-31 * *",
    "0 * * * *",
)


@pytest.mark.parametrize("line", LINES)
def test_a_crontab_line_fires_at_every_matching_minute_and_no_other(line: str) -> None:
    start = datetime(2026, 1, 30, tzinfo=UTC)  # a week in which no clock changes, a month's end
    expected = [at for at in every_minute(start, 7) if due(line, at.astimezone(PACIFIC))]
    assert fires(line, PACIFIC, start, 7) == expected


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("US/Pacific", "2026-03-08"),
        ("US/Pacific", "2026-11-01"),
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("Australia/Lord_Howe", "2026-10-04"),  # by half an hour
        ("America/Santiago", "2026-09-06"),  # midnight is skipped
        ("America/Santiago", "2026-04-05"),  # the hour before midnight comes twice
        ("Africa/Cairo", "2026-04-24"),
    ],
)
@pytest.mark.parametrize("line", LINES)
def test_a_clock_change_neither_skips_nor_repeats_a_run(line: str, zone: str, change: str) -> None:
    place = ZoneInfo(zone)
    start = datetime.fromisoformat(f"{change}T12:00:00Z") - timedelta(days=2)
    hourly = line.split()[1] == "*"
    expected = {
        at
        for at in every_minute(start, 4)
        if due(line, local := at.astimezone(place)) and (hourly or not local.fold)
    }
    found = fires(line, place, start, 4)
    assert expected <= set(found)
    assert len(found) == len(set(found))
    assert found == sorted(found)
    # What is beyond it was skipped by the clocks, on the day of the change, and comes later.
    beyond = {at.astimezone(place) for at in set(found) - expected}
    assert {str(at.date()) for at in beyond} <= {change}


@pytest.mark.parametrize(
    ("line", "zone", "day", "times"),
    [
        ("30 2 * * *", "US/Pacific", "2026-03-08", ["03:00-07:00"]),  # 02:30 does not exist
        ("0 0 * * *", "US/Pacific", "2026-03-09", ["00:00-07:00"]),  # the day after
        ("30 1 * * *", "US/Pacific", "2026-11-01", ["01:30-07:00"]),  # 01:30 comes twice
        ("30 1-2 * * *", "US/Pacific", "2026-11-01", ["01:30-07:00", "02:30-08:00"]),
        ("0 0 * * *", "America/Santiago", "2026-09-06", ["01:00-03:00"]),
        ("0 0 29 2 *", "Europe/Berlin", "2028-02-29", ["00:00+01:00"]),
        ("0 6 * * 0", "Asia/Kathmandu", "2026-03-01", ["06:00+05:45"]),  # Sunday is 0 ...
        ("0 6 * * 7", "Asia/Kathmandu", "2026-03-01", ["06:00+05:45"]),  # ... and 7
        ("0 6 * * mon-fri", "Asia/Kathmandu", "2026-03-01", []),
    ],
)
def test_the_times_of_a_day(line: str, zone: str, day: str, times: list[str]) -> None:
    place = ZoneInfo(zone)
    start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=place).astimezone(UTC)
    local = [at.astimezone(place) for at in fires(line, place, start, 1.1)]
    found = [at for at in local if str(at.date()) == day]
    assert [f"{at:%H:%M}{at.isoformat()[-6:]}" for at in found] == times


def test_an_hourly_line_stays_an_hour_apart_when_clocks_go_back() -> None:
    found = fires("15 * * * *", PACIFIC, datetime(2026, 10, 31, tzinfo=UTC), 3)
    assert {later - sooner for sooner, later in pairwise(found)} == {timedelta(hours=1)}


def test_a_leap_day_is_found_eight_years_ahead() -> None:
    found = fires("0 0 29 2 *", PACIFIC, datetime(2096, 3, 1, tzinfo=UTC), 366 * 9)
    assert [str(at.astimezone(PACIFIC).date()) for at in found] == ["2104-02-29"]


@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # made aware
    zone=st.sampled_from(["US/Pacific", "Europe/Berlin", "Pacific/Apia", "America/Santiago"]),
)
def test_a_daily_line_never_lets_more_than_25_hours_pass(moment: datetime, zone: str) -> None:
    start = moment.replace(tzinfo=UTC)
    first = next_cron_time(parse_cron("0 0 * * *"), ZoneInfo(zone), start.timestamp())
    assert first is not None
    assert 0 < first - start.timestamp() <= 25 * 3600
