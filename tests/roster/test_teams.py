"""The mapping from managers to the names of teams."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gong_exporter.cli.roster import read_teams
from gong_exporter.roster.records import RosterError


def test_names_ids_and_addresses_are_text_as_written(tmp_path: Path) -> None:
    path = tmp_path / "teams.yaml"
    path.write_text("Jane Doe: EMEA\n18446744073709551616: NO\nzoe@acme.com: ' 007 '\n")
    assert read_teams(path) == {
        "Jane Doe": "EMEA",
        "18446744073709551616": "NO",
        "zoe@acme.com": "007",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "must be a mapping"),
        ("- a\n", "must be a mapping"),
        ("Jane: EMEA\nJane: APAC\n", "teams.yaml:2: .*already on line 1"),
        ("Jane: EMEA\nBen:\n", "teams.yaml:2: a team must be a text"),
        ("Jane: [EMEA]\n", "teams.yaml:1: a team must be a text"),
        ("Jane: {\n", "teams.yaml"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "teams.yaml"
    path.write_text(text)
    with pytest.raises(RosterError) as caught:
        read_teams(path)
    assert re.search(fault, "\n".join(caught.value.located("teams.yaml")))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="cannot be read"):
        read_teams(tmp_path / "none.yaml")
