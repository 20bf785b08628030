"""The demo's company: its drops alert, and its absences do not, whatever the date."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.cli.demo_company import (
    HISTORY_DAYS,
    SEED,
    USERS,
    demo_company,
    find_drops,
    read_day,
    summary,
    years,
)
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import EventKind

ZONE = ZoneInfo("US/Pacific")
DAY = timedelta(days=1)
FIRST = date(2026, 6, 1)
ALERT_YEARS = 24
ALERT_TEAM_EVIDENCE = 7

TODAYS = [FIRST + ago * DAY for ago in range(0, 400, 21)]
"""Of 400 days. Between 29 December and 12 January nearly everybody is away: too few are at work for
evidence, and none of these dates is among them."""


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_the_slumps_alert_and_the_absences_do_not(today: date) -> None:
    company = demo_company(ZONE, today)
    slump, team, silence, leave, holiday = (planted.event for planted in company.events)
    assert [slump.kind, team.kind] == [EventKind.SLUMP, EventKind.TEAM_SLUMP]
    assert [silence.kind, leave.kind] == [EventKind.SILENT, EventKind.SILENT]
    assert holiday.kind is EventKind.TEAM_SILENT
    undisturbed = SimulatedCompany(USERS, SEED, ZONE, today)
    past = [read_day(undisturbed, today - (ago + 1) * DAY) for ago in range(HISTORY_DAYS)]
    found = find_drops(company, past)
    people = {person.user_id: person for person in found.people}
    assert years(people[slump.who]) > ALERT_YEARS
    assert found.teams[team.who].finding.evidence > ALERT_TEAM_EVIDENCE
    assert years(people[silence.who]) < ALERT_YEARS
    assert years(people[leave.who]) < ALERT_YEARS
    assert found.teams[holiday.who].finding.evidence < ALERT_TEAM_EVIDENCE


def test_the_summary_names_who_dropped_and_who_is_away() -> None:
    company = demo_company(ZONE, FIRST)
    people = {person.user_id: person.name for person in company.people}
    said = summary(company)
    assert len(said.splitlines()) == 1
    for planted in company.events:
        assert people.get(planted.event.who, planted.event.who) in said


@pytest.mark.parametrize("users", [1, 2, 9, 20])
def test_a_small_company_has_as_many_events_as_it_has_teams_for(users: int) -> None:
    company = demo_company(ZONE, FIRST, users)
    assert company.events[0].event.kind is EventKind.SLUMP


def test_a_company_without_people_has_no_events() -> None:
    assert demo_company(ZONE, date(2015, 1, 1), 1).events == ()
