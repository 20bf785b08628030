"""People unlike the simulator's: their weeks go well or badly without a reason.

The simulator's people have uneven days. Here whole weeks are multiplied by a random factor as well,
the same for all that a person does, and for some people it varies far more than for others. What
the study takes for the truth does not change. Rarity was not fitted to such people.
"""

from __future__ import annotations

import math
import random
from datetime import date
from functools import lru_cache

WEEK = 7
SHAPE, SPREAD = 8.0, 0.8
"""Of the Gamma distribution of a week's factor: four of five people are between 3 and 22."""


MOST = 120
"""No count of a day is larger."""


class UnevenWeeks:
    """The factor of each person's week; the same for the same seed.

    Args:
        seed: of the study.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._shape = lru_cache(maxsize=None)(self._draw_shape)
        self._factor = lru_cache(maxsize=100_000)(self._draw_factor)

    def scale(self, count: int, user_id: str, day: date, what: str) -> int:
        """What becomes of a day's count; rounded by chance, so that the mean is right."""
        if count == 0:
            return 0
        scaled = count * self._factor(user_id, day.toordinal() // WEEK)
        whole = math.floor(scaled)
        more = self._chance(user_id, day.toordinal(), what).random() < scaled - whole
        return min(whole + more, MOST)

    def _draw_shape(self, user_id: str) -> float:
        return SHAPE * math.exp(self._chance(user_id).gauss(0, SPREAD))

    def _draw_factor(self, user_id: str, week: int) -> float:
        shape = self._shape(user_id)
        return self._chance(user_id, week).gammavariate(shape, 1 / shape)

    def _chance(self, *key: object) -> random.Random:
        return random.Random(f"{self._seed} {key}")  # noqa: S311 -- made-up weeks, not a secret
