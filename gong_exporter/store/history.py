"""The saved day history: one row per company day, whole or absent.

A day's body is zlib around JSON, as for windows. People stand in it as numbers from a table of
their ids, so that 84 days of 10,000 people take a few megabytes. All functions take the connection
to the file, and raise sqlite3.Error.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from gong_exporter.activity.days import Counts, DayInfo, DayRecord, HistoryKey
from gong_exporter.store.schema import transaction

_ZLIB_LEVEL = 6

_MOST = 255
"""The largest count of one person and day that is compared, to fit in a byte: no person has
more calls on a day."""

_PARSE_ERRORS = (zlib.error, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class PersonDays:
    """One person's counts, newest day first.

    Attributes:
        hosted: ``calls_as_host``.
        calls: sum of the group.
        contributions: sum of the group.
        active: 1 for a day with any activity, otherwise 0.
    """

    hosted: bytearray
    calls: bytearray
    contributions: bytearray
    active: bytearray

    @classmethod
    def nothing(cls, days: int) -> PersonDays:
        """Without any activity."""
        return cls(bytearray(days), bytearray(days), bytearray(days), bytearray(days))

    def set(self, index: int, counts: Counts) -> None:
        """Set the counts of one day with activity."""
        hosted, calls, contributions = counts
        self.hosted[index] = min(hosted, _MOST)
        self.calls[index] = min(calls, _MOST)
        self.contributions[index] = min(contributions, _MOST)
        self.active[index] = 1


def read_days(
    connection: sqlite3.Connection, key: HistoryKey, on_corrupt: Callable[[str], None]
) -> dict[date, DayInfo]:
    """The known days, without those that are corrupt; none if the file has another key's."""
    connection.execute("BEGIN")
    try:
        if _saved_key(connection) != key:
            return {}
        names = _ids_by_number(connection)
        rows = connection.execute("SELECT day, fetched_at, body FROM history_days").fetchall()
    finally:
        connection.execute("COMMIT")
    days: dict[date, DayInfo] = {}
    same: dict[frozenset[str], frozenset[str]] = {}  # most days cover the same people
    for text, fetched_at, body in rows:
        try:
            info = _info(_content(body), date.fromisoformat(text), fetched_at, names)
        except _PARSE_ERRORS:
            on_corrupt(f"history of {text}")
            continue
        if info.covered is not None:
            info = replace(info, covered=same.setdefault(info.covered, info.covered))
        days[info.day] = info
    return days


def write_day(
    connection: sqlite3.Connection, key: HistoryKey, record: DayRecord, oldest: date
) -> None:
    """Save a day in one transaction, in place of the same day; discard another key's days.

    Args:
        connection: to the file.
        key: what the day is about.
        record: the day.
        oldest: earlier days are deleted.
    """
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
        numbers = _numbers_by_id(connection)
        _put(connection, record, numbers)
        connection.execute("DELETE FROM history_days WHERE day < ?", (oldest.isoformat(),))


def read_day(connection: sqlite3.Connection, day: date) -> DayRecord | None:
    """One saved day; None if it is not there or is corrupt."""
    connection.execute("BEGIN")
    try:
        row = connection.execute(
            "SELECT fetched_at, body FROM history_days WHERE day = ?", (day.isoformat(),)
        ).fetchone()
        names = _ids_by_number(connection)
    finally:
        connection.execute("COMMIT")
    try:
        return None if row is None else _unpack(row[1], day, row[0], names)
    except _PARSE_ERRORS:
        return None


def keep_people(
    connection: sqlite3.Connection, keep: Callable[[str], bool], *, all_users: bool
) -> bool:
    """Delete everything about people who are not to be kept. Returns whether there was anything.

    Args:
        connection: to the file; its ``secure_delete`` overwrites what is deleted.
        keep: whether an id stays.
        all_users: whether days that cover everybody go on doing so without these people; otherwise
            they cover the people who stay.
    """
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
                record = _unpack(body, date.fromisoformat(text), fetched_at, names)
            except _PARSE_ERRORS:
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
            _put(connection, DayRecord(replace(record.info, covered=covered), counts), numbers)
        connection.executemany(
            "DELETE FROM history_users WHERE number = ?", [(number,) for number in gone]
        )
    return changed or bool(gone)


