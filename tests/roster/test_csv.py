"""Rosters: columns of people as labels, from a file and from the list of users."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.roster.csv import CsvRoster
from gong_exporter.roster.source import Roster, RosterError
from gong_exporter.runtime.roster import load_roster

PLAIN = "id,email,team\n0123456,jane@acme.com,EMEA\n99999999999999999999,,NO\n"


def _load(folder: Path, config: str, roster: str = PLAIN) -> Config:
    (folder / "roster.csv").write_text(roster, encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return load_config(folder / "config.yaml", {"GONG_BEARER_TOKEN": "made-up"})


def test_cells_stay_what_they_are(tmp_path: Path) -> None:
    roster = load_roster(_load(tmp_path, "activity: {roster_file: roster.csv}"))

    assert roster.columns == ("team",)
    assert roster.of("0123456", "") == {"team": "EMEA"}
    assert roster.of("99999999999999999999", "") == {"team": "NO"}
    assert roster.of("123456", "nobody@acme.com") == {}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfid;email;team\r\n1;jane@acme.com;EMEA\r\n",
        b"id\temail\tteam\n1\tjane@acme.com\tEMEA\n",
        b'\n"id","email","team"\n\n" 1 ","jane@acme.com","EMEA"\n,,\n',
    ],
    ids=["byte order mark, semicolons, CRLF", "tabs", "quotes and blank rows"],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(content)

    assert CsvRoster(path).read().of("1", "") == {"team": "EMEA"}


def test_a_row_by_address_is_found_whatever_its_case(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("email,team\nJane@Acme.com,EMEA\n")

    assert CsvRoster(path).read().of("1", "JANE@acme.com") == {"team": "EMEA"}


def test_columns_of_listed_users_come_on_top_of_the_roster(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        """
activity:
  roster_file: roster.csv
  users:
    - {id: 0123456, region: North}
    - {email: Joe@acme.com, team: NO, region: 1_0}
""",
    )
    roster = load_roster(config)

    assert roster.columns == ("team", "region")
    assert roster.of("0123456", "jane@acme.com") == {"team": "EMEA", "region": "North"}
    assert roster.of("7", "joe@ACME.com") == {"team": "NO", "region": "1_0"}


def test_many_faults_are_told_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("id,team\n" + "x,y\n" * 100)

    with pytest.raises(RosterError) as caught:
        CsvRoster(path).read()

    assert [line for line, _ in caught.value.faults] == list(range(2, 13))
    assert caught.value.faults[-1][1] == "and perhaps more"


def _read(folder: Path, content: str) -> Roster:
    (folder / "roster.csv").write_text(content, encoding="utf-8")
    return CsvRoster(folder / "roster.csv").read()


def _faults(folder: Path, content: str) -> list[tuple[int, str]]:
    with pytest.raises(RosterError) as caught:
        _read(folder, content)
    return list(caught.value.faults)


@pytest.mark.parametrize("key", ["1,", ",Jane@acme.com", "1,jane@acme.com"])
@pytest.mark.parametrize("user", ["id: 1", "email: JANE@acme.com", "id: 1, email: jane@acme.com"])
def test_columns_of_listed_users_win_however_both_name_the_person(
    tmp_path: Path, key: str, user: str
) -> None:
    config = _load(
        tmp_path,
        f"activity: {{roster_file: roster.csv, users: [{{{user}, team: NORTH}}]}}",
        f"id,email,team,region\n{key},EMEA,South\n",
    )
    columns = load_roster(config).of("1", "jane@acme.com")
    assert columns == {"team": "NORTH", "region": "South"}


def test_cells_that_a_spreadsheet_left_empty_at_the_end_are_none(tmp_path: Path) -> None:
    roster = _read(tmp_path, "id,team,,\n1,EMEA,,\n2,,,\n,,,\n")
    assert roster.columns == ("team",)
    assert roster.of("1", "") == {"team": "EMEA"}
    assert roster.of("2", "") == {"team": ""}
    assert _faults(tmp_path, "id,team,,\n1,EMEA,,x\n2\n") == [
        (2, "has 4 cells, and the header 2"),
        (3, "has 1 cells, and the header 2"),
    ]


def test_of_a_file_that_is_no_roster_hardly_anything_is_shown(tmp_path: Path) -> None:
    for secret in ("Sup3rS3cretK3y" * 3, "user_id" + "S3cret" * 5, "a,b,Sup3rS3cret;/+=="):
        assert _faults(tmp_path, secret + "\n") == [(1, "no column is named id or email")]


def test_a_message_is_one_short_line_whatever_the_roster_holds(tmp_path: Path) -> None:
    faults = _faults(tmp_path, 'id,"a b\n' + "x" * 5000 + '"\n1,\n')
    assert [line for line, _ in faults] == [1]
    assert len(faults[0][1]) < 200
    assert "\n" not in faults[0][1]


def test_a_pipe_is_no_roster_and_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "roster.csv")
    with pytest.raises(RosterError, match="is not a file"):
        CsvRoster(tmp_path / "roster.csv").read()


HEADS = st.lists(st.sampled_from(["id", "email", "team", "region", ""]), min_size=1, max_size=5)
CELLS = st.sampled_from(["1", "99", "a@b.c", "NO", "", " 007 ", 'q"q', "x;y", "a,b", "two\nlines"])


@settings(deadline=None)  # the machine may be busy
@given(heads=HEADS, rows=st.lists(st.lists(CELLS, max_size=5), max_size=6), cut=st.integers(0, 200))
def test_any_table_is_read_as_it_is_or_refused(
    tmp_path_factory: pytest.TempPathFactory, heads: list[str], rows: list[list[str]], cut: int
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([heads, *rows])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(stream.getvalue()[: cut or None], encoding="utf-8", newline="")
    try:
        roster = CsvRoster(path).read()
    except RosterError:
        return
    for key, person in (*roster.by_id.items(), *roster.by_email.items()):
        assert set(person) == set(roster.columns) <= {"team", "region"}
        assert roster.of(key, key) == person
        cells = {cell.strip() for row in rows for cell in row} | {""}
        assert cut or set(person.values()) <= cells


def test_active_and_aliases_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("id,team,active,aliases\n7,EMEA,true,A@acme.com b@acme.com\n8,APAC,,\n")
    roster = CsvRoster(path).read()
    assert roster.columns == ("team",)
    assert roster.of("7", "") == {"team": "EMEA", "active": "true"}
    assert roster.aliases == {"a@acme.com": "7", "b@acme.com": "7"}
