"""Rosters: columns of people as labels, from a file and from the list of users."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.roster.csv import read_csv
from gong_exporter.roster.records import Roster, RosterError
from gong_exporter.runtime.user_labels import checked_roster, load_roster

PLAIN = "id,email,team\n0123456,jane@acme.com,EMEA\n99999999999999999999,,NO\n"


def _load(folder: Path, config: str, roster: str = PLAIN) -> Config:
    (folder / "roster.csv").write_text(roster, encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return load_config(folder / "config.yaml", {"GONG_BEARER_TOKEN": "made-up"}, checked_roster)


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
def test_what_spreadsheets_write_is_read(content: bytes) -> None:
    assert read_csv(content).of("1", "") == {"team": "EMEA"}


def test_a_row_by_address_is_found_whatever_its_case() -> None:
    assert _read("email,team\nJane@Acme.com,EMEA\n").of("1", "JANE@acme.com") == {"team": "EMEA"}


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


def test_many_faults_are_listed_up_to_a_bound() -> None:
    faults = _faults("id,team\n" + "x,y\n" * 100)

    assert [line for line, _ in faults] == [*range(2, 12), 0]
    assert faults[-1][1] == "and 90 more rows"


def _read(content: str) -> Roster:
    return read_csv(content.encode())


def _faults(content: str) -> list[tuple[int, str]]:
    with pytest.raises(RosterError) as caught:
        _read(content)
    return list(caught.value.problems)


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


def test_cells_that_a_spreadsheet_left_empty_at_the_end_are_none() -> None:
    roster = _read("id,team,,\n1,EMEA,,\n2,,,\n,,,\n")
    assert roster.columns == ("team",)
    assert roster.of("1", "") == {"team": "EMEA"}
    assert roster.of("2", "") == {"team": ""}
    assert _faults("id,team,,\n1,EMEA,,x\n2\n") == [
        (2, "has 4 cells, and the header 2"),
        (3, "has 1 cells, and the header 2"),
    ]


def test_of_a_file_that_is_no_roster_hardly_anything_is_shown() -> None:
    for secret in ("Sup3rS3cretK3y" * 3, "user_id" + "S3cret" * 5, "a,b,Sup3rS3cret;/+=="):
        assert _faults(secret + "\n") == [(1, "no column is named id or email")]


def test_a_message_is_one_short_line_whatever_the_roster_holds() -> None:
    faults = _faults('id,"a b\n' + "x" * 5000 + '"\n1,\n')
    assert [line for line, _ in faults] == [1]
    assert len(faults[0][1]) < 200
    assert "\n" not in faults[0][1]


def test_a_pipe_is_not_a_roster_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ConfigError, match=r"roster_file: pipe\.csv: is not a file"):
        _load(tmp_path, "activity: {roster_file: pipe.csv}")


def test_the_roster_is_read_once(tmp_path: Path) -> None:
    config = _load(tmp_path, "activity: {roster_file: roster.csv}")
    (tmp_path / "roster.csv").write_text("no roster any more")

    assert load_roster(config).of("0123456", "") == {"team": "EMEA"}


def test_an_employee_number_in_place_of_the_id_does_no_harm() -> None:
    rows = "id,email,team\n4711,Jane@acme.com,EMEA\nE-12,joe@acme.com,APAC\n7,,AMER\n"
    roster = _read(rows)

    assert roster.of("234599484848423", "jane@acme.com") == {"team": "EMEA"}
    assert roster.of("234599484848424", "JOE@acme.com") == {"team": "APAC"}
    assert roster.of("7", "else@acme.com") == {"team": "AMER"}
    assert roster.warnings == (
        (3, "id 'E-12' is not 1 to 20 digits; the row counts by its email alone"),
    )
    assert roster.skipped == 0


def test_an_id_wins_over_an_address() -> None:
    roster = _read("id,email,team\n1,jane@acme.com,EMEA\n2,joe@acme.com,APAC\n")

    assert roster.of("2", "jane@acme.com") == {"team": "APAC"}


def test_rows_that_name_nobody_are_left_out_and_counted() -> None:
    rows = """id,email,team
