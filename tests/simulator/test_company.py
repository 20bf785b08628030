from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from statistics import mean, median, variance
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.layout import Role
from gong_exporter.simulator.records import COUNTERS, ApiCompany

NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 6, 17)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@pytest.fixture(scope="module")
def company() -> SimulatedCompany:
    return SimulatedCompany(48, 1, NEW_YORK, TODAY)


def hosted(company: SimulatedCompany, start: date, end: date) -> int:
    return sum(user.counters["callsAsHost"] for user in company.activity(start, end))


def test_the_simulated_company_is_what_the_api_asks_for(company: SimulatedCompany) -> None:
    served: ApiCompany = company
    assert served.time_zone is NEW_YORK
    users = served.activity(TODAY - WEEK, TODAY)
    assert all(tuple(user.counters) == COUNTERS for user in users)
    places = [served.user_ids.index(user.user_id) for user in users]
    assert places == sorted(set(places))


def test_the_same_arguments_give_the_same_company(company: SimulatedCompany) -> None:
    again = SimulatedCompany(48, 1, NEW_YORK, TODAY)
    assert again.people == company.people
    assert again.activity(TODAY - 4 * WEEK, TODAY) == company.activity(TODAY - 4 * WEEK, TODAY)


def test_another_seed_gives_another_company(company: SimulatedCompany) -> None:
    other = SimulatedCompany(48, 2, NEW_YORK, TODAY)
    assert not {person.email for person in other.people} >= {
        person.email for person in company.people
    }
    assert hosted(other, TODAY - WEEK, TODAY) != hosted(company, TODAY - WEEK, TODAY)


@settings(deadline=None, max_examples=40)
@given(
    first=st.dates(date(2021, 1, 1), date(2029, 12, 31)),
    later=st.integers(1, 400),
    ago=st.integers(-200, 900),
    length=st.integers(1, 40),
)
def test_the_past_stays_what_it_was_when_today_moves(
    first: date, later: int, ago: int, length: int
) -> None:
    before = SimulatedCompany(12, 5, NEW_YORK, first)
    after = SimulatedCompany(12, 5, NEW_YORK, first + later * DAY)
    start = first - ago * DAY
    assert before.activity(start, start + length * DAY) == after.activity(
        start, start + length * DAY
    )
    assert list(after.user_ids[: len(before.user_ids)]) == list(before.user_ids)


def test_asking_in_another_order_changes_nothing(company: SimulatedCompany) -> None:
    windows = [(TODAY - n * WEEK, TODAY - n * WEEK + n * DAY) for n in range(1, 20)]
    fresh = SimulatedCompany(48, 1, NEW_YORK, TODAY)
    backwards = {window: fresh.activity(*window) for window in reversed(windows)}
    assert backwards == {window: company.activity(*window) for window in windows}


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_truth_about_a_user_is_what_the_activity_says(
    company: SimulatedCompany, data: st.DataObject
) -> None:
    start = data.draw(st.dates(date(2019, 1, 1), TODAY))
    end = start + data.draw(st.integers(0, 60)) * DAY
    told = {user.user_id: user.counters for user in company.activity(start, end)}
    for user_id in data.draw(st.lists(st.sampled_from(company.user_ids), min_size=5, max_size=5)):
        assert company.truth(user_id, start, end) == told.get(user_id, dict.fromkeys(COUNTERS, 0))
    assert all(any(counters.values()) for counters in told.values())


def test_nobody_has_the_truth_about_an_unknown_id(company: SimulatedCompany) -> None:
    with pytest.raises(KeyError):
        company.truth("1", TODAY - DAY, TODAY)


def test_nothing_happens_in_an_empty_range_before_the_foundation_or_beyond_the_calendar(
    company: SimulatedCompany,
) -> None:
    assert company.activity(TODAY, TODAY) == []
    assert company.activity(TODAY, TODAY - WEEK) == []
    assert company.activity(date(1, 1, 1), date(2015, 12, 1)) == []
    assert company.activity(date(9999, 1, 1), date(9999, 12, 31)) == []


def test_ids_are_digits_up_to_twenty_some_beyond_64_bits(company: SimulatedCompany) -> None:
    assert all(15 <= len(user_id) <= 20 and user_id.isdigit() for user_id in company.user_ids)
    assert max(int(user_id) for user_id in company.user_ids) > 2**64
    assert len(set(company.user_ids)) == len(company.user_ids)


def test_addresses_are_unique_and_reach_nobody() -> None:
    people = SimulatedCompany(3000, 1, NEW_YORK, TODAY).people
    assert len({person.email for person in people}) == len(people)
    assert all(person.email.isascii() for person in people)
    assert {person.email.rpartition("@")[2] for person in people} == {"example.com"}
    assert len({person.name for person in people}) < len(people)  # two may share a name


