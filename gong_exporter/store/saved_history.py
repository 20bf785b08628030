"""The saved day history: one row per company day, whole or absent.

It is in the state file only, never in memory. The functions below the class take the connection to
the file, and raise sqlite3.Error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import TypeVar

from gong_exporter.activity.days import DayInfo, DayRecord, HistoryKey
from gong_exporter.store.database import StateDatabase, Unavailable
from gong_exporter.store.day_body import SavedDays, pack_day, unpack_day, unpack_day_info
from gong_exporter.store.row_body import CorruptRow
from gong_exporter.store.schema import transaction

T = TypeVar("T")


class HistoryFile:
    """The day history of a state file. For one thread.

    A file that cannot be used raises nothing: there is no history until it can.

    Attributes:
        connections: how often the file was opened. If this changes, the file may be another one,
            so that what was read of it is out of date.
    """

    def __init__(self, database: StateDatabase) -> None:
        self._database = database
        self.connections = 0

    def days(self, key: HistoryKey) -> Mapping[date, DayInfo] | None:
        """The known days with this key; None if the file cannot be read now."""
        on_corrupt = self._database.log_corrupt_row
        return self._use(lambda connection: _read_days(connection, key, on_corrupt), None)

    def save(self, key: HistoryKey, record: DayRecord, oldest: date) -> bool:
        """Save a day in place of the same day. Returns whether it was written.

        Days before ``oldest`` and those with another key are deleted in the same transaction.
        """
        return self._use(lambda connection: _write_day(connection, key, record, oldest), False)

    def day(self, day: date) -> DayRecord | None:
        """One saved day; None if it is not there or cannot be read."""
        return self._use(lambda connection: _read_day(connection, day), None)

    def keep_people(
        self, keep: Callable[[str], bool], *, all_users: bool, marks: frozenset[str] = frozenset()
    ) -> bool:
        """Delete everything about the people who are not to be kept.

        Args:
            keep: whether an id stays.
            marks: of the exclusion; the days that lose people get them.
            all_users: whether days that cover everybody go on doing so without these people;
                otherwise they cover the people who stay.

        Returns:
            Whether anything was deleted.
        """
        return self._use(
            lambda connection: _keep_people(connection, keep, all_users=all_users, marks=marks),
            False,
        )

    def delete(self) -> bool:
        """Delete the whole history. Returns whether there was one."""
        return self._use(_delete_history, False)

    def load(self, days: Collection[date]) -> SavedDays | None:
        """These consecutive days, still packed; None if one of them is gone."""
        return self._use(lambda connection: _read_bodies(connection, days), None)

    def _use(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            return self._database.use(work)
        except Unavailable:
            return otherwise


def _read_days(
    connection: sqlite3.Connection, key: HistoryKey, on_corrupt: Callable[[str], None]
) -> dict[date, DayInfo]:
    with transaction(connection, reading=True):
        if _saved_key(connection) != key:
            return {}
        names = _ids_by_number(connection)
        rows = connection.execute("SELECT day, fetched_at, body FROM history_days").fetchall()
    days: dict[date, DayInfo] = {}
    same: dict[frozenset[str], frozenset[str]] = {}  # most days cover the same people
    for text, fetched_at, body in rows:
        try:
            info = unpack_day_info(body, text, fetched_at, names)
        except CorruptRow:
            on_corrupt(f"history of {text}")
            continue
        if info.covered is not None:
            info = replace(info, covered=same.setdefault(info.covered, info.covered))
        days[info.day] = info
    return days


def _write_day(
    connection: sqlite3.Connection, key: HistoryKey, record: DayRecord, oldest: date
) -> bool:
    with transaction(connection):
        if _saved_key(connection) != key:
            _delete_all(connection)
            connection.execute(
                "INSERT INTO history (only_row, fingerprint, time_zone) VALUES (1, ?, ?)",
                (key.fingerprint, key.time_zone),
            )
        named = {*record.counts, *(record.info.covered or ())}
        connection.executemany(
            "INSERT OR IGNORE INTO history_users (user_id) VALUES (?)",
            [(user_id,) for user_id in sorted(named)],
        )
        numbers = {user_id: number for number, user_id in _ids_by_number(connection).items()}
        _put(connection, record, numbers)
        connection.execute("DELETE FROM history_days WHERE day < ?", (oldest.isoformat(),))
    return True


def _read_day(connection: sqlite3.Connection, day: date) -> DayRecord | None:
    with transaction(connection, reading=True):
        row = connection.execute(
            "SELECT fetched_at, body FROM history_days WHERE day = ?", (day.isoformat(),)
        ).fetchone()
        names = _ids_by_number(connection)
    try:
        return None if row is None else unpack_day(row[1], day.isoformat(), row[0], names)
    except CorruptRow:
        return None


def _keep_people(
    connection: sqlite3.Connection,
    keep: Callable[[str], bool],
    *,
    all_users: bool,
    marks: frozenset[str],
) -> bool:
    # The file's ``secure_delete`` overwrites what is deleted.
    with transaction(connection):
        names = _ids_by_number(connection)
        gone = {number for number, user_id in names.items() if not keep(user_id)}
        rows = connection.execute("SELECT day, fetched_at, body FROM history_days").fetchall()
        stay = frozenset(user_id for number, user_id in names.items() if number not in gone)
        if all_users and not gone:
            return False
        numbers = {user_id: number for number, user_id in names.items()}
        changed = False
        for text, fetched_at, body in rows:
            try:
                record = unpack_day(body, text, fetched_at, names)
            except CorruptRow:
                connection.execute("DELETE FROM history_days WHERE day = ?", (text,))
                continue
            covered = record.info.covered
            if covered is None and not all_users:
                covered = stay
            elif covered is not None:
                covered &= stay
            counts = {user: row for user, row in record.counts.items() if user in stay}
            if covered == record.info.covered and len(counts) == len(record.counts):
                continue
            changed = True
            excluded = record.info.excluded | marks
            info = replace(record.info, covered=covered, excluded=excluded)
            _put(connection, DayRecord(info, counts), numbers)
        connection.executemany(
            "DELETE FROM history_users WHERE number = ?", [(number,) for number in gone]
        )
    return changed or bool(gone)


def _delete_history(connection: sqlite3.Connection) -> bool:
    with transaction(connection):
        if _saved_key(connection) is None:
            return False
        _delete_all(connection)
    return True


def _read_bodies(connection: sqlite3.Connection, days: Collection[date]) -> SavedDays | None:
    order = sorted((day.isoformat() for day in days), reverse=True)
    with transaction(connection, reading=True):
        bodies = dict(connection.execute("SELECT day, body FROM history_days"))
        names = _ids_by_number(connection)
    if not bodies.keys() >= set(order):
        return None
    return SavedDays(names, tuple(bodies[day] for day in order))


def _saved_key(connection: sqlite3.Connection) -> HistoryKey | None:
    row = connection.execute("SELECT fingerprint, time_zone FROM history").fetchone()
    return None if row is None else HistoryKey(*row)


def _ids_by_number(connection: sqlite3.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT number, user_id FROM history_users"))


def _delete_all(connection: sqlite3.Connection) -> None:
    for table in ("history", "history_users", "history_days"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant


def _put(connection: sqlite3.Connection, record: DayRecord, numbers: Mapping[str, int]) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO history_days (day, fetched_at, body) VALUES (?, ?, ?)",
        (record.info.day.isoformat(), record.info.fetched_at, pack_day(record, numbers)),
    )
