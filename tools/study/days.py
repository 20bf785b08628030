"""A simulated company's day counts, as the detector reads them; and people unlike the simulator's.

The simulator's people have uneven days. With uneven weeks, whole weeks are multiplied by a random
factor as well, the same for all that a person does, and for some people it varies far more than for
others. What the study takes for the truth does not change. Rarity was not fitted to such people.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.cli.demo_detector import read_day
from gong_exporter.drops.records import NO_TEAM, Person
from gong_exporter.simulator.company.company import SimulatedCompany

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


@dataclass(frozen=True, slots=True)
class Counts:
    """One person's counts on every day of a study, newest day first."""

    hosted: bytearray
    calls: bytearray
    contributions: bytearray
    listened: bytearray
    active: bytearray


class DayCounts:
    """Everybody's counts on every day from ``first`` up to, not including, ``end``.

    Attributes:
        people: everybody with any activity, by user id.
    """

    def __init__(
        self,
        company: SimulatedCompany,
        first: date,
        end: date,
        uneven: UnevenWeeks | None = None,
    ) -> None:
        self.end = end
        people: dict[str, Counts] = {}
        length = (end - first).days
        for ago in range(length):
            day = end - timedelta(days=ago + 1)
            found = read_day(company, day, most_teams=None)
            for user_id, counted in found.items():
                counts = people.get(user_id)
                if counts is None:
                    counts = Counts(*(bytearray(length) for _ in range(5)))
                    people[user_id] = counts
                hosted, calls, contributions, listened = counted
                others = calls - hosted
                if uneven:
                    hosted = uneven.scale(hosted, user_id, day, "hosted")
                    others = uneven.scale(others, user_id, day, "calls")
                    contributions = uneven.scale(contributions, user_id, day, "contributions")
                    listened = uneven.scale(listened, user_id, day, "listened")
                counts.hosted[ago] = hosted
                counts.calls[ago] = hosted + others
                counts.contributions[ago] = contributions
                counts.listened[ago] = listened
                counts.active[ago] = bool(hosted + others + contributions + listened)
        self.people: Mapping[str, Counts] = dict(sorted(people.items()))

    def history(self, newest: date, teams: Mapping[str, str]) -> Sequence[Person]:
        """What the exporter knows after a day: 84 days of everybody who was active in them.

        Args:
            newest: the last complete day.
            teams: the team of each user by the roster of that time.
        """
        ago = (self.end - newest).days - 1
        days = slice(ago, ago + HISTORY_DAYS)
        return [
            Person(
                user_id=user_id,
                team=teams.get(user_id, NO_TEAM),
                hosted=counts.hosted[days],
                calls=counts.calls[days],
                contributions=counts.contributions[days],
                listened=counts.listened[days],
                active=active,
            )
            for user_id, counts in self.people.items()
            if any(active := counts.active[days])
        ]
