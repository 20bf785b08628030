"""Days of a history for tests, and a large one to measure."""

from __future__ import annotations

import json
import random
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from gong_exporter.activity.days import Counts, DayInfo, DayRecord, HistoryKey

KEY = HistoryKey("what is requested", "US/Pacific")
MONDAY = date(2026, 2, 2)
OLDEST = MONDAY - timedelta(days=84)


def a_day(
    day: date = MONDAY,
    counts: dict[str, Counts] | None = None,
    *,
    covered: frozenset[str] | None = None,
    fetched_at: float = 1.0,
) -> DayRecord:
    """A day; of two people unless counts are given."""
    return DayRecord(
        DayInfo(day=day, fetched_at=fetched_at, covered=covered),
        {"1": (1, 2, 3, 4), "99999999999999999999": (0, 0, 1, 0)} if counts is None else counts,
    )


def a_company(
    people: int, days: int, *, newest: date = MONDAY, seed: int = 1
) -> Iterator[DayRecord]:
    """Days of people who work on weekdays and differ in their rates, newest day first."""
    chance = random.Random(seed)  # noqa: S311 - a made-up company
    ids = [str(chance.randrange(10**17, 10**18)) for _ in range(people)]
    rates = [chance.gammavariate(4, 1) for _ in ids]
    for back in range(days):
        day = newest - timedelta(days=back)
        share = 0.9 if day.weekday() < 5 else 0.05
        counts: dict[str, Counts] = {}
        for user_id, rate in zip(ids, rates, strict=True):
            if chance.random() < share:
                hosted = int(chance.gammavariate(1.5, rate / 1.5))
                calls = hosted + int(chance.gammavariate(1.5, 1.5))
                contributions = int(chance.expovariate(0.5))
                counts[user_id] = (hosted, calls, contributions, int(chance.expovariate(0.7)))
        yield a_day(day, counts)


def rewrite_as_version_1(path: Path) -> None:
    """Make the days of a state file those of 0.2.0, which did not keep listening."""
    with closing(sqlite3.connect(path)) as connection, connection:
        ((key,),) = connection.execute("SELECT fingerprint FROM history").fetchall()
        connection.execute("UPDATE history SET fingerprint = ?", (key.removesuffix("-2"),))
        for day, body in connection.execute("SELECT day, body FROM history_days").fetchall():
            content = json.loads(zlib.decompress(body))
            del content["listened"]
            old = zlib.compress(json.dumps(content).encode("ascii"))
            connection.execute("UPDATE history_days SET body = ? WHERE day = ?", (old, day))