@pytest.mark.parametrize("users", [1, 2, 3, 7, 20, 48, 300])
def test_a_company_has_about_the_people_that_were_asked_for(users: int) -> None:
    company = SimulatedCompany(users, 3, NEW_YORK, TODAY)
    at_work = [person for person in company.people if person.hired <= TODAY < person.left]
    assert abs(len(at_work) - users) <= max(1, users * 0.1)


def test_a_company_without_anybody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one user, not 0"):
        SimulatedCompany(0, 1, NEW_YORK, TODAY)


def test_the_company_grows_over_the_years() -> None:
    people = SimulatedCompany(400, 1, NEW_YORK, TODAY).people
    at_work = [
        sum(person.hired <= date(year, 6, 1) < person.left for person in people)
        for year in range(2017, 2027)
    ]
    assert all(after > before for before, after in pairwise(at_work))
    assert at_work[-1] > 1.5 * at_work[3]


def test_nobody_does_anything_before_the_first_day_or_after_the_last(
    company: SimulatedCompany,
) -> None:
    left = [person for person in company.people if person.left <= TODAY]
    assert len(left) > 20
    for person in company.people:
        before = company.truth(person.user_id, person.hired - 8 * WEEK, person.hired)
        after = company.truth(person.user_id, person.left, person.left + 8 * WEEK)
        assert not any(before.values())
        assert not any(after.values())


def test_new_hires_host_little_and_listen_much() -> None:
    company = SimulatedCompany(150, 1, NEW_YORK, TODAY)
    new: Counter[str] = Counter()
    settled: Counter[str] = Counter()
    for person in company.people:
        if person.role is Role.REPRESENTATIVE and person.hired < TODAY - 52 * WEEK < person.left:
            new.update(company.truth(person.user_id, person.hired, person.hired + 6 * WEEK))
            later = person.hired + 26 * WEEK
            settled.update(company.truth(person.user_id, later, later + 6 * WEEK))
    assert new["callsAsHost"] < settled["callsAsHost"] / 3
    assert new["othersCallsListenedTo"] > settled["othersCallsListenedTo"] * 2


def test_representatives_host_managers_listen_comment_and_fill_scorecards() -> None:
    company = SimulatedCompany(200, 1, NEW_YORK, TODAY)
    start = TODAY - 26 * WEEK
    by_role: dict[Role, list[dict[str, int]]] = {role: [] for role in Role}
    for person in company.people:
        if person.hired < start - 26 * WEEK and person.left > TODAY:
            by_role[person.role].append(dict(company.truth(person.user_id, start, TODAY)))

    def usual(role: Role, counter: str) -> float:
        return mean(counts[counter] for counts in by_role[role])

    rep, manager, engineer = Role.REPRESENTATIVE, Role.MANAGER, Role.ENGINEER
    assert usual(rep, "callsAsHost") > 4 * usual(manager, "callsAsHost")
    assert usual(engineer, "callsAttended") > 4 * usual(rep, "callsAttended")
    for counter in ("othersCallsListenedTo", "callsCommentsGiven", "callsScorecardsFilled"):
        assert usual(manager, counter) > 3 * usual(rep, counter)
    assert usual(rep, "callsRequestedFeedback") > 4 * usual(manager, "callsRequestedFeedback")


def test_work_is_less_even_than_chance_alone() -> None:
    company = SimulatedCompany(120, 1, NEW_YORK, TODAY)
    mondays = [date(2025, 9, 1) + n * WEEK for n in range(13)]  # a quarter without quiet weeks
    ratios = []
    for person in company.people:
        settled = person.hired < mondays[0] - 26 * WEEK and person.left > TODAY
        if person.role is Role.REPRESENTATIVE and settled:
            weeks = [
                company.truth(person.user_id, monday, monday + WEEK)["callsAsHost"]
                for monday in mondays
            ]
            ratios.append(variance(weeks) / mean(weeks))
    assert len(ratios) > 40
    assert median(ratios) > 2  # Poisson's would be 1
    assert sum(ratio > 1 for ratio in ratios) > 0.9 * len(ratios)


def test_reorganisations_move_people_and_leave_most_where_they_are() -> None:
    before = SimulatedCompany(200, 1, NEW_YORK, date(2026, 2, 1)).people
    after = SimulatedCompany(200, 1, NEW_YORK, date(2026, 2, 2)).people
    stayed = [
        (old, new)
        for old, new in zip(before, after, strict=False)
        if old.hired < date(2026, 1, 1) and old.left > date(2026, 3, 1)
    ]
    moved = [(old, new) for old, new in stayed if old.team != new.team]
    assert 0.03 < len(moved) / len(stayed) < 0.2
    assert all(old.role is Role.REPRESENTATIVE for old, _ in moved)
    assert all(old.region == new.region for old, new in moved)
