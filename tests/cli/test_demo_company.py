"""The demo's company: its drops alert, and its absences do not, whatever the date."""

from __future__ import annotations

import os
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.cli.demo_company import (
    SEED,
    SEEDS,
    SLUMPS,
    company_with,
    demo_company,
    team_manager,
)
from gong_exporter.cli.demo_detector import Day, find_drops, read_day, years
from gong_exporter.cli.demo_text import describe_demo, describe_events
from gong_exporter.drops.thresholds import SILENT_ACTIVE_DAYS, TEAM_EVIDENCE, USER_YEARS
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind

ZONE = ZoneInfo("US/Pacific")
DAY = timedelta(days=1)
FIRST = date(2026, 6, 1)
ALL_DATES = 400
STEP = 1 if "EVERY_DATE" in os.environ else 10
"""``make demo-dates`` tests all 400 dates, which takes minutes; the suite every tenth."""

TODAYS = [FIRST + ago * DAY for ago in range(0, ALL_DATES, STEP)]
HARD = [date(2026, 7, 17), date(2026, 8, 27), date(2027, 1, 29), date(2027, 4, 2)]
"""Some of the dates on which a certain drop is hard to find in the company of the first seed."""

TURN_OF_THE_YEAR = [date(2026, 12, 25) + ago * DAY for ago in range(0, 21, 5)]
LATEST = FIRST + (ALL_DATES + 1) * DAY
COMPANIES = [company_with((), ZONE, LATEST, seed=seed) for seed in range(SEED, SEED + SEEDS)]
LATE = COMPANIES[0]
BY_FIRST_USER = {company.user_ids[0]: company for company in COMPANIES}


@cache
def read(first_user: str, day: date) -> Day:
    """A day of a company without events. It is the same whatever the date of the demo is."""
    return read_day(BY_FIRST_USER[first_user], day)


def undisturbed(company: SimulatedCompany, day: date) -> Day:
    return read(company.user_ids[0], day)


def demo_on(today: date) -> SimulatedCompany:
    """What demo_company() makes, with days that are read once for all dates."""
    return demo_company(ZONE, today, read=undisturbed)


@pytest.mark.parametrize("today", sorted({*TODAYS, *TURN_OF_THE_YEAR, *HARD}), ids=str)
def test_the_slumps_alert_and_the_absences_do_not(today: date) -> None:
    company = demo_on(today)
    slump, team, silence, leave, holiday = (planted.event for planted in company.events)
    assert (slump.kind, team.kind) == SLUMPS
    assert [silence.kind, leave.kind] == [EventKind.SILENT, EventKind.SILENT]
    assert holiday.kind is EventKind.TEAM_SILENT
    past = [undisturbed(company, today - ago * DAY) for ago in range(1, HISTORY_DAYS + 1)]
    # The compose demo and `make demo-history` have a roster file, `make demo` has Gong's users.
    by_name = find_drops(company, past), {name: name for name in company.teams}
    by_manager = (
        find_drops(company, past, lambda person: person.manager),
        {name: team_manager(company, name) for name in (team.who, holiday.who)},
    )
    for found, names in (by_name, by_manager):
        people = {person.user_id: person for person in found.people}
        assert years(people[slump.who]) > USER_YEARS
        assert found.teams[names[team.who]].finding.evidence > TEAM_EVIDENCE
        assert found.teams[names[holiday.who]].finding.evidence < TEAM_EVIDENCE
        absent = {silence.who, leave.who, *company.events[-1].user_ids}
        assert all(years(people[who]) < USER_YEARS for who in absent if who in people)
        assert people[silence.who].active_days_7 == 0
        assert (people[silence.who].active_days_28 or 0) >= SILENT_ACTIVE_DAYS
        assert (people[leave.who].active_days_7 or 0) > 0


def test_its_past_is_the_same_on_every_date() -> None:
    """Otherwise the days of the test above could not be shared."""
    today = FIRST + 30 * DAY
    company = company_with((), ZONE, today)
    for ago in (1, HISTORY_DAYS):
        assert read_day(company, today - ago * DAY) == undisturbed(company, today - ago * DAY)
    assert demo_company(ZONE, today).events == demo_on(today).events


def test_the_company_works_at_the_turn_of_the_year_and_is_the_same_otherwise() -> None:
    usual = SimulatedCompany(48, 20, ZONE, FIRST + 400 * DAY)
    between, summer = date(2026, 12, 29), date(2027, 6, 15)
    assert sum(day[1] for day in undisturbed(LATE, between).values()) > 2 * sum(
        day[1] for day in read_day(usual, between).values()
    )
    assert read_day(usual, summer) == undisturbed(LATE, summer)


def test_the_text_says_who_dropped_who_is_away_and_which_alerts_fire() -> None:
    company = demo_on(FIRST)
    people = {person.user_id: person.name for person in company.people}
    said = describe_demo(company, SEED)
    for planted in company.events:
        assert people.get(planted.event.who, planted.event.who) in said
    team = company.events[1].event.who
    assert f"The team of {team_manager(company, team)} ({team})" in " ".join(said.split())
    assert " ".join(said.split()).count("nothing fires") == 2
    for alert in ("GongUserActivityDrop", "GongTeamActivityDrop", "GongUserGoneSilent"):
        assert f"{alert} fires" in " ".join(said.split())
    for kind in EventKind:
        assert kind.value not in said
    assert max(map(len, said.splitlines())) <= 96


def test_of_events_of_ones_own_it_is_not_said_that_they_alert() -> None:
    who = LATE.people[0]
    company = company_with(
        [Event(EventKind.SLUMP, who.user_id, 10), Event(EventKind.CLOSURE, "", 3)], ZONE, FIRST
    )
    said = describe_events(company)
    assert f"slump:{who.user_id}:10: {who.name}" in said
    assert "closure:3: everybody" in said
    assert "fires" not in said


@pytest.mark.parametrize("users", [1, 2, 9, 20])
def test_a_small_company_has_as_many_events_as_it_has_teams_for(users: int) -> None:
    company = demo_company(ZONE, FIRST, users)
    assert company.events[0].event.kind is EventKind.DEEP_SLUMP


def test_a_company_without_people_has_no_events() -> None:
    company = demo_company(ZONE, date(2015, 1, 1), 1)
    assert company.events == ()
    assert "too small" in describe_demo(company, SEED)


def test_the_text_names_the_seed_only_if_it_is_not_the_one_asked_for() -> None:
    company = demo_on(FIRST)
    assert "seed" not in describe_demo(company, company.seed)
    said = describe_demo(company, company.seed - 1)
    assert said.startswith(f"This is the company of --seed={company.seed}, because ")
    assert f"--seed={company.seed - 1} " in " ".join(said.split())
