"""How rarely chance alone brings so much evidence for a drop.

Fitted on simulated companies, so that a person's alert on the rarer of both kinds is wrong as often
as the return period says: a person has two chances, hence each kind's own period is almost halved.

Evidence takes a model of how people work, and no model fits every company: where people have bad
weeks out of nothing, chance brings far more evidence. Therefore the company's own past is asked how
often there was evidence for deep drops that passed again, and how much: all evidence is measured by
that. ``make study`` checks it on other companies, with ``--uneven-weeks`` on people unlike these.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PAST_DAYS = (14, 21, 28, 35, 42, 49)
"""How many days ago evidence is taken: late enough to compare with the days after it, too."""

PAST_HISTORY = 28
"""Days of history that must lie before each of them."""

PAST_LEFT = 0.05
"""The share of the usual that a drop leaves, in past evidence.

Deeper than what is looked for: real drops of the past then add little to what chance brought.
"""

PAST_OWN_EXPECTED, PAST_HOSTING_EXPECTED = 8.0, 5.0
"""Counts that were expected, at least: people who do next to nothing prove nothing about others."""

MOST_EXCESS = 6.0
"""No case counts for more: a single one would decide about a small company."""

PRIOR_CASES = 25.0
"""A usual company's past counts for as much as so many cases.

A company of 500 people has about 16 of own activity and 25 of hosting, one of uneven people more.
"""

MOST_YEARS = 100.0
"""No return period that is published is longer: beyond it nothing was fitted."""


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """How rarely chance alone brings so much evidence.

    Attributes:
        intercept: of the logarithm of the years.
        slope: likewise, per unit of evidence.
    """

    intercept: float
    slope: float

    def years(self, evidence: float) -> float:
        """By chance, one person has this evidence once in so many years."""
        return math.exp(min(self.intercept + self.slope * evidence, 700.0))


@dataclass(frozen=True, slots=True)
class ReturnPeriods:
    """Of one company.

    Attributes:
        own: of all that people do themselves.
        hosting: of ``callsAsHost``.
    """

    own: ReturnPeriod
    hosting: ReturnPeriod


@dataclass(frozen=True, slots=True)
class PastEvidence:
    """How much evidence there is by chance, in a usual company.

    Attributes:
        least: less than this is left out.
        share: of all past evidence, how much of it is more.
        mean: of what is more, the mean distance to ``least``.
    """

    least: float
    share: float
    mean: float

    def compare(self, past: Iterable[float]) -> tuple[float, float]:
        """How many times as often there was more than ``least`` in a company, and as much more.

        Both are near 1 where little is known.
        """
        cases = list(past)
        excess = [min(one - self.least, MOST_EXCESS) for one in cases if one > self.least]
        often = (len(excess) + PRIOR_CASES) / (len(cases) * self.share + PRIOR_CASES)
        total = sum(excess) + PRIOR_CASES * self.mean
        return often, total / (len(excess) + PRIOR_CASES) / self.mean


USUAL_PAST_OWN = PastEvidence(least=-1.0, share=0.0076, mean=2.12)
USUAL_PAST_HOSTING = PastEvidence(least=0.5, share=0.0160, mean=1.46)

USUAL = ReturnPeriods(
    own=ReturnPeriod(intercept=-2.15, slope=1.155),
    hosting=ReturnPeriod(intercept=-4.26, slope=1.46),
)
"""The return periods of a usual company."""

MORE_EXPONENT = 2.0
"""How strongly evidence is measured by how much there was, fitted as well.

It is above 1, because the past counts for less than it says where it has few cases.
"""


def return_periods(own: Iterable[float], hosting: Iterable[float]) -> ReturnPeriods:
    """The return periods of a company, by the evidence as of earlier days.

    Both kinds of past evidence are used for both, because little is known from each. They never
    make evidence rarer than in a usual company: few or small cases may come from uneven weeks.

    Args:
        own: past evidence of all that people do themselves.
        hosting: of ``callsAsHost``.
    """
    own_often, own_more = USUAL_PAST_OWN.compare(own)
    hosting_often, hosting_more = USUAL_PAST_HOSTING.compare(hosting)
    often = max(own_often * hosting_often, 1.0)
    more = max((own_more * hosting_more) ** MORE_EXPONENT, 1.0)
    return ReturnPeriods(
        own=_shorter(USUAL.own, often, more), hosting=_shorter(USUAL.hosting, often, more)
    )


def _shorter(period: ReturnPeriod, often: float, more: float) -> ReturnPeriod:
    return ReturnPeriod(period.intercept - math.log(often), period.slope / more)