1,jane@acme.com,EMEA
,,Vacant
2,joe@acme.com,Doe, Joe
1,jane@acme.com,EMEA
1,jane@acme.com,APAC
3,jane@acme.com,APAC
x,y,AMER
4
5,joe@acme.com,AMER
"""
    roster = _read(rows)

    assert roster.of("1", "") == roster.of("", "jane@acme.com") == {"team": "EMEA"}
    assert roster.of("5", "") == roster.of("", "joe@acme.com") == {"team": "AMER"}
    assert roster.of("2", "") == roster.of("3", "") == {}
    assert roster.skipped == 6
    assert roster.warnings == (
        (3, "the row is left out: has neither id nor email"),
        (4, "the row is left out: has 4 cells, and the header 3"),
        (6, "the row is left out: '1' is already on line 2"),
        (7, "the row is left out: 'jane@acme.com' is already on line 2"),
        (8, "the row is left out: id 'x' is not 1 to 20 digits"),
        (9, "the row is left out: has 1 cells, and the header 3"),
    )


def test_a_bad_row_is_a_warning_of_the_configuration(tmp_path: Path) -> None:
    config = _load(tmp_path, "activity:\n  roster_file: roster.csv\n", "email,team\na@b.c,X\n,Y\n")
    assert config.warnings == (
        (
            f"{tmp_path / 'config.yaml'}:2: activity.roster_file: roster.csv:3:"
            " the row is left out: has neither id nor email"
        ),
    )


def test_a_roster_without_people_is_refused() -> None:
    assert _faults("id,team\n") == [(0, "has a header, but no people")]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("ID,Email", ()),
        ("E-mail Address,Team,NAME", ("team", "name")),
        ("e_mail,Job Title,Region", ("job_title", "region")),
        ("Email,JobTitle,Cost_Center", ("JobTitle", "Cost_Center")),
        ("Email\u200b,\u00c9quipe commerciale", ("equipe_commerciale",)),
        (" EMAIL ,Manager,Role", ("manager", "role")),
    ],
)
def test_headers_are_read_as_spreadsheets_write_them(header: str, columns: tuple[str, ...]) -> None:
    row = ["jane@acme.com", *columns] if columns else ["1", "jane@acme.com"]
    roster = _read(f"{header}\n{','.join(row)}\n")

    assert roster.columns == columns
    assert roster.of("7", "jane@acme.com") == {name: name for name in columns}


def test_a_renamed_column_is_a_warning() -> None:
    roster = _read("email,Team,Job Title,level\na@b.c,X,Y,Z\n")
    assert roster.warnings == (
        (1, "the column 'Team' becomes the label team"),
        (1, "the column 'Job Title' becomes the label job_title"),
    )


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("id,Team,team", "the column 'team' is there twice, as 'Team', and both are team"),
        (
            "id,Job Title,Job-Title",
            "the column 'Job-Title' is there twice, as 'Job Title', and both are job_title",
        ),
        (
            "Email,E-mail Address",
            "the column 'E-mail Address' is there twice, as 'Email', and both are email",
        ),
        (
            "id,\u90e8\u95e8",
            (
                "the column '\u90e8\u95e8' cannot be a label: letters, digits and _,"
                " no digit first, no __"
            ),
        ),
        ("id,User!", "'user' cannot be a column: the label has its own meaning"),
    ],
)
def test_columns_that_collide_or_cannot_be_labels_are_refused(header: str, fault: str) -> None:
    cells = ",".join(["1"] * len(header.split(",")))
    assert _faults(f"{header}\n{cells}\n") == [(1, fault)]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;\r", "\ufeffsep=;"])
def test_a_line_that_names_the_separator_is_not_part_of_the_table(first: str) -> None:
    roster = _read(f"{first}\nid;team, region\n1;a,b\n;c\n")

    assert roster.of("1", "") == {"team_region": "a,b"}
    assert [line for line, _ in roster.warnings] == [2, 4]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (
            "bela@example.com\u200b",
            (
                r"email 'bela@example.com\u200b' is not an address: it has an invisible character,"
                " U+200B (ZERO WIDTH SPACE)"
            ),
        ),
        (
            "be\u00adla@example.com",
            (
                r"email 'be\xadla@example.com' is not an address: it has an invisible character,"
                " U+00AD (SOFT HYPHEN)"
            ),
        ),
        (
            "mailto:bela@example.com",
            "email 'mailto:bela@example.com' is not an address: leave out 'mailto:'",
        ),
        (
            "'bela@example.com",
            (
                'email "\'bela@example.com" is not an address: leave out the quotation mark or'
                " apostrophe around it"
            ),
        ),
        ("bela@example.com.", "email 'bela@example.com.' is not an address"),
    ],
)
def test_what_is_invisible_in_an_address_is_explained(cell: str, why: str) -> None:
    roster = _read(f"email,team\njane@acme.com,EMEA\n{cell},APAC\n")

    assert roster.warnings == ((3, f"the row is left out: {why}"),)
    assert roster.skipped == 1


def test_an_id_that_a_spreadsheet_rounded_is_explained() -> None:
    rows = "id,email,team\n124955459349898123,,EMEA\n124955459349898000,,APAC\n"
    roster = _read(rows + "124955459349899000,bela@example.com,AMER\n")

    assert roster.of("124955459349898123", "") == {"team": "EMEA"}
    assert roster.of("124955459349898000", "") == roster.of("124955459349899000", "") == {}
    assert roster.of("9", "bela@example.com") == {"team": "AMER"}
    why = (
        "looks rounded: a spreadsheet has replaced its last digits with zeros; format the column"
        " as text and paste the ids again, or give the address"
    )
    assert roster.warnings == (
        (3, f"the row is left out: id '124955459349898000' {why}"),
        (4, f"id '124955459349899000' {why}; the row counts by its email alone"),
    )


def test_short_rounded_ids_are_seen_if_all_are() -> None:
    short = "1234567890123450,1234567890123460,1234567890123470".replace(",", ",X\n")
    assert [line for line, _ in _faults(f"id,team\n{short},X\n")] == [2, 3, 4]
    assert _read(f"id,team\n{short},X\n1234567890123456,X\n").skipped == 0


HEADS = st.lists(st.sampled_from(["id", "email", "team", "region", ""]), min_size=1, max_size=5)
CELLS = st.sampled_from(["1", "99", "a@b.c", "NO", "", " 007 ", 'q"q', "x;y", "a,b", "two\nlines"])


@settings(deadline=None)  # the machine may be busy
@given(heads=HEADS, rows=st.lists(st.lists(CELLS, max_size=5), max_size=6), cut=st.integers(0, 200))
def test_any_table_is_read_as_it_is_or_refused(
    heads: list[str], rows: list[list[str]], cut: int
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([heads, *rows])
    try:
        roster = _read(stream.getvalue()[: cut or None])
    except RosterError:
        return
    for key, person in (*roster.by_id.items(), *roster.by_email.items()):
        assert set(person) == set(roster.columns) <= {"team", "region"}
        assert roster.of(key, key) == person
        cells = {cell.strip() for row in rows for cell in row} | {""}
        assert cut or set(person.values()) <= cells


def test_active_and_aliases_are_no_columns() -> None:
    roster = _read("id,team,active,aliases\n7,EMEA,true,A@acme.com b@acme.com\n8,APAC,,\n")
    assert roster.columns == ("team",)
    assert roster.of("7", "") == {"team": "EMEA", "active": "true"}
    assert roster.aliases == {"a@acme.com": "7", "b@acme.com": "7"}
