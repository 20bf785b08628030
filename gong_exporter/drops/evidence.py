"""Evidence: how much likelier the newest counts are after a drop than if nothing has changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from gong_exporter.drops.dispersion import WEEK, Dispersion, Week
from gong_exporter.drops.records import Assessment, WindowEvidence

WINDOWS = (7, 10, 14)
"""Days of the windows in which a drop is looked for."""

MIN_DAYS = 14
"""Days of history without which nothing is said."""

MIN_BASELINE_DAYS = 5
"""Active days without which a baseline says nothing; also the days a window leaves for it."""

SHORT_BASELINE_DAYS = 28
LONG_BASELINE_SKIPS = 14
"""The long baseline leaves out the newest days, so that a drop does not become its own usual."""


MOST_BESIDE_AGAINST = 2.0
"""What a group beside the others takes off the evidence at most."""

WEEK_AGAINST = 0.5
"""So much evidence is taken off the shortest window: bad weeks come by chance more often."""


def log_likelihood_ratio(count: float, expected: float, dispersion: float, left: float) -> float:
    """The logarithm of P(count | a share is left) / P(count | as usual), both Gamma-Poisson.

    Args:
        count: what was counted.
        expected: what the usual would have brought.
        dispersion: ``v`` of the variance ``mu + v * mu ** 2``, above 0.
        left: the share of the usual that a drop leaves, for example 0.25.
    """
    if expected == 0:
        return 0.0  # what a person never did cannot drop, and starting it does not excuse a drop
    ratio = math.log((1 + dispersion * expected) / (1 + dispersion * expected * left))
    return ratio / dispersion + count * (ratio + math.log(left))


class Series:
    """Counts and exposure of one group of counters for one person or team, as running sums.

    Exposure is what a day would bring to a person whose rate is 1: the day's factor on days on
    which the person was active, otherwise 0.

    Args:
        counts: of each day, newest first.
        exposure: of each day.
    """

    __slots__ = ("_days", "counts", "exposure")

    def __init__(self, counts: Sequence[int], exposure: Sequence[float]) -> None:
        self._days = counts
        self.counts = (0, *accumulate(counts))
        self.exposure = (0.0, *accumulate(exposure))

    def count(self, start: int, end: int) -> int:
        """What was counted on the days from ``start`` up to, not including, ``end``."""
        return self.counts[end] - self.counts[start]

    def exposed(self, start: int, end: int) -> float:
        """The exposure of the same days."""
        return self.exposure[end] - self.exposure[start]

    @property
    def rate(self) -> float:
        """Count per unit of exposure over the whole history."""
        return self.counts[-1] / max(self.exposure[-1], 1.0)

    def weeks(
        self, active: Sequence[int], least_active: int, least_exposure: float
    ) -> Iterator[Week | None]:
        """The whole weeks, newest first; None for a week that says too little.

        Args:
            active: running sum of active days.
            least_active: active days that a usable week has at least.
            least_exposure: exposure that a usable week has at least.
        """
        squares = (0, *accumulate(map(mul, self._days, self._days)))
        for start in range(0, len(self.counts) - WEEK, WEEK):
            end = start + WEEK
            exposure = self.exposed(start, end)
            active_days = active[end] - active[start]
            if active_days >= least_active and exposure >= least_exposure:
                yield Week(
                    self.count(start, end), squares[end] - squares[start], exposure, active_days
                )
            else:
                yield None


@dataclass(frozen=True, slots=True)
class Group:
    """One group of counters of one person or team.

    Attributes:
        series: counts and exposure.
        dispersion: how much more than chance the counts vary.
        weight: how much its evidence counts for beside that of the other groups.
        beside: of further evidence only: not counted, and speaking against a drop by
            MOST_BESIDE_AGAINST at most.
    """

    series: Series
    dispersion: Dispersion
    weight: float = 1.0
    beside: bool = False


def assess(
    groups: Sequence[Group],
    active: Sequence[int],
    missing: Sequence[float],
    left: float,
    ago: int = 0,
) -> Assessment | None:
    """Compare each window with the usual; None if there is no window with a known usual.

    Args:
        groups: of one person or team.
        active: running sum of active days, one longer than the history.
        missing: running sum of what days without any activity contribute, as long.
        left: the share of the usual that a drop leaves.
        ago: as of so many days ago; the days since then are another usual, then.
    """
    days = len(active) - 1 - ago
    windows = [
        found
        for window in WINDOWS
        if window + MIN_BASELINE_DAYS <= days
        and (found := _in_window(window, groups, active, missing, left=left, ago=ago))
    ]
    if not windows:
        return None
    return Assessment(
        deciding=max(windows, key=lambda found: found.evidence),  # the first among equals
        week=windows[0] if windows[0].window == WEEK else None,
    )


def _in_window(
    window: int,
    groups: Sequence[Group],
    active: Sequence[int],
    missing: Sequence[float],
    *,
    left: float,
    ago: int,
) -> WindowEvidence | None:
    days, end = len(active) - 1, ago + window
    whole = days >= end + SHORT_BASELINE_DAYS
    long_start = max(end, ago + LONG_BASELINE_SKIPS) if whole else end
    short = end, min(days, end + SHORT_BASELINE_DAYS)
    after = max(0, ago - SHORT_BASELINE_DAYS), ago
    active_days = active[end] - active[ago]
    long_days = active[days] - active[long_start]
    certain = [
        (start, stop)
        for start, stop in (short, after)
        if active[stop] - active[start] >= MIN_BASELINE_DAYS
    ]
    if (long_days < MIN_BASELINE_DAYS and short not in certain) or (ago and after not in certain):
        return None
    evidence, count, expected = missing[end] - missing[ago], 0, 0.0
    if window == WEEK:
        evidence -= WEEK_AGAINST
    for group in groups:
        series, dispersion = group.series, group.dispersion.over(active_days)
        counted, exposed = series.count(ago, end), series.exposed(ago, end)
        candidates: list[tuple[float, float]] = []
        if long_days >= MIN_BASELINE_DAYS:
            base = series.count(long_start, days)
            usual = _expected(base, series.exposed(long_start, days), exposed)
            # A usual that is known from few days is uncertain itself.
            uncertain = dispersion * (1 + active_days / long_days) + 1 / (base + 1)
            candidates.append((log_likelihood_ratio(counted, usual, uncertain, left), usual))
        for start, stop in certain:
            usual = _expected(series.count(start, stop), series.exposed(start, stop), exposed)
            candidates.append((log_likelihood_ratio(counted, usual, dispersion, left), usual))
        least, usual = min(candidates)
        if group.beside:
            evidence += max(group.weight * least, -MOST_BESIDE_AGAINST)
        else:
            evidence += group.weight * least
            count, expected = count + counted, expected + usual
    return WindowEvidence(
        evidence=evidence,
        window=window,
        count=count,
        expected=expected,
        missing=missing[end] - missing[ago],
    )


def _expected(base: int, base_exposure: float, exposure: float) -> float:
    return base / base_exposure * exposure if base_exposure else 0.0
