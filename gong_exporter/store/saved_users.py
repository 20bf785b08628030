"""Gong's own list of users, as it was fetched last for the roster; one row for each host."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from gong_exporter.gong.gong_users import GongUser
from gong_exporter.store.schema import transaction

RETENTION = 31 * 86_400.0
"""Seconds after which the list of a host that is no longer refreshed is deleted."""

_PARSE_ERRORS = (zlib.error, ValueError, LookupError, TypeError)


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
        content = json.loads(zlib.decompress(row[1]))
        users = tuple(GongUser(**{**user, "aliases": tuple(user["aliases"])}) for user in content)
    except _PARSE_ERRORS:
        on_corrupt("users of the roster")
        return None
    return SavedUsers(users, row[0])


def write_users(connection: sqlite3.Connection, host: str, saved: SavedUsers) -> None:
    """Save the list in place of an earlier one. Raises: sqlite3.Error."""
    content = json.dumps([dataclasses.asdict(user) for user in saved.users], separators=(",", ":"))
    body = zlib.compress(content.encode("ascii"), 1)
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO users (host, fetched_at, body) VALUES (?, ?, ?)",
            (host, saved.fetched_at, body),
        )
        oldest = saved.fetched_at - RETENTION
        connection.execute("DELETE FROM users WHERE fetched_at < ?", (oldest,))
