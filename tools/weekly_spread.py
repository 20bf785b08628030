"""How uneven simulated people's weeks are: variance over mean of weekly counts, as a table.

`python -m tools.weekly_spread` prints, for people by their mean week, the median and the 10 to 90 %
range of variance over mean, over weeks with at least three active days.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import correlation, mean, median, quantiles, variance
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.company import SimulatedCompany
from tools.study.days import Counts, DayCounts

WEEK = 7
WEEKS = 52
MIN_ACTIVE_DAYS = 3
MIN_WEEKS = 20
BANDS = ((8, 12), (12, 16), (16, 24), (24, 999))


def main() -> None:
    """Print the table for each sum of counters, and how often weeks are empty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 2))
    given = parser.parse_args()
    people: list[Counts] = []
    for seed in given.seed:
        company = SimulatedCompany(given.users, seed, ZoneInfo("America/New_York"), given.today)
        first = given.today - timedelta(weeks=WEEKS)
        there = {
            person.user_id
            for person in company.people
            if person.hired <= first - timedelta(weeks=17) and person.left > given.today
        }
        counts = DayCounts(company, first, given.today).people
        people += [one for user_id, one in counts.items() if user_id in there]
    print(f"| variance/mean, median (10-90 %) of people | {' | '.join(map(_band, BANDS))} |")
    print("|---" * (len(BANDS) + 1) + "|")
    for name, rows in (
        ("hosted calls", [one.hosted for one in people]),
        ("calls", [one.calls for one in people]),
        (
            "own activity",
            [bytes(map(sum, zip(one.calls, one.contributions, strict=True))) for one in people],
        ),
    ):
        actives = [one.active for one in people]
        print(f"| {name} | {' | '.join(_cells(rows, actives))} |")
    active_days = [days for one in people for days in _weeks(one.active)]
    print(
        f"\n{len(people)} people; weeks without anything {_share(active_days, 1)},"
        f" with under {MIN_ACTIVE_DAYS} active days {_share(active_days, MIN_ACTIVE_DAYS)};"
        f" correlation of neighboring weeks {mean(_follow(people)):.2f}."
    )


def _follow(people: Sequence[Counts]) -> Iterator[float]:
    """Each person's correlation of neighboring weeks of calls with enough active days."""
    for one in people:
        weeks = zip(_weeks(one.calls), _weeks(one.active), strict=True)
        pairs = [
            (count, next_count)
            for (count, days), (next_count, next_days) in pairwise(weeks)
            if min(days, next_days) >= MIN_ACTIVE_DAYS
        ]
        if len(pairs) >= MIN_WEEKS and all(variance(week) for week in zip(*pairs, strict=True)):
            yield correlation(*zip(*pairs, strict=True))


def _cells(rows: Sequence[Sequence[int]], actives: Sequence[Sequence[int]]) -> Iterable[str]:
    found: list[tuple[float, float]] = []
    for row, active in zip(rows, actives, strict=True):
        weeks = [
            count
            for count, days in zip(_weeks(row), _weeks(active), strict=True)
            if days >= MIN_ACTIVE_DAYS
        ]
        if len(weeks) >= MIN_WEEKS and any(weeks):
            found.append((mean(weeks), variance(weeks) / mean(weeks)))
    for least, most in BANDS:
        ratios = [ratio for usual, ratio in found if least <= usual < most]
        if len(ratios) < WEEK:
            yield f"{len(ratios)} people"
            continue
        tenths = quantiles(ratios, n=10)
        yield f"{median(ratios):.1f} ({tenths[0]:.1f}-{tenths[-1]:.1f})"


def _weeks(row: Sequence[int]) -> list[int]:
    return [sum(row[start : start + WEEK]) for start in range(0, len(row), WEEK)]


def _share(active_days: Sequence[int], under: int) -> str:
    return f"{sum(days < under for days in active_days) / len(active_days):.0%}"


def _band(band: tuple[int, int]) -> str:
    return f"{band[0]}-{band[1]}" if band[1] < 100 else f"{band[0]}+"  # noqa: PLR2004 -- open end


if __name__ == "__main__":
    main()
