from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.directory import roster_csv
from gong_exporter.simulator.company.layout import LEADERSHIP, Role, lay_out, reorganised
from gong_exporter.simulator.company.offices import OFFICES

TODAY = date(2026, 11, 23)
COMPANY = SimulatedCompany(48, 20, ZoneInfo("America/New_York"), TODAY)


def rows(company: SimulatedCompany) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(roster_csv(company.people, company.today))))


def test_the_roster_has_a_row_for_everybody_who_works_there_or_left_lately() -> None:
    ids = [row["id"] for row in rows(COMPANY)]
    assert len(set(ids)) == len(ids)
    for person in COMPANY.people:
        listed = person.hired <= TODAY and person.left > TODAY - timedelta(days=28)
        assert (person.user_id in ids) == listed


def test_the_roster_names_everybody_in_the_longest_usual_window() -> None:
    ids = {row["id"] for row in rows(COMPANY)}
    named = {user.user_id for user in COMPANY.activity(TODAY - timedelta(days=28), TODAY)}
    assert named
    assert named <= ids


def test_the_roster_has_the_columns_that_dashboards_join() -> None:
    assert list(rows(COMPANY)[0]) == ["id", "email", "name", "team", "manager", "region", "role"]
    assert all(row["team"] and row["region"] and row["role"] for row in rows(COMPANY))


def test_a_team_has_one_manager_who_is_managed_by_the_director() -> None:
    people = {person.name: person for person in COMPANY.people if person.left > TODAY}
    for person in people.values():
        if person.hired > TODAY:
            continue
        if person.role is Role.DIRECTOR:
            assert not person.manager
            continue
        manager = people[person.manager]
        assert manager.role is (Role.DIRECTOR if person.role is Role.MANAGER else manager.role)
        assert manager.role is Role.DIRECTOR or manager.team == person.team


def test_everybodys_time_zone_is_on_the_continent_of_the_region() -> None:
    continents = {"Americas": "America", "EMEA": "Europe", "APAC": "Australia"}
    assert {person.region for person in COMPANY.people} == set(continents)
    zones = {office.city: office.zone for office in OFFICES}
    for person in COMPANY.people:
        assert zones[person.city].partition("/")[0] == continents[person.region]


@pytest.mark.parametrize("users", [1, 5, 19, 48, 97, 1000])
def test_teams_have_unique_names_and_even_sizes(users: int) -> None:
    layout = lay_out(users, 1)
    names = [team.name for team in layout.teams]
    assert len(set(names)) == len(names)
    sizes = [
        sum(seat.team == team.number for seat in layout.seats)
        for team in layout.teams
        if team.name != LEADERSHIP
    ]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 12
    if users >= 48:
        assert {seat.role for seat in layout.seats} == set(Role)


def test_a_reorganisation_keeps_the_sizes_of_the_teams() -> None:
    layout = lay_out(300, 1)
    years = reorganised(layout, 1, 2030)
    for teams in years.values():
        assert sorted(teams) == sorted(years[2016])
    assert years[2024] != years[2025]
    assert reorganised(layout, 1, 2020)[2020] == years[2020]
