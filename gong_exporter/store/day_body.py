"""A saved company day as bytes.

People are numbers of a table of their ids, so that 84 days of 10,000 people take a few megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gong_exporter.activity.days import Counts, DayInfo, DayRecord
from gong_exporter.store.row_body import pack, parsing, unpack

_ZLIB_LEVEL = 6

_MOST = 255
"""The largest count of one person and day that is compared, to fit in a byte: no person has
more calls on a day."""


@dataclass(frozen=True, slots=True)
class PersonDays:
    """One person's counts, newest day first.

    Attributes:
        hosted: ``calls_as_host``.
        calls: sum of the group.
        contributions: sum of the group.
        listened: ``others_calls_listened_to``.
        active: 1 for a day with any activity, otherwise 0.
    """

    hosted: bytearray
    calls: bytearray
    contributions: bytearray
    listened: bytearray
    active: bytearray

    @classmethod
    def nothing(cls, days: int) -> PersonDays:
        """Without any activity."""
        return cls(*(bytearray(days) for _ in range(5)))

    def set(self, index: int, counts: Counts) -> None:
        """Set the counts of one day with activity."""
        hosted, calls, contributions, listened = counts
        self.hosted[index] = min(hosted, _MOST)
        self.calls[index] = min(calls, _MOST)
        self.contributions[index] = min(contributions, _MOST)
        self.listened[index] = min(listened, _MOST)
        self.active[index] = 1


@dataclass(frozen=True, slots=True)
class SavedDays:
    """Saved days, still packed: small, and quick to pass to another process.

    Attributes:
        ids: the people's ids by their numbers.
        bodies: of the days, newest first.
    """

    ids: Mapping[int, str]
    bodies: tuple[bytes, ...]

    def people(self) -> dict[str, PersonDays]:
        """The counts of everybody with any activity on these days, by id.

        Raises: what parsing() turns into CorruptRow elsewhere, if a day is corrupt.
        """
        people: dict[str, PersonDays] = {}
        for index, body in enumerate(self.bodies):
            for user_id, counts in _counts(unpack(body), self.ids):
                person = people.get(user_id)
                if person is None:
                    person = people[user_id] = PersonDays.nothing(len(self.bodies))
                person.set(index, counts)
        return people


def pack_day(record: DayRecord, numbers: Mapping[str, int]) -> bytes:
    """A day as bytes, with the people's numbers by id."""
    info = record.info
    rows = sorted((numbers[user_id], *counts) for user_id, counts in record.counts.items())
    content = {
        "covered": None if info.covered is None else _steps(numbers[one] for one in info.covered),
        "filter_fails": info.filter_fails,
        "no_data": info.no_data,
        "excluded": sorted(info.excluded),
        "people": _steps(row[0] for row in rows),
        "hosted": [row[1] for row in rows],
        "calls": [row[2] for row in rows],
        "contributions": [row[3] for row in rows],
        "listened": [row[4] for row in rows],
    }
    return pack(content, _ZLIB_LEVEL)


@parsing()
def unpack_day(body: bytes, day: str, fetched_at: float, ids: Mapping[int, str]) -> DayRecord:
    """The day of a row. Raises: CorruptRow."""
    content = unpack(body)
    return DayRecord(_info(content, day, fetched_at, ids), dict(_counts(content, ids)))


@parsing()
def unpack_day_info(body: bytes, day: str, fetched_at: float, ids: Mapping[int, str]) -> DayInfo:
    """The same without the counts."""
    return _info(unpack(body), day, fetched_at, ids)


def _info(
    content: Mapping[str, Any], day: str, fetched_at: float, ids: Mapping[int, str]
) -> DayInfo:
    covered = content["covered"]
    return DayInfo(
        day=date.fromisoformat(day),
        fetched_at=float(fetched_at),
        covered=None if covered is None else frozenset(ids[n] for n in _numbers(covered)),
        filter_fails=bool(content["filter_fails"]),
        no_data=bool(content["no_data"]),
        excluded=frozenset(map(str, content.get("excluded", ()))),  # absent up to 0.2.0
    )


def _counts(content: Mapping[str, Any], ids: Mapping[int, str]) -> Iterable[tuple[str, Counts]]:
    columns = zip(
        _numbers(content["people"]),
        content["hosted"],
        content["calls"],
        content["contributions"],
        content["listened"],
        strict=True,
    )
    return ((ids[n], (int(h), int(c), int(g), int(o))) for n, h, c, g, o in columns)


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
