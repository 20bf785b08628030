"""Weeks as they come: weekends, holidays, leave, new people and leavers, by the real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.rules_engine import assert_story
from tests.support.rules_people import OFF, Someone, colleagues, story, weekdays

pytestmark = pytest.mark.server("promtool")

MON, TUE, WED, THU, FRI, SAT, SUN = range(7, 14)
"""The days of the second week: by then the engine knows who was there on the days before."""

ANN = Someone("ann", weekdays(3))
BUSY = Someone("busy", weekdays(8))
REST = colleagues(9)


def days(start: int, end: int, *alerts: str) -> dict[int, tuple[str, ...]]:
    return dict.fromkeys(range(start, end), alerts)


def test_ordinary_weeks_with_their_weekends_are_silent(tmp_path: Path) -> None:
    assert_story(tmp_path, story([ANN, BUSY, *REST], 21), {})


def test_a_public_holiday_for_all_is_silent(tmp_path: Path) -> None:
    assert_story(tmp_path, story([ANN, BUSY, *REST], 24, closed=[THU]), {})


def test_two_holidays_beside_a_weekend_are_silent(tmp_path: Path) -> None:
    assert_story(tmp_path, story([ANN, BUSY, *REST], 24, closed=[FRI, MON + 7]), {})


def test_a_week_in_which_all_are_away_is_the_companys_drop_and_nobodys_own(tmp_path: Path) -> None:
    closed = story([ANN, BUSY, *REST], 28, closed=range(MON, SUN))
    # From three working days without calls until three with them; of few calls, a day less.
    hosted, attended = "company", "company calls_attended"
    told = days(THU, THU + 7, hosted) | days(FRI, WED + 7, hosted, attended)
    assert_story(tmp_path, closed, told)


@pytest.mark.parametrize("person", [ANN, BUSY], ids=lambda person: person.user)
def test_up_to_three_days_of_leave_are_silent(tmp_path: Path, person: Someone) -> None:
    leaves = [
        replace(person, user=f"away-{length}-from-{first}").away(first, length)
        for first in (MON, TUE, WED, THU, FRI)
        for length in (1, 2, 3)
    ]
    assert_story(tmp_path, story([*leaves, *colleagues(50)], 24), {})


def test_a_week_off_is_somebody_gone_silent(tmp_path: Path) -> None:
    off = story([ANN.away(MON, 7), BUSY.away(MON, 7), *REST], 28)
    told = days(SAT, TUE + 7, "silent ann", "silent busy")
    assert_story(tmp_path, off, told)


def test_without_a_week_of_history_leave_is_a_drop_beside_the_silence(tmp_path: Path) -> None:
    """It cannot be known yet that they were away, not idle; Alertmanager inhibits the drop."""
    off = story([BUSY.away(0, 7), *REST], 6)
    told = {3: ["drop busy"], 4: ["drop busy"], 5: ["drop busy", "silent busy"]}
    assert_story(tmp_path, off, told)


def test_a_new_hire_who_ramps_up_is_silent(tmp_path: Path) -> None:
    hire = Someone("hire", OFF)
    for week, calls in enumerate((0, 1, 1, 2, 2, 3, 3)):
        hire = hire.during(week * 7, 7, weekdays(calls))
    assert_story(tmp_path, story([hire, *REST], 49), {})


def test_a_leaver_goes_silent_until_the_longest_window_forgets_most_of_it(tmp_path: Path) -> None:
    gone = story([ANN.away(MON, 90), *REST], 49)
    # Each week a third less of the 15 calls is usual; below 5 a zero says little.
    assert_story(tmp_path, gone, days(SAT, TUE + 21, "silent ann"))


@pytest.mark.parametrize("calls", [(1, 1, 1, 1, 0, 0, 0), (1, 0, 1, 0, 1, 0, 0)])
def test_people_with_little_activity_are_silent_whatever_they_do(
    tmp_path: Path, calls: tuple[int, int, int, int, int, int, int]
) -> None:
    little = Someone("little", calls).away(MON, 90)
    assert_story(tmp_path, story([little, *REST], 35), {})


def test_a_slump_of_somebody_who_is_there_every_day_fires_until_it_ends(tmp_path: Path) -> None:
    slump = BUSY.during(MON, 14, weekdays(2))
    # On Friday four of the last five working days had 2 calls instead of 8; after the slump, on
    # the second Tuesday, one had 8.
    assert_story(tmp_path, story([slump, *REST], 35), days(FRI, TUE + 14, "drop busy"))


def test_a_slump_fires_from_the_first_day_of_scraping(tmp_path: Path) -> None:
    slump = BUSY.during(-7, 21, weekdays(2))
    assert_story(tmp_path, story([slump, *REST], 3), days(0, 3, "drop busy"))


def test_one_thing_alone_has_to_drop_further(tmp_path: Path) -> None:
    """Who joins no calls, but hosts as many as ever: four sigmas, not two and a half."""
    joiner = Someone("joiner", weekdays(1), weekdays(6)).during(MON, 7, weekdays(1), OFF)
    told = days(SAT, TUE + 7, "drop joiner calls_attended")
    assert_story(tmp_path, story([joiner, *REST], 21), told)


def test_with_all_else_down_as_well_less_of_a_drop_is_enough(tmp_path: Path) -> None:
    joiner = Someone("joiner", weekdays(1), weekdays(6))
    joiner = joiner.during(MON, 7, (0, 0, 0, 1, 0, 0, 0), (1, 1, 1, 0, 1, 0, 0))
    told = days(FRI, WED + 7, "drop joiner calls_attended")
    assert_story(tmp_path, story([joiner, *REST], 21), told)


def test_a_teams_slump_is_the_teams_and_its_members_alert(tmp_path: Path) -> None:
    slump = Someone("", weekdays(6), team="EMEA").during(MON, 7, weekdays(1))
    team = [replace(slump, user=f"emea-{number}") for number in range(3)]
    others = [Someone(f"apac-{number}", weekdays(6), team="APAC") for number in range(9)]
    members = [f"drop {person.user}" for person in team]
    told = days(FRI, WED + 7, "team EMEA") | days(SAT, TUE + 7, "team EMEA", *members)
    assert_story(tmp_path, story([*team, *others], 21), told)


def test_somebody_alone_at_a_company_has_alerts_of_their_own(tmp_path: Path) -> None:
    """There is no rest whose lull could be reckoned."""
    slump = BUSY.during(MON, 7, weekdays(1))
    told = days(FRI, WED + 7, "drop busy") | days(SAT, TUE + 7, "drop busy", "company")
    assert_story(tmp_path, story([slump], 21), told)
