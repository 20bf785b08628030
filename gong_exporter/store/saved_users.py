"""Gong's own list of users, as it was fetched last for the roster; one row for each host."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from gong_exporter.gong.gong_users import GongUser
from gong_exporter.store.row_body import RETENTION, CorruptRow, pack, parsing, unpack
from gong_exporter.store.schema import transaction


@dataclass(frozen=True, slots=True)
class SavedUsers:
    """A list of users.

    Attributes:
        users: each once.
        fetched_at: Unix seconds.
    """

    users: tuple[GongUser, ...]
    fetched_at: float


def read_users(
    connection: sqlite3.Connection, host: str, on_corrupt: Callable[[str], None]
) -> SavedUsers | None:
    """Return what is saved for ``host``. Raises: sqlite3.Error."""
    row = connection.execute(
        "SELECT fetched_at, body FROM users WHERE host = ?", (host,)
    ).fetchone()
    if row is None:
        return None
    try:
        return SavedUsers(_unpack_users(row[1]), row[0])
    except CorruptRow:
        on_corrupt("users of the roster")
        return None


@parsing()
def _unpack_users(body: bytes) -> tuple[GongUser, ...]:
    return tuple(GongUser(**{**user, "aliases": tuple(user["aliases"])}) for user in unpack(body))


def write_users(connection: sqlite3.Connection, host: str, saved: SavedUsers) -> None:
    """Save the list in place of an earlier one. Raises: sqlite3.Error."""
    body = pack([dataclasses.asdict(user) for user in saved.users])
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO users (host, fetched_at, body) VALUES (?, ?, ?)",
            (host, saved.fetched_at, body),
        )
        oldest = saved.fetched_at - RETENTION
        connection.execute("DELETE FROM users WHERE fetched_at < ?", (oldest,))
