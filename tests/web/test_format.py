from datetime import date

import pytest

from gong_exporter.web.markup import TimeFormat, clip, count, days, duration

NOON = 1_790_017_200.0  # Monday 21 September 2026, 12:00 in Los Angeles


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (1, "1 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (600, "10 min"),
        (659, "10 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (12 * 3600 + 180, "12 h"),
        (86_400, "1 day"),
        (90_000, "1 day 1 h"),
        (172_800, "2 days"),
        (40 * 86_400 + 7200, "40 days"),
    ],
)
def test_a_duration_is_formatted_in_its_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("away", "text"),
    [(0, "now"), (0.4, "now"), (-0.4, "now"), (-90, "1 min 30 s ago"), (900, "in 15 min")],
)
def test_an_instant_is_formatted_relative_to_now(away: float, text: str) -> None:
    assert TimeFormat.of(NOON, None).ago(NOON + away) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/Los_Angeles", "12:00"),
        ("US/Pacific", "12:00"),
        ("Asia/Tokyo", "04:00"),
        (None, "19:00"),
        ("Nowhere/At_All", "19:00"),
        ("../etc/passwd", "19:00"),
        ("a\0b", "19:00"),
        ("", "19:00"),
    ],
)
def test_times_are_the_companys_and_utc_until_its_zone_is_known(
    zone: str | None, text: str
) -> None:
    assert f">{text}</time>" in TimeFormat.of(NOON, zone).at(NOON)


def test_a_time_of_another_day_or_year_says_so() -> None:
    clock = TimeFormat.of(NOON, "America/Los_Angeles")
    assert ">Sun 20 Sep, 12:00</time>" in clock.at(NOON - 86_400)
    assert ">Sun 21 Sep 2025, 12:00</time>" in clock.at(NOON - 365 * 86_400)


def test_an_instant_beyond_all_calendars_does_not_break_the_page() -> None:
    assert "<time" in TimeFormat.of(NOON, "US/Pacific").at(1e300)


@pytest.mark.parametrize(
    ("first", "end", "text"),
    [
        (date(2026, 9, 20), date(2026, 9, 21), "Sun 20 Sep 2026"),
        (date(2026, 9, 14), date(2026, 9, 21), "Mon 14 Sep \u2013 Sun 20 Sep 2026"),
        (date(2025, 12, 29), date(2026, 1, 5), "Mon 29 Dec 2025 \u2013 Sun 4 Jan 2026"),
        (date(2026, 9, 1), date(2026, 9, 1), "no day yet, from Tue 1 Sep 2026"),
    ],
)
def test_a_range_is_formatted_by_its_first_and_last_day(first: date, end: date, text: str) -> None:
    assert days(first, end) == text


def test_counts_have_separators_and_agree_with_their_noun() -> None:
    assert [count(0, "user"), count(1, "user"), count(1_000, "user")] == [
        "0 users",
        "1 user",
        "1,000 users",
    ]
    assert count(12_345) == "12,345"


def test_a_long_text_is_cut() -> None:
    assert clip("abcdef", 3) == "abc\u2026"
    assert clip("abc", 3) == "abc"
