from __future__ import annotations

from datetime import date, timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.company.attendance import Absences
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.offices import OFFICES, easter, holidays, office_week

DAY, WEEK = timedelta(days=1), timedelta(days=7)
TODAY = date(2026, 11, 23)
COMPANY = SimulatedCompany(160, 4, ZoneInfo("America/New_York"), TODAY)
OFFICE = {office.city: office for office in OFFICES}


def hosted(day: date, region: str = "") -> int:
    regions = {person.user_id: person.region for person in COMPANY.people}
    return sum(
        user.counters["callsAsHost"]
        for user in COMPANY.activity(day, day + DAY)
        if region in {"", regions[user.user_id]}
    )


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1961, (4, 2)),
        (1981, (4, 19)),
        (2000, (4, 23)),
        (2011, (4, 24)),
        (2024, (3, 31)),
        (2025, (4, 20)),
        (2026, (4, 5)),
        (2038, (4, 25)),
        (2049, (4, 18)),
        (2285, (3, 22)),
    ],
)
def test_easter_is_where_the_church_has_it(year: int, day: tuple[int, int]) -> None:
    assert easter(year) == date(year, *day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("US", date(2026, 11, 26)),  # Thanksgiving
        ("US", date(2026, 7, 3)),  # the Fourth is a Saturday
        ("US", date(2027, 7, 5)),  # and a Sunday
        ("US", date(2026, 5, 25)),
        ("GB", date(2026, 12, 28)),  # Boxing Day is a Saturday
        ("GB", date(2026, 4, 6)),
        ("DE", date(2026, 5, 14)),  # Ascension
        ("AU", date(2026, 1, 26)),
        ("BR", date(2026, 2, 17)),  # carnival
    ],
)
def test_offices_are_closed_on_the_public_holidays_of_their_country(
    country: str, day: date
) -> None:
    assert day in holidays(country, day.year)


def test_weekends_are_quiet_and_not_dead() -> None:
    weekdays = [hosted(TODAY - WEEK * n + DAY, "Americas") for n in range(4, 12)]
    saturdays = [hosted(TODAY - WEEK * n + 5 * DAY, "Americas") for n in range(4, 30)]
    assert mean(saturdays) < mean(weekdays) / 50
    people_at_weekends = [
        len(COMPANY.activity(TODAY - WEEK * n + 5 * DAY, TODAY - WEEK * n + 6 * DAY))
        for n in range(4, 12)
    ]
    assert sum(people_at_weekends) > 0


def test_a_holiday_empties_the_offices_of_its_country_only() -> None:
    monday = date(2026, 9, 7)  # Labor Day
    assert (
        hosted(monday, "Americas") < hosted(monday + WEEK, "Americas") / 4
    )  # Brazil's is the same
    assert hosted(monday, "EMEA") > hosted(monday + WEEK, "EMEA") / 3


def test_between_christmas_and_new_year_hardly_anybody_works() -> None:
    quiet = sum(hosted(date(2025, 12, 24) + n * DAY) for n in range(7))
    usual = sum(hosted(date(2025, 12, 3) + n * DAY) for n in range(7))
    assert quiet < usual / 10


def test_the_end_of_a_quarter_is_busier_than_its_beginning() -> None:
    assert sum(hosted(date(2026, 9, 17) + n * DAY) for n in range(14)) > 1.25 * sum(
        hosted(date(2026, 10, 1) + n * DAY) for n in range(14)
    )


def test_a_monday_in_sydney_is_a_sunday_in_new_york() -> None:
    sunday = date(2026, 10, 25)
    assert hosted(sunday, "APAC") > 3 * hosted(sunday, "Americas")
    assert hosted(sunday + 5 * DAY, "APAC") < hosted(sunday, "APAC") / 3  # their Saturday


@pytest.mark.parametrize(
    ("city", "company_zone", "shift"),
    [
        ("New York", "America/New_York", 0),
        ("London", "America/Los_Angeles", 0),
        ("Sydney", "America/Los_Angeles", -1),
        ("Sydney", "Europe/Berlin", 0),
        ("San Francisco", "Australia/Sydney", 1),
        ("San Francisco", "Pacific/Kiritimati", 1),
        ("Melbourne", "Pacific/Niue", -1),
    ],
)
def test_an_offices_day_is_the_companys_day_at_its_noon(
    city: str, company_zone: str, shift: int
) -> None:
    week = office_week(OFFICE[city], ZoneInfo(company_zone), date(2026, 6, 22))
    assert week.shift == shift
    assert week.working == 0b0011111


def test_everybody_is_away_for_some_weeks_a_year_and_few_for_months() -> None:
    absences = Absences(9)
    mondays = [date(2025, 1, 6) + n * WEEK for n in range(52)]
    for office in OFFICES:
        days = [
            sum((absences.week(person, office, monday) & 0x1F).bit_count() for monday in mondays)
            for person in range(400)
        ]
        quiet = 52 * 108 / 256  # days at work without a trace
        assert office.leave_days * 0.8 < sorted(days)[200] - quiet < office.leave_days * 1.5 + 6
        assert min(days) >= 5
        assert 0 < sum(day > 60 + quiet for day in days) < 16


def test_absences_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    mondays = [date(2024, 1, 1) + n * WEEK for n in range(150)]
    one, other = Absences(3), Absences(3)
    forwards = [one.week(7, OFFICE["Berlin"], monday) for monday in mondays]
    backwards = [other.week(7, OFFICE["Berlin"], monday) for monday in reversed(mondays)]
    assert forwards == backwards[::-1]
