"""Gong's list of users in the state file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from gong_exporter.gong.gong_users import GongUser
from gong_exporter.store import SavedUsers, StateFile
from tests.support.logs import no_log
from tests.support.saved_state import state_at

USERS = (
    GongUser(
        user_id="18446744073709551616",
        email="half\ufffd@acme.com",
        aliases=("a@acme.com", "b@acme.com"),
        name="Zoë Head",
        title="VP",
        manager_id="7",
        active=False,
        recorded=True,
    ),
    GongUser(user_id="7"),
)


def test_what_was_saved_is_there_after_a_restart_for_its_host_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with state_at(path) as state:
        assert state.load_users("https://one") is None
        state.save_users("https://one", SavedUsers(USERS[:1], 1.0))
        state.save_users("https://one", SavedUsers(USERS, 2.0))
    with state_at(path) as state:
        assert state.load_users("https://one") == SavedUsers(USERS, 2.0)
        assert state.load_users("https://two") is None


def test_a_corrupt_list_is_ignored_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with state_at(path) as state:
        state.save_users("h", SavedUsers(USERS, 1.0))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE users SET body = x'00'")
    connection.close()
    state = StateFile(path, log=no_log(), now=time.time)
    assert state.load_users("h") is None
    assert state.error_count == 1
    state.close()
