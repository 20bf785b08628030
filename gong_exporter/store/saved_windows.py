"""The saved windows and company state: read at the start, written after every poll.

Every field is written out, so that a renamed field cannot change the file unnoticed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date

from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.store.row_body import RETENTION, CorruptRow, pack, parsing, unpack
from gong_exporter.store.schema import transaction

Purge = Callable[[CompanyState, Iterable[WindowData]], tuple[CompanyState, tuple[WindowData, ...]]]
"""From the state and the windows of one host to what may stay of them."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What earlier polls learned of one host.

    Attributes:
        company_state: None when there is none yet.
        windows: the last complete one of each name. Their fingerprints say what was requested:
            the caller serves only those of its own configuration.
    """

    company_state: CompanyState | None = None
    windows: tuple[WindowData, ...] = ()


def read_state(
    connection: sqlite3.Connection,
    host: str,
    on_corrupt: Callable[[str], None],
    windows: Collection[str] | None = None,
) -> SavedState:
    """Return what is saved for ``host``, without rows that are corrupt.

    ``windows`` are the names of those to read, None for all; ``on_corrupt`` gets a description of
    each corrupt row.

    Raises: sqlite3.Error.
    """
    names = None if windows is None else {_key(name) for name in windows}
    with transaction(connection, reading=True):
        states, rows = _select(connection, _key(host))
    # Not in the transaction, because that blocks other processes' calls.
    return _unpack((states, [row for row in rows if names is None or row[0] in names]), on_corrupt)


def write_state(
    connection: sqlite3.Connection,
    company_state: CompanyState,
    windows: Iterable[WindowData],
    now: float,
) -> None:
    """Save the state of one company and those of its windows that changed, in one transaction.

    Raises: sqlite3.Error.
    """
    host = _key(company_state.host)
    # Packed before the transaction, because that blocks other processes' calls.
    body = pack_company_state(company_state)
    rows = [(host, _key(data.window), now, pack_window(data)) for data in windows]
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO knowledge (host, saved_at, body) VALUES (?, ?, ?)",
            (host, now, body),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO windows (host, name, saved_at, body) VALUES (?, ?, ?, ?)",
            rows,
        )
        connection.execute("DELETE FROM knowledge WHERE saved_at < ?", (now - RETENTION,))
        connection.execute("DELETE FROM windows WHERE saved_at < ?", (now - RETENTION,))


def rewrite_state(connection: sqlite3.Connection, purge: Purge) -> bool:
    """Replace what is saved of every host with what ``purge`` returns for it.

    Rows that are corrupt stay as they are. Returns whether anything changed.

    Raises: sqlite3.Error.
    """
    changed = False
    with transaction(connection):
        hosts = connection.execute(
            "SELECT host FROM knowledge UNION SELECT host FROM windows"
        ).fetchall()
        for (host,) in hosts:
            saved = _unpack(_select(connection, host), lambda _content: None)
            state = saved.company_state or CompanyState(host=host)
            new_state, new_windows = purge(state, saved.windows)
            if new_state != state:
                changed = True
                connection.execute(
                    "UPDATE knowledge SET body = ? WHERE host = ?",
                    (pack_company_state(new_state), host),
                )
            for old, new in zip(saved.windows, new_windows, strict=True):
                if new != old:
                    changed = True
                    connection.execute(
                        "UPDATE windows SET body = ? WHERE host = ? AND name = ?",
                        (pack_window(new), host, _key(old.window)),
                    )
    return changed


_Rows = tuple[list[tuple[bytes]], list[tuple[str, bytes]]]
"""Of one host: the company state's body, and names and bodies of the windows."""


def _select(connection: sqlite3.Connection, host: str) -> _Rows:
    return (
        connection.execute("SELECT body FROM knowledge WHERE host = ?", (host,)).fetchall(),
        connection.execute(
            "SELECT name, body FROM windows WHERE host = ? ORDER BY name", (host,)
        ).fetchall(),
    )


def _unpack(rows: _Rows, on_corrupt: Callable[[str], None]) -> SavedState:
    states, windows = rows
    company_state = None
    for (body,) in states:
        try:
            company_state = unpack_company_state(body)
        except CorruptRow:
            on_corrupt("known users")
    data = []
    for name, body in windows:
        try:
            data.append(unpack_window(body))
        except CorruptRow:
            on_corrupt(f"window {name}")
    return SavedState(company_state, tuple(data))


def pack_window(data: WindowData) -> bytes:
    """Return the bytes that unpack_window() turns into an equal window."""
    return pack(
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
            "pages": 0,  # 0.2.0 does not read a window without it
            "covered": None if data.covered is None else sorted(data.covered),
            "as_stated": data.as_stated,
            "excluded": sorted(data.excluded),
        }
    )


@parsing()
def unpack_window(body: bytes) -> WindowData:
    """Return the window that was packed. Raises: CorruptRow."""
    content = unpack(body)
    return WindowData(
        window=content["window"],
        start=date.fromisoformat(content["start"]),
        end=date.fromisoformat(content["end"]),
        start_timestamp=content["start_timestamp"],
        end_timestamp=content["end_timestamp"],
        fetched_at=content["fetched_at"],
        fingerprint=content["fingerprint"],
        metrics=tuple(content["metrics"]),
        users={user: tuple(values) for user, values in content["users"].items()},
        emails=content["emails"],
        covered=None if content["covered"] is None else frozenset(content["covered"]),
        as_stated=content.get("as_stated", False),
        excluded=frozenset(content.get("excluded", ())),  # absent up to 0.2.0
    )


def pack_company_state(state: CompanyState) -> bytes:
    """Return the bytes that unpack_company_state() turns into an equal CompanyState."""
    day = state.last_search_day
    return pack(
        {
            "host": state.host,
            "time_zone": state.time_zone,
            "named": dict(state.known_users),
            "resolved": dict(state.ids_by_email),
            "looked_up": None if day is None else day.isoformat(),
            "understood": {
                window: {
                    "start": resolved.start.isoformat(),
                    "end": resolved.end.isoformat(),
                    "asked": sorted(resolved.requested_ids),
                    "active": sorted(resolved.active_ids),
                }
                for window, resolved in state.resolved_404s.items()
            },
            "excluded": dict(state.excluded_ids),
            "pages": dict(state.pages),
        }
    )


@parsing()
def unpack_company_state(body: bytes) -> CompanyState:
    """Return the company state that was packed. Raises: CorruptRow."""
    content = unpack(body)
    day = content["looked_up"]
    return CompanyState(
        host=content["host"],
        time_zone=content["time_zone"],
        known_users=content["named"],
        ids_by_email=content["resolved"],
        last_search_day=None if day is None else date.fromisoformat(day),
        resolved_404s={
            window: Resolved404(
                start=date.fromisoformat(resolved["start"]),
                end=date.fromisoformat(resolved["end"]),
                requested_ids=frozenset(resolved["asked"]),
                active_ids=frozenset(resolved["active"]),
            )
            for window, resolved in content["understood"].items()
        },
        excluded_ids=content.get("excluded", {}),  # older files have none
        pages=content["pages"],
    )


def _key(text: str) -> str:
    """Return the text, with what SQLite cannot store (lone surrogates) escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
