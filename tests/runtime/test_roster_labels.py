"""``activity.roster_labels``: which columns of a roster become labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.runtime.user_labels import checked_roster, load_roster


def config(folder: Path, **activity: Any) -> Config:
    (folder / "roster.csv").write_text("id,team,manager,active\n7,EMEA,Zoe,true\n")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"activity": activity}))
    return load_config(path, {"GONG_BEARER_TOKEN": "made-up-token"}, checked_roster)


def test_all_columns_of_a_file_are_labels_unless_some_are_listed(tmp_path: Path) -> None:
    everything = load_roster(config(tmp_path, roster_file="roster.csv"))
    assert everything.columns == ("team", "manager")
    some = load_roster(config(tmp_path, roster_file="roster.csv", roster_labels=["team"]))
    assert some.columns == ("team",)
    assert some.of("7", "") == {"team": "EMEA", "active": "true"}
    nothing = load_roster(config(tmp_path, roster_file="roster.csv", roster_labels=[]))
    assert nothing.of("7", "") == {"active": "true"}


def test_columns_of_listed_users_stay_labels(tmp_path: Path) -> None:
    users = [{"id": "7", "region": "North"}]
    roster = load_roster(
        config(tmp_path, roster_file="roster.csv", roster_labels=["team"], users=users)
    )
    assert roster.columns == ("team", "region")


def test_a_label_without_a_column_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the roster file has no column 'teem'"):
        load_roster(config(tmp_path, roster_file="roster.csv", roster_labels=["teem"]))


def test_gongs_labels_are_team_manager_and_title_unless_others_are_listed(tmp_path: Path) -> None:
    assert load_roster(config(tmp_path, roster="gong")).columns == ("team", "manager", "title")
    listed = load_roster(config(tmp_path, roster="gong", roster_labels=["title", "name"]))
    assert listed.columns == ("title", "name")
