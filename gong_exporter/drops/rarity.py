"""How rarely chance alone brings so much evidence for a drop."""

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


OWN_ACTIVITY_YEARS = ReturnPeriod(intercept=-1.79, slope=0.79)
HOSTING_YEARS = ReturnPeriod(intercept=-2.79, slope=1.13)
