"""The company's ratio: when it falls without a reason, and how soon it shows stopped recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from gong_exporter.drops.detect import company_week
from gong_exporter.drops.records import NO_TEAM, Person
from gong_exporter.drops.thresholds import COMPANY_DROP
from tools.study.score import episodes
from tools.study.truth import Truth

LEAST_SHARE = 1 - COMPANY_DROP
"""Of the usual week; the alert fires below it."""

WEEKS = 28
STOPPED = (2, 3, 4, 5, 7)


def company_lines(truth: Truth) -> Iterator[str]:
    """When the alert on the company fires, and on how many dates it finds stopped recording."""
    people = truth.counts.people.values()
    totals = [
        sum(day)
        for day in zip(
            *(one.calls for one in people), *(one.contributions for one in people), strict=True
        )
    ]
    fired = [
        truth.study.first + timedelta(days=number)
        for number in range(truth.study.days)
        if _share(totals, truth.study.days - number - 1, stopped=0) < LEAST_SHARE
    ]
    yield f"seed {truth.study.seed}: episodes from {_dates(fired)}"
    for stopped in STOPPED:
        shares = [_share(totals, ago, stopped) for ago in range(truth.study.days)]
        found = sum(share < LEAST_SHARE for share in shares) / len(shares)
        yield f"  nothing recorded for {stopped} days: below half on {found:.0%} of dates"


def _share(totals: Sequence[int], ago: int, stopped: int) -> float:
    """The last week's share of the usual, as if nothing had been recorded on its last days."""
    days = [0] * stopped + list(totals[ago + stopped : ago + WEEKS])
    nobody = [0] * WEEKS
    company = Person(
        user_id="everybody",
        team=NO_TEAM,
        hosted=nobody,
        calls=days,
        contributions=nobody,
        listened=nobody,
        active=nobody,
    )
    week = company_week([company])
    return week.observed / week.usual if week and week.usual else 1.0


def _dates(days: Sequence[date]) -> str:
    return ", ".join(str(day) for day in episodes(days)) or "never"
