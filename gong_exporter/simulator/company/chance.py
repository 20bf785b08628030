"""Chance that can be asked again: draws by key, and counts that vary as people's work does."""

from __future__ import annotations

import hashlib
import math
import struct
from functools import cache
from itertools import accumulate, pairwise
from statistics import NormalDist

OCTAVE = 8
"""Levels to a doubling: one level up is 9% more."""

LEVELS = 81
LOWEST_MEAN = 0.02
"""The mean count of level 0; level 80, the highest, is 20 a day."""

MOST = 36
"""No count of a day, or of a week's reviews, is larger."""

DAILY_SHAPES = tuple(
    round(4 * math.exp(0.8 * NormalDist().inv_cdf((n + 0.5) / 16)), 1) for n in range(16)
)
"""Shapes of the negative binomial of a day's count: the smaller, the more uneven.

People differ: a log-normal distribution around 4, with four of five people between 1.5 and 12.
"""

WEEKLY_SHAPE = 2.5
"""The same for a week's count of everything that is not a call, for everybody."""

NORMAL = tuple(NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256))
"""For each value of a random byte, its quantile of the normal distribution."""


class Chance:
    """Draws that depend on nothing but the seed and the key, in whatever order they are asked.

    ``hashlib``'s SHAKE gives as many bytes as needed for one key, the first ones always the same;
    a ``random.Random`` takes ten times as long to seed.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._start = hashlib.shake_128(f"{purpose} {seed}\n".encode())

    def draws(self, key: tuple[int, ...], count: int) -> tuple[int, ...]:
        """``count`` whole numbers from 0 to 65,535, the first ones the same for any ``count``."""
        shake = self._start.copy()
        shake.update(struct.pack(f"<{len(key)}q", *key))
        return struct.unpack(f"<{count}H", shake.digest(2 * count))


def level_of(mean: float) -> int:
    """The level whose mean count is nearest to ``mean``."""
    return round(OCTAVE * math.log2(mean / LOWEST_MEAN))


@cache
def count_tables(shape: float) -> tuple[bytes, ...]:
    """For each level, the count that belongs to each value of a random byte.

    A negative binomial: the variance is ``mean + mean**2 / shape``.
    """
    return tuple(
        _count_table(LOWEST_MEAN * 2 ** (level / OCTAVE), shape) for level in range(LEVELS)
    )


def _count_table(mean: float, shape: float) -> bytes:
    stays = shape / (shape + mean)
    chances = [stays**shape]
    for count in range(1, MOST):
        chances.append(chances[-1] * (count - 1 + shape) / count * (1 - stays))
    shares = list(accumulate(chances))
    table = bytearray()
    count = 0
    for byte in range(256):
        while count < MOST - 1 and shares[count] < (byte + 0.5) / 256:
            count += 1
        table.append(count)
    return bytes(table)


def choice_table(weights: tuple[float, ...]) -> bytes:
    """For each value of a random byte, one of the places in ``weights``, as often as it weighs."""
    marks = [0, *(round(256 * share / sum(weights)) for share in accumulate(weights))]
    return b"".join(
        bytes([place]) * (end - begin) for place, (begin, end) in enumerate(pairwise(marks))
    )
