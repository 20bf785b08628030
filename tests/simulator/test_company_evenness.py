"""People differ in how evenly they work; good and bad weeks show in calls and in contributions."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import correlation, mean, quantiles, variance
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.chance import DAILY_SHAPES, OCTAVE
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.layout import Role

TODAY = date(2026, 6, 17)
WEEK = timedelta(days=7)
MONDAYS = [date(2025, 1, 6) + n * WEEK for n in range(70)]
COMPANY = SimulatedCompany(150, 1, ZoneInfo("America/New_York"), TODAY)
SETTLED = [
    person.user_id
    for person in COMPANY.people
    if person.role is Role.REPRESENTATIVE
    and person.hired < MONDAYS[0] - 26 * WEEK
    and person.left > TODAY + 4 * WEEK
]


def weeks(user_id: str, *counters: str) -> list[int]:
    return [
        sum(COMPANY.truth(user_id, monday, monday + WEEK)[counter] for counter in counters)
        for monday in MONDAYS
    ]


def test_four_of_five_people_have_a_shape_between_one_and_a_half_and_twelve() -> None:
    middle = [shape for shape in DAILY_SHAPES if 1.4 < shape < 12.5]
    assert 0.7 < len(middle) / len(DAILY_SHAPES) < 0.9


def test_some_people_work_far_more_unevenly_than_others() -> None:
    ratios = [
        variance(counts) / mean(counts) for counts in (weeks(one, "callsAsHost") for one in SETTLED)
    ]
    lowest, *_, highest = quantiles(ratios, n=10)
    assert highest > 1.8 * lowest


def test_calls_and_contributions_partly_follow_the_same_good_and_bad_weeks() -> None:
    form: list[float] = []
    calls: list[float] = []
    contributions: list[float] = []
    for user_id in SETTLED:
        true = [2 ** (COMPANY.level(user_id, monday) / OCTAVE) for monday in MONDAYS]
        for into, counts in (
            (form, true),
            (calls, weeks(user_id, "callsAsHost")),
            (contributions, weeks(user_id, "callsSharedInternally", "callsRequestedFeedback")),
        ):
            usual = mean(counts)
            into += [count / usual for count in counts]
    assert correlation(form, calls) > 0.4
    assert 0.1 < correlation(form, contributions) < correlation(form, calls)
