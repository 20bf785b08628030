"""How rarely chance alone brings so much evidence for a drop.

Fitted on simulated companies without drops, so that a person's alert on the rarer of both kinds is
wrong as often as the return period says: a person has two chances, hence each kind's own period is
almost halved. ``make study`` checks it on other companies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """How rarely chance alone brings so much evidence, fitted on simulated companies.

    Attributes:
        intercept: of the logarithm of the years.
        slope: likewise, per unit of evidence.
    """

    intercept: float
    slope: float
    most: float = 100.0

    def years(self, evidence: float) -> float:
        """By chance, one person has this evidence once in so many years; at most 100."""
        return min(self.uncapped_years(evidence), self.most)

    def uncapped_years(self, evidence: float) -> float:
        """The same without the cap, beyond which nothing was fitted."""
        return math.exp(min(self.intercept + self.slope * evidence, 700.0))


OWN_ACTIVITY_YEARS = ReturnPeriod(intercept=-3.72, slope=0.97)
HOSTING_YEARS = ReturnPeriod(intercept=-4.30, slope=1.58)
