"""The saved windows and knowledge: read at the start, written after every poll."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from gong_exporter.activity.knowledge import Knowledge
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.store.codec import (
    Unreadable,
    pack_knowledge,
    pack_window,
    unpack_knowledge,
    unpack_window,
)
from gong_exporter.store.schema import transaction

KEEP = 31 * 86_400.0
"""Seconds after which what no poll renews (a window or host no longer configured) is deleted."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What earlier polls learned of one host.

    Attributes:
        knowledge: None when there is none yet.
        windows: the last whole one of each name. Their fingerprints say what was asked: the
            caller serves those of its own configuration only.
    """

    knowledge: Knowledge | None = None
    windows: tuple[WindowData, ...] = ()


NOTHING = SavedState()
"""Nothing saved."""


def read(
    connection: sqlite3.Connection,
    host: str,
    unreadable: Callable[[str], None],
    windows: Collection[str] | None = None,
) -> SavedState:
    """What is saved for ``host``; of a row that cannot be understood only ``unreadable`` hears.

    Args:
        connection: to the file.
        host: of the API.
        unreadable: is told which part it was.
        windows: the names of those to read; None for all.

    Raises: sqlite3.Error.
    """
    wanted = None if windows is None else {_key(name) for name in windows}
    connection.execute("BEGIN")  # both of one moment
    known = connection.execute("SELECT body FROM knowledge WHERE host = ?", (_key(host),))
    bodies = known.fetchall()
    saved = connection.execute(
        "SELECT name, body FROM windows WHERE host = ? ORDER BY name", (_key(host),)
    )
    rows = [row for row in saved if wanted is None or row[0] in wanted]
    connection.execute("COMMIT")
    knowledge = None
    for (body,) in bodies:
        try:
            knowledge = unpack_knowledge(body)
        except Unreadable:
            unreadable("what was known of the users")
    found = []
    for name, body in rows:
        try:
            found.append(unpack_window(body))
        except Unreadable:
            unreadable(f"the window {name}")
    return SavedState(knowledge, tuple(found))


def write(
    connection: sqlite3.Connection,
    knowledge: Knowledge,
    windows: Iterable[WindowData],
    now: float,
) -> None:
    """Save the knowledge of one host and those of its windows that changed: all or nothing.

    Raises: sqlite3.Error.
    """
    host = _key(knowledge.host)
    # Packed before the transaction, which keeps other processes from the ledger.
    known = pack_knowledge(knowledge)
    packed = [(host, _key(data.window), now, pack_window(data)) for data in windows]
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO knowledge (host, saved_at, body) VALUES (?, ?, ?)",
            (host, now, known),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO windows (host, name, saved_at, body) VALUES (?, ?, ?, ?)",
            packed,
        )
        connection.execute("DELETE FROM knowledge WHERE saved_at < ?", (now - KEEP,))
        connection.execute("DELETE FROM windows WHERE saved_at < ?", (now - KEEP,))


def _key(text: str) -> str:
    """As it is, but for what SQLite's text cannot hold (lone surrogates)."""
    return text.encode("utf-8", "backslashreplace").decode()
