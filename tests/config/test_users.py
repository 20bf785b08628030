"""Columns of listed users."""

from __future__ import annotations

import pytest

from gong_exporter.common.sections import Rejected
from gong_exporter.common.yaml import Keys, parse_yaml
from gong_exporter.config.user_lists import parse_users


def _users(text: str) -> object:
    root = parse_yaml(f"users:\n{text}").root
    assert isinstance(root, Keys)
    return root["users"]


def test_further_columns_are_labels_as_written() -> None:
    users = parse_users(_users("  - {id: 1, team: NO, level: 007, since: 2026-01-01, note: }"))

    assert isinstance(users, tuple)
    assert dict(users[0].labels) == {
        "team": "NO",
        "level": "007",
        "since": "2026-01-01",
        "note": "",
    }


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("user", "'user' cannot be a column"),
        ("instance", "'instance' cannot be a column"),
        ("1st", "cannot be a label"),
        ("__name__", "cannot be a label"),
        ("sales team", "cannot be a label"),
        ("équipe", "cannot be a label"),
    ],
)
def test_a_column_that_cannot_be_a_label_is_refused(column: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        parse_users(_users(f"  - {{id: 1, {column}: x}}"))


def test_a_column_holds_text() -> None:
    with pytest.raises(Rejected, match="'team' of a user must be text"):
        parse_users(_users("  - {id: 1, team: [EMEA, APAC]}"))
