"""Windows as company days: every zone, both ways of DST, days that are skipped or repeated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.activity.windows import (
    MAX_DAYS,
    PERIODS,
    DayRange,
    WindowSpec,
    company_today,
    day_start,
    longest,
    parse_window,
    today_everywhere,
)

EVERY_WINDOW = [parse_window(name) for name in ("1d", "7d", "28d", "365d", "400d", *PERIODS)]


def days(name: str, today: str) -> tuple[str, str]:
    covered = parse_window(name).range_on(date.fromisoformat(today))
    return covered.start.isoformat(), covered.end.isoformat()


@pytest.mark.parametrize(
    ("name", "today", "start"),
    [
        ("1d", "2026-03-11", "2026-03-10"),
        ("7d", "2026-03-11", "2026-03-04"),
        ("28d", "2026-03-11", "2026-02-11"),
        ("1d", "2026-01-01", "2025-12-31"),
        ("7d", "2026-01-03", "2025-12-27"),
        ("1d", "2024-03-01", "2024-02-29"),
        ("1d", "2026-03-01", "2026-02-28"),
        ("7d", "2024-03-01", "2024-02-23"),
        ("366d", "2025-02-28", "2024-02-28"),
        ("400d", "2026-03-11", "2025-02-04"),
        ("wtd", "2026-03-08", "2026-03-02"),  # a Sunday
        ("wtd", "2026-03-09", "2026-03-09"),  # a Monday: nothing yet
        ("wtd", "2026-03-10", "2026-03-09"),
        ("wtd", "2026-01-01", "2025-12-29"),
        ("mtd", "2026-03-31", "2026-03-01"),
        ("mtd", "2026-03-01", "2026-03-01"),
        ("mtd", "2024-02-29", "2024-02-01"),
        ("qtd", "2026-03-31", "2026-01-01"),
        ("qtd", "2026-04-01", "2026-04-01"),
        ("qtd", "2026-06-30", "2026-04-01"),
        ("qtd", "2026-09-30", "2026-07-01"),
        ("qtd", "2026-12-31", "2026-10-01"),
        ("ytd", "2026-01-01", "2026-01-01"),
        ("ytd", "2026-01-02", "2026-01-01"),
        ("ytd", "2024-12-31", "2024-01-01"),
    ],
)
def test_a_window_ends_when_today_begins(name: str, today: str, start: str) -> None:
    assert days(name, today) == (start, today)


@pytest.mark.parametrize("name", PERIODS)
def test_a_period_is_empty_on_its_first_day_and_only_then(name: str) -> None:
    first = {"wtd": 52, "mtd": 12, "qtd": 4, "ytd": 1}
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    empty = [day for day in year if parse_window(name).range_on(day).empty]
    assert len(empty) == first[name]
    assert all(parse_window(name).range_on(day) == DayRange(day, day) for day in empty)


@given(today=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_window_has_the_days_of_its_name_and_all_have_ended(today: date) -> None:
    for window in EVERY_WINDOW:
        covered = window.range_on(today)
        assert covered.start <= covered.end == today
        if window.days:
            assert (covered.end - covered.start).days == window.days
        assert (covered.end - covered.start).days <= MAX_DAYS


@given(
    today=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    windows=st.lists(st.sampled_from(EVERY_WINDOW), min_size=1),
)
def test_the_longest_window_contains_every_other(today: date, windows: list[WindowSpec]) -> None:
    first = longest(windows, today)
    assert first in windows
    assert all(first.range_on(today).start <= window.range_on(today).start for window in windows)


@pytest.mark.parametrize("name", ["1d", "400d", *PERIODS])
def test_the_name_of_a_window_is_parsed(name: str) -> None:
    assert parse_window(name).name == name


@pytest.mark.parametrize(
    "name", ["", "0d", "401d", "01d", "1D", "d", "-1d", "1d ", "1w", "٣d", "Wtd"]
)
def test_an_invalid_window_is_refused_with_the_valid_ones(name: str) -> None:
    with pytest.raises(ValueError, match="trailing days, 1d to 400d, or wtd, mtd, qtd, ytd"):
        parse_window(name)


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("Etc/GMT+12", "2026-03-11T11:59:59Z", "2026-03-10"),
        ("Etc/GMT+12", "2026-03-11T12:00:00Z", "2026-03-11"),
        ("Pacific/Kiritimati", "2026-03-11T09:59:59Z", "2026-03-11"),
        ("Pacific/Kiritimati", "2026-03-11T10:00:00Z", "2026-03-12"),
        ("US/Pacific", "2026-03-11T06:59:59Z", "2026-03-10"),
        ("US/Pacific", "2026-03-11T07:00:00Z", "2026-03-11"),
        ("US/Pacific", "2026-12-11T07:00:00Z", "2026-12-10"),
        ("Asia/Kathmandu", "2026-03-10T18:15:00Z", "2026-03-11"),
        ("UTC", "2025-12-31T23:59:59Z", "2025-12-31"),
        ("Pacific/Auckland", "2025-12-31T11:00:00Z", "2026-01-01"),
    ],
)
def test_today_is_the_companys(zone: str, now: str, today: str) -> None:
    assert company_today(instant(now), ZoneInfo(zone)).isoformat() == today


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", "2026-03-11", "2026-03-11T00:00:00Z"),
        ("US/Pacific", "2026-03-08", "2026-03-08T08:00:00Z"),  # clocks go forward at 2
        ("US/Pacific", "2026-03-09", "2026-03-09T07:00:00Z"),
        ("US/Pacific", "2026-11-01", "2026-11-01T07:00:00Z"),  # and back at 2
        ("US/Pacific", "2026-11-02", "2026-11-02T08:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # begins at 01:00
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),  # 23:00 to 24:00 came twice
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),  # begins at 01:00
        ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z"),  # begins at 01:00
        ("Atlantic/Azores", "2025-10-26", "2025-10-26T00:00:00Z"),  # 00:00 comes twice
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),  # likewise
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),  # there was no such day
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z"),
        ("Etc/GMT+12", "2026-01-01", "2026-01-01T12:00:00Z"),
        ("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"),
    ],
)
def test_a_company_day_begins_at_its_first_moment(zone: str, day: str, begins: str) -> None:
    assert day_start(date.fromisoformat(day), ZoneInfo(zone)) == instant(begins)


def test_a_skipped_day_has_no_duration() -> None:
    apia = ZoneInfo("Pacific/Apia")
    skipped = WindowSpec("1d", 1).range_on(date(2011, 12, 31))
    assert day_start(skipped.start, apia) == day_start(skipped.end, apia)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-03-11", 24)]
)
def test_a_day_of_a_clock_change_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    zone, first = ZoneInfo("US/Pacific"), date.fromisoformat(day)
    lasts = day_start(first + timedelta(days=1), zone) - day_start(first, zone)
    assert lasts == hours * 3600


ZONES = st.sampled_from(
    [
        *("Etc/GMT+12", "Pacific/Kiritimati", "US/Pacific", "Asia/Kathmandu", "Pacific/Apia"),
        *("America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Atlantic/Azores", "UTC"),
        *("America/Havana", "America/Asuncion", "Australia/Lord_Howe", "Africa/Casablanca"),
        *("Europe/Berlin", "Pacific/Chatham", "America/St_Johns", "Asia/Gaza", "Asia/Tehran"),
    ]
)
INSTANTS = st.floats(instant("2011-12-01T00:00:00Z"), instant("2037-12-31T00:00:00Z"))


@given(zone=ZONES, day=st.dates(date(2011, 12, 1), date(2037, 12, 31)))
def test_before_its_first_moment_a_day_has_not_begun(zone: str, day: date) -> None:
    begins = datetime.fromtimestamp(day_start(day, ZoneInfo(zone)), UTC)
    assert begins.astimezone(ZoneInfo(zone)).date() >= day
    assert (begins - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < day


@given(zone=ZONES, now=INSTANTS)
def test_no_window_ends_after_the_companys_present(zone: str, now: float) -> None:
    today = company_today(now, ZoneInfo(zone))
    moment = now + 1e-6  # a datetime is rounded to microseconds
    assert all(day_start(w.range_on(today).end, ZoneInfo(zone)) <= moment for w in EVERY_WINDOW)


@given(now=INSTANTS)
def test_a_day_that_has_ended_everywhere_has_ended_in_every_zone(now: float) -> None:
    over = today_everywhere(now)
    todays = [company_today(now, timezone(timedelta(hours=hours))) for hours in range(-12, 15)]
    assert over == min(todays)
    assert max(todays) - over <= timedelta(days=2)


@pytest.mark.parametrize(
    ("now", "over"),
    [("2026-03-11T11:59:59Z", "2026-03-10"), ("2026-03-11T12:00:00Z", "2026-03-11")],
)
def test_a_day_has_ended_everywhere_when_it_has_ended_in_the_last_zone(now: str, over: str) -> None:
    assert today_everywhere(instant(now)).isoformat() == over
