"""The study's tables, in Markdown, and when the company's ratio falls.

Rates and shares have their standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from gong_exporter.drops.detect import company_week
from gong_exporter.drops.records import NO_TEAM, Person
from gong_exporter.drops.thresholds import COMPANY_DROP
from gong_exporter.simulator.company.events import EventKind
from tools.study.score import Score, Slump, episodes
from tools.study.truth import MANY_HOSTED, WRONG, Cause, Truth

NOMINAL = (35, 12, 5)
"""Wrong episodes a year for 500 people for which thresholds are chosen."""

PEOPLE = 500
TEAM_NOMINAL, TEAMS = 2, 67
"""Wrong episodes a year for so many teams."""

CANDIDATES = (*range(2, 30), *range(30, 95, 5))
TEAM_CANDIDATES = tuple(half / 2 for half in range(2, 31))
"""Years, and evidence of teams, among which thresholds are chosen."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Planted slumps of one row.

    Attributes:
        name: of the row.
        kind: of the slumps.
        least: hosted calls a week from which the person is in it.
        most: and below which.
        days: the slump's length; None for any.
    """

    name: str
    kind: EventKind
    least: float
    most: float = math.inf
    days: int | None = None

    def select(self, score: Score) -> list[Slump]:
        """The slumps of the row."""
        return [
            one
            for one in score.slumps
            if one.kind is self.kind
            and self.least <= one.usual < self.most
            and self.days in {None, one.days}
        ]


ALL_ROUND = Scope("all activity, at least 12 hosted calls a week", EventKind.SLUMP, MANY_HOSTED)
SCOPES = (
    ALL_ROUND,
    Scope("the same, at least 20", EventKind.SLUMP, 20),
    Scope("the same, 6 to 12", EventKind.SLUMP, 6, MANY_HOSTED),
    Scope("the same, at least 12, for 10 days", EventKind.SLUMP, MANY_HOSTED, days=10),
    Scope("the same, for 14 days", EventKind.SLUMP, MANY_HOSTED, days=14),
    Scope("the same, for 21 days", EventKind.SLUMP, MANY_HOSTED, days=21),
    Scope("hosting only, at least 12", EventKind.HOSTING_SLUMP, MANY_HOSTED),
    Scope("the same, at least 20", EventKind.HOSTING_SLUMP, 20),
    Scope("to a half, at least 12", EventKind.HALF_SLUMP, MANY_HOSTED),
    Scope("gradual, over three weeks, at least 12", EventKind.GRADUAL_SLUMP, MANY_HOSTED),
)

TEAM_SCOPES = (
    Scope("to a quarter", EventKind.TEAM_SLUMP, 0),
    Scope("to a half", EventKind.HALF_SLUMP, 0),
)


def choose(scores: Mapping[float, Score], nominal: float, size: int) -> float:
    """The lowest threshold with few enough wrong episodes; the highest if all have more.

    Args:
        scores: by threshold, the lowest first.
        nominal: wrong episodes a year.
        size: of how many people or teams.
    """
    return next(
        (years for years, one in scores.items() if one.wrong / one.years * size <= nominal),
        max(scores),
    )


def user_tables(scores: Mapping[float, Score]) -> Iterator[str]:
    """What the alert on users does, by threshold in years."""
    yield from _head(
        "episodes a year for 500 people", [f"above {years:g} years" for years in scores]
    )
    yield _row("**wrong**", [_rate(one.wrong, one.years, PEOPLE) for one in scores.values()])
    many_hosted = [_rate(one.wrong_with_many_hosted, one.years, PEOPLE) for one in scores.values()]
    yield _row(f"of these: people with at least {MANY_HOSTED} hosted calls a week", many_hosted)
    yield _row(
        "**years between two wrong ones**, for one person",
        [_years_between(one.years, one.wrong) for one in scores.values()],
    )
    yield _row(
        f"the same, with at least {MANY_HOSTED} hosted calls a week",
        [
            _years_between(one.years_with_many_hosted, one.wrong_with_many_hosted)
            for one in scores.values()
        ],
    )
    for cause in (*WRONG, Cause.REALLY_LOWER, Cause.LEAVER):
        name = f"of these: {cause}" if cause in WRONG else f"besides: {cause}"
        yield _row(name, [_rate(one.episodes[cause], one.years, PEOPLE) for one in scores.values()])
    yield ""
    yield from _head("planted slumps found", [f"above {years:g} years" for years in scores])
    for scope in SCOPES:
        chosen = [scope.select(one) for one in scores.values()]
        yield _row(f"{scope.name} ({len(chosen[0])})", map(_found, chosen))
    delays = [_delay(ALL_ROUND.select(one)) for one in scores.values()]
    yield _row(f"median days to the alert, {ALL_ROUND.name}", delays)


def team_table(scores: Mapping[float, Score]) -> Iterator[str]:
    """What the alert on teams does, by threshold of evidence."""
    yield from _head(f"{TEAMS} teams", [f"evidence above {least:g}" for least in scores])
    yield _row("wrong a year", [_rate(one.wrong, one.years, TEAMS) for one in scores.values()])
    for name, cause in (("of these", Cause.TURN_OF_THE_YEAR), ("besides", Cause.MEMBER)):
        rates = [_rate(one.episodes[cause], one.years, TEAMS) for one in scores.values()]
        yield _row(f"{name}: {cause}", rates)
    for scope in TEAM_SCOPES:
        slumps = [scope.select(one) for one in scores.values()]
        yield _row(f"slumps found, {scope.name} ({len(slumps[0])})", map(_found, slumps))
        yield _row("median days to the alert", map(_delay, slumps))


def _head(title: str, columns: Sequence[str]) -> Iterator[str]:
    yield _row(title, columns)
    yield "|---" * (len(columns) + 1) + "|"


def _row(title: str, cells: Iterable[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def _rate(count: int, years: float, size: int) -> str:
    """Episodes a year, with the standard error of a count."""
    return f"{count / years * size:.1f} ± {math.sqrt(count) / years * size:.1f}"


def _years_between(years: float, count: int) -> str:
    return f"{years / count:.1f} ± {years / count / math.sqrt(count):.1f}" if count else ""


def _found(slumps: Sequence[Slump]) -> str:
    if not slumps:
        return ""
    share = sum(one.delay is not None for one in slumps) / len(slumps)
    return f"{share:.0%} ± {100 * math.sqrt(share * (1 - share) / len(slumps)):.0f}"


def _delay(slumps: Sequence[Slump]) -> str:
    delays = [one.delay for one in slumps if one.delay is not None]
    return f"{median(delays):.0f}" if delays else ""


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
