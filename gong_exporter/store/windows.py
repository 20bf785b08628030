"""The saved windows and knowledge: read at the start, written after every poll.

Each is a row whose body is zlib around JSON. JSON keeps ids of any length, None beside 0, and
text that is not valid Unicode (it escapes lone surrogates). Shapes are written out field by
field, so that a renamed field cannot change the file unnoticed.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.snapshot import WindowData
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

    knowledge: CompanyState | None = None
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
        except CorruptRow:
            unreadable("what was known of the users")
    found = []
    for name, body in rows:
        try:
            found.append(unpack_window(body))
        except CorruptRow:
            unreadable(f"the window {name}")
    return SavedState(knowledge, tuple(found))


def write(
    connection: sqlite3.Connection,
    knowledge: CompanyState,
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


_LEVEL = 1
"""Of zlib: 6 saves a tenth of the space for three times the time."""


class CorruptRow(Exception):
    """The bytes are not what was written."""


def pack_window(data: WindowData) -> bytes:
    """The bytes that unpack_window() turns into an equal window."""
    return _pack(
        {
            "window": data.window,
            "start": data.start.isoformat(),
            "end": data.end.isoformat(),
            "start_timestamp": data.start_timestamp,
            "end_timestamp": data.end_timestamp,
            "fetched_at": data.fetched_at,
            "fingerprint": data.fingerprint,
            "metrics": data.metrics,
            "users": dict(data.users),
            "emails": dict(data.emails),
            "pages": data.pages,
            "covered": None if data.covered is None else sorted(data.covered),
        }
    )


def unpack_window(body: bytes) -> WindowData:
    """The window that was packed. Raises: CorruptRow."""
    try:
        found = _unpack(body)
        return WindowData(
            window=found["window"],
            start=date.fromisoformat(found["start"]),
            end=date.fromisoformat(found["end"]),
            start_timestamp=found["start_timestamp"],
            end_timestamp=found["end_timestamp"],
            fetched_at=found["fetched_at"],
            fingerprint=found["fingerprint"],
            metrics=tuple(found["metrics"]),
            users={user: tuple(values) for user, values in found["users"].items()},
            emails=found["emails"],
            pages=found["pages"],
            covered=None if found["covered"] is None else frozenset(found["covered"]),
        )
    except _BROKEN as error:
        raise CorruptRow(str(error)) from error


def pack_knowledge(knowledge: CompanyState) -> bytes:
    """The bytes that unpack_knowledge() turns into an equal CompanyState."""
    return _pack(
        {
            "host": knowledge.host,
            "time_zone": knowledge.time_zone,
            "named": dict(knowledge.known_users),
            "resolved": dict(knowledge.ids_by_email),
            "looked_up": None
            if knowledge.last_search_day is None
            else knowledge.last_search_day.isoformat(),
            "understood": {
                window: _understood(said) for window, said in knowledge.resolved_404s.items()
            },
            "pages": dict(knowledge.pages),
        }
    )


def unpack_knowledge(body: bytes) -> CompanyState:
    """The knowledge that was packed. Raises: CorruptRow."""
    try:
        found = _unpack(body)
        looked_up = found["looked_up"]
        return CompanyState(
            host=found["host"],
            time_zone=found["time_zone"],
            known_users=found["named"],
            ids_by_email=found["resolved"],
            last_search_day=None if looked_up is None else date.fromisoformat(looked_up),
            resolved_404s={
                window: Resolved404(
                    start=date.fromisoformat(said["start"]),
                    end=date.fromisoformat(said["end"]),
                    requested_ids=frozenset(said["asked"]),
                    active_ids=frozenset(said["active"]),
                )
                for window, said in found["understood"].items()
            },
            pages=found["pages"],
        )
    except _BROKEN as error:
        raise CorruptRow(str(error)) from error


_BROKEN = (zlib.error, ValueError, LookupError, TypeError, AttributeError)
"""What taking broken or foreign content apart can raise."""


def _understood(said: Resolved404) -> Mapping[str, Any]:
    return {
        "start": said.start.isoformat(),
        "end": said.end.isoformat(),
        "asked": sorted(said.requested_ids),
        "active": sorted(said.active_ids),
    }


def _pack(content: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), _LEVEL)


def _unpack(body: bytes) -> dict[str, Any]:
    found = json.loads(zlib.decompress(body))
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found
