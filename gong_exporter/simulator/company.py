"""The company behind the simulated API: its people, and what they did on any day."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.simulator.events import Event, PlantedEvent, plant
from gong_exporter.simulator.records import COUNTERS, UserActivity


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, at the company."""

    user_id: str
    email: str
    name: str
    team: str


class SimulatedCompany:
    """A company of any size, the same for the same arguments."""

    def __init__(
        self,
        users: int,
        seed: int,
        time_zone: ZoneInfo,
        today: date,
        events: Sequence[Event] = (),
    ) -> None:
        self._seed = seed
        self._time_zone = time_zone
        chance = random.Random(f"people {seed}")  # noqa: S311 -- invented people, no secrets
        self._people = tuple(
            Person(
                str(10 ** (14 + n % 6) + chance.randrange(10 ** (14 + n % 6))),
                f"user{n}@example.com",
                f"User {n}",
                f"Team {n // 8}",
            )
            for n in range(users)
        )
        teams: dict[str, tuple[str, ...]] = {}
        for person in self._people:
            teams[person.team] = (*teams.get(person.team, ()), person.user_id)
        addresses = {person.email: person.user_id for person in self._people}
        self._events = tuple(plant(event, today, addresses, teams) for event in events)

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone in which the company counts its days."""
        return self._time_zone

    @property
    def people(self) -> Sequence[Person]:
        """Everyone, in the order of ``user_ids``."""
        return self._people

    @property
    def events(self) -> Sequence[PlantedEvent]:
        """What was planted: whom it concerns, from when to when."""
        return self._events

    @property
    def user_ids(self) -> Sequence[str]:
        """Everyone who ever was a user, by id, in the order in which answers list them."""
        return tuple(person.user_id for person in self._people)

    def activity(self, start: date, end: date) -> Sequence[UserActivity]:
        """The users with any activity in ``[start, end)``, in the order of ``user_ids``."""
        answers = (
            UserActivity(person.user_id, person.email, self.truth(person.user_id, start, end))
            for person in self._people
        )
        return [answer for answer in answers if any(answer.counters.values())]

    def truth(self, user_id: str, start: date, end: date) -> Mapping[str, int]:
        """Every counter of one user over ``[start, end)``."""
        total = dict.fromkeys(COUNTERS, 0)
        day = start
        while day < end:
            chance = random.Random(f"{self._seed} {user_id} {day}")  # noqa: S311 -- as above
            keeps = self._keeps(user_id, day) * (0.03 if day.weekday() >= 5 else 1.0)  # noqa: PLR2004 -- Saturday
            for name in COUNTERS:
                total[name] += int(keeps * chance.gammavariate(1.5, 1.2))
            day += timedelta(days=1)
        return total

    def _keeps(self, user_id: str, day: date) -> float:
        return min(
            (
                event.keeps
                for event in self._events
                if user_id in event.user_ids and event.start <= day < event.end
            ),
            default=1.0,
        )
