"""A reload publishes more than before only if the new file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_exporter.config.checks import widened
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config

LISTED = "users: [jane@acme.com, '2']"
HASHED = "email_label: hashed"
OMITTED = "email_label: omitted"
TEAMS = "roster_labels: [team]"
PLAIN = "email_label: plain"


def _load(folder: Path, *keys: str) -> Config:
    path = folder / "config.yaml"
    path.write_text("activity:\n" + "".join(f"  {key}\n" for key in keys), encoding="utf-8")
    environ = {"GONG_BEARER_TOKEN": "made-up", "GONG_EXPORTER_EMAIL_HASH_KEY": "key"}
    return load_config(path, environ)


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ([LISTED, OMITTED], [], ["activity.users", "activity.email_label"]),
        ([LISTED], [PLAIN], ["activity.users"]),
        ([OMITTED], ["users: all"], ["activity.email_label"]),
        ([HASHED], [LISTED], ["activity.email_label"]),
        (["exclude_users: ['1', jane@acme.com]"], [], ["activity.exclude_users"]),
        ([TEAMS], [], ["activity.roster_labels"]),
    ],
)
def test_a_missing_key_that_would_publish_more_is_refused(
    old: list[str], new: list[str], keys: list[str], tmp_path: Path
) -> None:
    problems = list(widened(_load(tmp_path, *new), _load(tmp_path, *old)))

    assert [problem.key for problem in problems] == keys


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([LISTED, OMITTED], ["users: all", PLAIN]),
        ([HASHED], [PLAIN]),
        ([OMITTED], [HASHED]),
        ([], [LISTED, OMITTED]),
        ([LISTED], ["users: [jane@acme.com, '2', '3']"]),
        ([OMITTED], [OMITTED]),
        ([TEAMS], ["roster_labels: [team, region]"]),
        ([], [TEAMS]),
        ([LISTED], [LISTED]),
        ([PLAIN], []),
        (["users: all"], []),
        ([], []),
    ],
)
def test_a_key_that_is_stated_or_publishes_no_more_is_accepted(
    old: list[str], new: list[str], tmp_path: Path
) -> None:
    assert list(widened(_load(tmp_path, *new), _load(tmp_path, *old))) == []


def test_the_message_says_what_would_be_published_and_how_to_mean_it(tmp_path: Path) -> None:
    users, label = widened(_load(tmp_path), _load(tmp_path, LISTED, OMITTED))

    assert users.what == (
        "is missing, which would publish all users in place of the 2 listed;"
        " write users: all if that is meant"
    )
    assert label.what == (
        "is missing, which would publish addresses that were omitted;"
        " write email_label: plain if that is meant"
    )


def _drops(folder: Path, *keys: str) -> Config:
    path = folder / "config.yaml"
    lines = ["drops:", *(f"  {key}" for key in keys)] if keys else []
    path.write_text("\n".join(lines), encoding="utf-8")
    return load_config(path, {"GONG_BEARER_TOKEN": "made-up"})


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        (["enabled: false"], [], ["drops.enabled"]),
        (["enabled: false", "people: false"], ["people: false"], ["drops.enabled"]),
        (["people: false"], [], ["drops.people"]),
        (["people: false"], ["enabled: true"], ["drops.people"]),
        (["people: false"], ["people: true"], []),
        (["enabled: false"], ["enabled: true"], []),
        (["people: false"], ["enabled: false"], []),
        ([], ["people: false"], []),
        ([], [], []),
    ],
)
def test_scores_are_not_switched_on_by_a_missing_key(
    old: list[str], new: list[str], keys: list[str], tmp_path: Path
) -> None:
    problems = list(widened(_drops(tmp_path, *new), _drops(tmp_path, *old)))

    assert [problem.key for problem in problems] == keys
