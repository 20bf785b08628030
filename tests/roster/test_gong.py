"""Gong's own users as a roster: teams, managers, aliases, and lists that make no sense."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.gong.gong_users import USER_COLUMNS, GongUser
from gong_exporter.roster.csv import read_csv
from gong_exporter.roster.gong import (
    DEFAULT_LABELS,
    TeamBy,
    gong_roster,
    people,
    roster_csv,
    unused_teams,
)

BIG = "18446744073709551616"
ZOE = GongUser(user_id=BIG, email="zoe@acme.com", name="Zoe Head", title="VP", active=True)
ANN = GongUser(
    user_id="7",
    email="Ann@acme.com",
    aliases=("a@acme.com",),
    name="Ann Alder",
    title="AE",
    manager_id=BIG,
    active=True,
    recorded=False,
)
BEN = GongUser(user_id="30", name="Ben Berg", manager_id="999", active=False, recorded=False)
USERS = (BEN, ANN, ZOE)


def teams_of(*users: GongUser, **options: object) -> dict[str, str]:
    return {p.user.user_id: p.team for p in people(users, **options)}  # type: ignore[arg-type]


def test_people_are_sorted_by_id_whatever_their_order_in_gongs_list() -> None:
    assert [p.user.user_id for p in people(USERS)] == ["7", "30", BIG]
    assert people(USERS) == people(USERS[::-1])


def test_a_team_is_everybody_with_the_same_manager() -> None:
    assert teams_of(*USERS) == {"7": "Zoe Head", "30": "999", BIG: ""}


def test_a_team_can_be_the_title_or_nothing() -> None:
    assert teams_of(*USERS, team_by=TeamBy.TITLE) == {"7": "AE", "30": "", BIG: "VP"}
    assert set(teams_of(*USERS, team_by=TeamBy.NONE).values()) == {""}


@pytest.mark.parametrize("key", [BIG, "ZOE@acme.com", "zoe head"])
def test_a_mapping_names_a_managers_team(key: str) -> None:
    named = teams_of(*USERS, teams={key: "EMEA"})
    assert named == {"7": "EMEA", "30": "999", BIG: ""}
    assert unused_teams(USERS, {key: "EMEA", "nobody": "x", "999": "y"}) == ("nobody",)


def test_a_mapping_names_the_team_of_a_manager_who_is_no_user() -> None:
    assert teams_of(*USERS, teams={"999": "Old"})["30"] == "Old"


def test_managers_in_a_cycle_are_managers_of_each_other() -> None:
    one = GongUser(user_id="1", name="One", manager_id="2")
    two = GongUser(user_id="2", name="Two", manager_id="1")
    assert teams_of(one, two) == {"1": "Two", "2": "One"}


def test_a_user_who_manages_themselves_has_no_manager() -> None:
    assert teams_of(GongUser(user_id="1", name="One", manager_id="1")) == {"1": ""}


def test_two_managers_of_the_same_name_have_two_teams() -> None:
    users = [
        GongUser(user_id="1", name="Jane Doe"),
        GongUser(user_id="2", name="Jane Doe"),
        GongUser(user_id="3", manager_id="1"),
        GongUser(user_id="4", manager_id="2"),
    ]
    assert teams_of(*users) == {"1": "", "2": "", "3": "Jane Doe (1)", "4": "Jane Doe (2)"}


def test_a_namesake_who_manages_nobody_changes_no_name() -> None:
    users = [
        GongUser(user_id="1", name="Jane Doe"),
        GongUser(user_id="2", name="Jane Doe"),
        GongUser(user_id="3", manager_id="1"),
    ]
    assert teams_of(*users)["3"] == "Jane Doe"


def test_without_the_label_name_managers_and_teams_are_ids() -> None:
    roster = gong_roster(USERS, DEFAULT_LABELS)
    assert roster.columns == ("team", "manager", "title")
    assert roster.of("7", "") == {"team": BIG, "manager": BIG, "title": "AE", "active": "true"}
    shown = {value for user in USERS for value in roster.of(user.user_id, "").values()}
    assert not shown & {user.name for user in USERS}


def test_with_the_label_name_they_are_names() -> None:
    roster = gong_roster(USERS, ("name", "team"))
    assert roster.of("7", "") == {"name": "Ann Alder", "team": "Zoe Head", "active": "true"}


def test_active_is_empty_when_gong_does_not_say() -> None:
    roster = gong_roster([GongUser(user_id="1")], ())
    assert roster.of("1", "") == {"active": ""}


def test_addresses_and_aliases_lead_to_their_users_and_active_ones_come_first() -> None:
    old = GongUser(user_id="1", email="x@acme.com", aliases=("y@acme.com",), active=False)
    new = GongUser(user_id="2", email="X@acme.com", aliases=("ann@acme.com",), active=True)
    roster = gong_roster([old, new, ANN], ())
    assert roster.aliases == {
        "x@acme.com": "2",
        "ann@acme.com": "7",
        "a@acme.com": "7",
        "y@acme.com": "1",
    }


def test_those_whose_calls_are_not_recorded_are_known_unless_deactivated() -> None:
    assert gong_roster(USERS, ()).not_recorded == {"7"}


def test_it_takes_a_call_for_each_hundred_users() -> None:
    users = [GongUser(user_id=str(n)) for n in range(201)]
    assert gong_roster(users, ()).calls == 3


def test_the_file_is_one_that_the_exporter_reads(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(roster_csv(people(USERS)))
    lines = path.read_text().splitlines()
    assert lines[0] == "id,email,name,team,manager,manager_email,title,active,aliases"
    assert lines[1] == "7,Ann@acme.com,Ann Alder,Zoe Head,Zoe Head,zoe@acme.com,AE,true,a@acme.com"
    roster = read_csv(path.read_bytes())
    assert roster.columns == USER_COLUMNS
    assert roster.of(BIG, "")["active"] == "true"
    assert roster.aliases["a@acme.com"] == "7"


def test_without_addresses_the_columns_stay_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(roster_csv(people(USERS), addresses=False))))
    assert {row["email"] + row["aliases"] + row["manager_email"] for row in rows} == {""}


def test_the_address_of_a_manager_who_is_unknown_or_has_left_is_empty() -> None:
    labels = ("manager_email",)
    known = gong_roster(USERS, labels)
    assert [known.of(who, "")["manager_email"] for who in ("7", "30", BIG)] == [
        "zoe@acme.com",
        "",
        "",
    ]
    left = gong_roster((ANN, replace(ZOE, active=False)), labels)
    assert left.of("7", "")["manager_email"] == ""
    unaddressed = gong_roster((ANN, replace(ZOE, email="")), labels)
    assert unaddressed.of("7", "")["manager_email"] == ""


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=3)
ids = st.sampled_from(["1", "2", "3", BIG, ""])
some_users = st.lists(
    st.builds(
        GongUser,
        user_id=ids.filter(bool),
        email=texts,
        aliases=st.lists(texts, max_size=2).map(tuple),
        name=texts,
        title=texts,
        manager_id=ids,
        active=st.none() | st.booleans(),
        recorded=st.none() | st.booleans(),
    ),
    unique_by=lambda user: user.user_id,
)


@given(some_users, st.dictionaries(texts, texts))
def test_any_list_makes_a_roster_and_a_file(users: list[GongUser], teams: dict[str, str]) -> None:
    rows = people(users, teams=teams)
    read = list(csv.DictReader(io.StringIO(roster_csv(rows), newline="")))
    assert [row["id"] for row in read] == [p.user.user_id for p in rows]
    roster = gong_roster(users, USER_COLUMNS)
    assert roster.by_id.keys() == {user.user_id for user in users}
    for user in users:
        assert roster.of(user.user_id, "")["team"] == roster.of(user.user_id, "")["manager"]
