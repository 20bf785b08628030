"""Right or not: firing days become episodes, and episodes are held against what was planted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

JOINED = timedelta(days=3)
"""Firing again so soon is the same episode: people call it one."""

WINDOW = timedelta(days=7)
NOTICE = timedelta(days=14)
LONGEST = timedelta(days=28)

Firing = Mapping[tuple[str, str], Sequence[date]]
"""The days on which an alert fires, in order, by subject (user or team) and metric."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A drop that is true.

    Attributes:
        subject: whose.
        start: its first day.
        end: the day after its last.
        usual: by metric, how much a week there was before it.
    """

    subject: str
    start: date
    end: date
    usual: Mapping[str, float]

    def explains(self, day: date) -> bool:
        """Whether a day's 7d window holds a day of it."""
        return self.start < day < self.end + WINDOW


@dataclass(frozen=True, slots=True)
class Score:
    """How an alert did.

    Attributes:
        true: episodes that something planted explains.
        leaving: others, of people in their last two weeks or just gone.
        false: all others.
        found: planted drops in scope that fired at least once.
        scope: planted drops of subjects with as much activity as the rule asks for.
        delays: days from the start of each that was found to the first firing.
    """

    true: int
    leaving: int
    false: int
    found: int
    scope: int
    delays: tuple[int, ...]

    @property
    def precision(self) -> float:
        """The share of episodes that are true, leavers' aside; NaN for none at all."""
        told = self.true + self.false
        return self.true / told if told else float("nan")

    @property
    def recall(self) -> float:
        """The share of planted drops in scope that were found; NaN for none."""
        return self.found / self.scope if self.scope else float("nan")

    @property
    def delay(self) -> float:
        """Median days to the first firing; NaN for none."""
        return median(self.delays) if self.delays else float("nan")


def episodes(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last day of each run of firing days."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] <= JOINED:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def score(
    firing: Firing,
    planted: Sequence[Planted],
    metric: str,
    usual: float,
    left: Mapping[str, date] | None = None,
) -> Score:
    """Hold one metric's firing days against what was planted.

    Args:
        firing: of all metrics.
        planted: everything.
        metric: the one in question.
        usual: a week's count from which on a planted drop is in the rule's scope.
        left: the day after the last of each user.
    """
    by_subject: dict[str, list[Planted]] = {}
    for each in planted:
        by_subject.setdefault(each.subject, []).append(each)
    true = leaving = false = 0
    for (subject, name), days in firing.items():
        if name != metric:
            continue
        for first, last in episodes(days):
            inside = [day for day in days if first <= day <= last]
            if any(p.explains(day) for p in by_subject.get(subject, ()) for day in inside):
                true += 1
            elif _leaving((left or {}).get(subject), first, last):
                leaving += 1
            else:
                false += 1
    scope = [each for each in planted if each.usual.get(metric, 0) >= usual]
    delays = []
    for each in scope:
        told = [day for day in firing.get((each.subject, metric), ()) if each.explains(day)]
        if told:
            delays.append((told[0] - each.start).days)
    return Score(true, leaving, false, len(delays), len(scope), tuple(delays))


def _leaving(left: date | None, first: date, last: date) -> bool:
    return left is not None and first <= left + LONGEST and last >= left - NOTICE
