"""Rosters: columns of people as labels, from a file and from the list of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.config.roster import RosterFault, read_roster

PLAIN = "id,email,team\n0123456,jane@acme.com,EMEA\n99999999999999999999,,NO\n"


def _load(folder: Path, config: str, roster: str = PLAIN) -> Config:
    (folder / "roster.csv").write_text(roster, encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return load_config(folder / "config.yaml", {"GONG_BEARER_TOKEN": "made-up"})


def test_cells_stay_what_they_are(tmp_path: Path) -> None:
    roster = _load(tmp_path, "activity: {roster_file: roster.csv}").activity.roster

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

    assert read_roster(path).of("1", "") == {"team": "EMEA"}


def test_a_row_by_address_is_found_whatever_its_case(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("email,team\nJane@Acme.com,EMEA\n")

    assert read_roster(path).of("1", "JANE@acme.com") == {"team": "EMEA"}


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
    roster = config.activity.roster

    assert roster.columns == ("team", "region")
    assert roster.of("0123456", "jane@acme.com") == {"team": "EMEA", "region": "North"}
    assert roster.of("7", "joe@ACME.com") == {"team": "NO", "region": "1_0"}


def test_many_faults_are_told_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("id,team\n" + "x,y\n" * 100)

    with pytest.raises(RosterFault) as caught:
        read_roster(path)

    assert [line for line, _ in caught.value.faults] == list(range(2, 13))
    assert caught.value.faults[-1][1] == "and perhaps more"


def test_a_hash_key_that_cannot_be_read_later_goes_on_being_used(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first\n")
    config = _load(tmp_path, "activity: {email_label: hashed, email_hash_key_file: key}")
    key = config.activity.email_hash_key
    assert key is not None

    assert key.read().reveal() == "first"
    (tmp_path / "key").write_text("second")
    assert key.read().reveal() == "second"
    (tmp_path / "key").unlink()
    assert key.read().reveal() == "second"