def delete_history(connection: sqlite3.Connection) -> bool:
    """Delete all days and ids. Returns whether there were any."""
    with transaction(connection):
        if _saved_key(connection) is None:
            return False
        _delete_all(connection)
    return True


def load_people(connection: sqlite3.Connection, days: Collection[date]) -> dict[str, PersonDays]:
    """The counts of everybody with any activity on these days, by id.

    Args:
        connection: to the file.
        days: consecutive known days.

    Raises: LookupError, if one of the days is not there or is corrupt.
    """
    order = sorted(days, reverse=True)
    people: dict[str, PersonDays] = {}
    connection.execute("BEGIN")
    try:
        names = _ids_by_number(connection)
        for index, day in enumerate(order):
            row = connection.execute(
                "SELECT fetched_at, body FROM history_days WHERE day = ?", (day.isoformat(),)
            ).fetchone()
            if row is None:
                raise LookupError(day)
            try:
                record = _unpack(row[1], day, row[0], names)
            except _PARSE_ERRORS as error:
                raise LookupError(day) from error
            for user_id, counts in record.counts.items():
                person = people.get(user_id)
                if person is None:
                    person = people[user_id] = PersonDays.nothing(len(order))
                person.set(index, counts)
    finally:
        connection.execute("COMMIT")
    return people


def _saved_key(connection: sqlite3.Connection) -> HistoryKey | None:
    row = connection.execute("SELECT fingerprint, time_zone FROM history").fetchone()
    return None if row is None else HistoryKey(*row)


def _ids_by_number(connection: sqlite3.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT number, user_id FROM history_users"))


def _numbers_by_id(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT user_id, number FROM history_users"))


def _delete_all(connection: sqlite3.Connection) -> None:
    for table in ("history", "history_users", "history_days"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant


def _put(connection: sqlite3.Connection, record: DayRecord, numbers: Mapping[str, int]) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO history_days (day, fetched_at, body) VALUES (?, ?, ?)",
        (record.info.day.isoformat(), record.info.fetched_at, _pack(record, numbers)),
    )


def _pack(record: DayRecord, numbers: Mapping[str, int]) -> bytes:
    info = record.info
    rows = sorted((numbers[user_id], *counts) for user_id, counts in record.counts.items())
    content = {
        "covered": None if info.covered is None else _steps(numbers[one] for one in info.covered),
        "filter_fails": info.filter_fails,
        "no_data": info.no_data,
        "people": _steps(row[0] for row in rows),
        "hosted": [row[1] for row in rows],
        "calls": [row[2] for row in rows],
        "contributions": [row[3] for row in rows],
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), _ZLIB_LEVEL)


def _steps(numbers: Iterable[int]) -> list[int]:
    """Sorted numbers as differences, which compress well."""
    steps, last = [], 0
    for number in sorted(numbers):
        steps.append(number - last)
        last = number
    return steps


def _numbers(steps: Iterable[int]) -> list[int]:
    found, last = [], 0
    for step in steps:
        last += step
        found.append(last)
    return found


def _content(body: bytes) -> dict[str, Any]:
    content = json.loads(zlib.decompress(body))
    if not isinstance(content, dict):
        raise TypeError("not an object")
    return content


def _info(
    content: Mapping[str, Any], day: date, fetched_at: float, names: Mapping[int, str]
) -> DayInfo:
    covered = content["covered"]
    return DayInfo(
        day=day,
        fetched_at=float(fetched_at),
        covered=None if covered is None else frozenset(names[n] for n in _numbers(covered)),
        filter_fails=bool(content["filter_fails"]),
        no_data=bool(content["no_data"]),
    )


def _unpack(body: bytes, day: date, fetched_at: float, names: Mapping[int, str]) -> DayRecord:
    content = _content(body)
    columns = zip(
        _numbers(content["people"]),
        content["hosted"],
        content["calls"],
        content["contributions"],
        strict=True,
    )
    counts = {names[n]: (int(h), int(c), int(g)) for n, h, c, g in columns}
    return DayRecord(_info(content, day, fetched_at, names), counts)
