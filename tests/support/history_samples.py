"""Days of a history for tests, and a large one to measure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

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
        {"1": (1, 2, 3), "99999999999999999999": (0, 0, 1)} if counts is None else counts,
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
                counts[user_id] = (hosted, calls, int(chance.expovariate(0.5)))
        yield a_day(day, counts)
