"""The study's tables, in Markdown, as they stand in docs/alerting.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Literal

from tools.study.plant import Study
from tools.study.rule import (
    SHARE,
    USER_ALONE_SIGMAS,
    USER_SIGMAS,
    USER_USUAL,
    Reading,
    Readings,
)
from tools.study.score import Firing, Score, episodes, score

YEAR = 365
BUSY = 20
"""Calls a week from which on somebody is called busy."""

SIGMAS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
ALONE = (3.5, 4.0, math.inf)
TEAM_SIGMAS = (3.0, 3.5, 4.0, 5.0, 6.0)
COMPANY_SIGMAS = (4.0, 8.0)

Table = Iterator[str]


def days_of(
    days: Sequence[Readings],
    level: Literal["users", "teams", "company"],
    metric: str,
    fires: Callable[[Reading], bool],
    *,
    notified: bool = False,
) -> Firing:
    """The days on which an alert fires, by subject and metric.

    Args:
        days: in order.
        level: of whom.
        metric: which.
        fires: the alert.
        notified: leave out users who have gone silent, as Alertmanager does.
    """
    found: dict[tuple[str, str], list[date]] = {}
    for readings in days:
        held = readings.silent() if notified else frozenset[str]()
        of: Mapping[str, Sequence[Reading]] = {
            "users": readings.users,
            "teams": readings.teams,
            "company": readings.company,
        }
        for each in of[level]:
            if each.metric == metric and each.subject not in held and fires(each):
                found.setdefault((each.subject, each.metric), []).append(readings.day)
    return found


def user_grid(study: Study, days: Sequence[Readings], metric: str) -> Table:
    """Users' drops for each pair of thresholds: as many sigmas, and as many where it is alone."""
    yield f"| sigmas | alone | usual | {_HEAD} | recall, {BUSY} a week and more |"
    yield "|---|---|---|---|---|---|---|---|---|"
    floor = USER_USUAL[metric]
    for sigmas in SIGMAS:
        for alone in sorted({sigmas, *(each for each in ALONE if each > sigmas)}):
            fired = days_of(
                days,
                "users",
                metric,
                partial(Reading.below, sigmas=sigmas, usual=floor, alone=alone),
                notified=True,
            )
            result = score(fired, study.users, metric, floor, study.left)
            busy = score(fired, study.users, metric, BUSY, study.left)
            thresholds = f"{sigmas:g} | {_alone(alone)} | {floor:g}"
            yield f"| {thresholds} | {_cells(result, days)} | {_share(busy)} |"


def variants(study: Study, days: Sequence[Readings], metric: str) -> Table:
    """What each part of the users' rule is worth, at the thresholds of the rules."""
    sigmas, usual = USER_SIGMAS[metric], USER_USUAL[metric]

    def plain(each: Reading) -> bool:
        low = each.recent < SHARE * each.expected and each.usual >= usual
        return low and each.plain_sigmas > sigmas

    def lull(each: Reading) -> bool:
        low = each.recent < SHARE * each.expected and each.usual >= usual
        return low and each.sigmas > sigmas

    def rule(each: Reading) -> bool:
        return each.below(sigmas, usual, USER_ALONE_SIGMAS[metric])

    cases: Mapping[str, tuple[Callable[[Reading], bool], bool]] = {
        "chance reckoned from the usual alone": (plain, False),
        "chance reckoned from what was to be expected": (lull, False),
        "and nobody who has gone silent": (lull, True),
        "and at work on 3 of the 7 days": (lambda each: lull(each) and each.there, True),
        "and all else down, or far below": (rule, True),
    }
    yield f"| rule | {_HEAD} |"
    yield "|---|---|---|---|---|---|"
    for name, (fires, notified) in cases.items():
        fired = days_of(days, "users", metric, fires, notified=notified)
        yield f"| {name} | {_cells(score(fired, study.users, metric, usual, study.left), days)} |"


def team_grid(study: Study, days: Sequence[Readings], metric: str) -> Table:
    """Teams' drops."""
    yield f"| sigmas | {_HEAD} |"
    yield "|---|---|---|---|---|---|"
    for sigmas in TEAM_SIGMAS:
        fired = days_of(days, "teams", metric, partial(Reading.below, sigmas=sigmas))
        yield f"| {sigmas:g} | {_cells(score(fired, study.teams, metric, 0), days)} |"


def company_episodes(days: Sequence[Readings], metric: str) -> Table:
    """When the company's drop fires: nothing was planted, so all of it is closures."""
    for sigmas in COMPANY_SIGMAS:
        fired = days_of(days, "company", metric, partial(Reading.below, sigmas=sigmas))
        runs = [run for found in fired.values() for run in episodes(found)]
        yield f"- {sigmas:g} sigmas: " + (", ".join(f"{a} to {b}" for a, b in runs) or "never")


def silences(days: Sequence[Readings]) -> Table:
    """How often somebody goes silent."""
    found: dict[str, list[date]] = {}
    for readings in days:
        for user in readings.silent():
            found.setdefault(user, []).append(readings.day)
    count = sum(len(episodes(each)) for each in found.values())
    yield f"GongUserGoneSilent: {count * YEAR / len(days):.0f} episodes a year."


_HEAD = "false a year | leavers a year | precision | recall | days to it"


def _cells(result: Score, days: Sequence[Readings]) -> str:
    a_year = YEAR / len(days)
    return (
        f"{result.false * a_year:.0f} | {result.leaving * a_year:.0f}"
        f" | {_number(result.precision)} | {_share(result)} | {_number(result.delay, 0)}"
    )


def _alone(sigmas: float) -> str:
    return "never" if math.isinf(sigmas) else f"{sigmas:g}"


def _share(result: Score) -> str:
    return f"{result.found} of {result.scope}"


def _number(value: float, digits: int = 2) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
