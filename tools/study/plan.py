"""The companies under study, and what is planted in them; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from tools.study.days import DayCounts, UnevenWeeks

ZONE = ZoneInfo("America/New_York")

KINDS: Mapping[EventKind, tuple[int, Sequence[int]]] = {
    EventKind.SLUMP: (5, (10, 14, 21)),
    EventKind.HOSTING_SLUMP: (3, (10, 14, 21)),
    EventKind.HALF_SLUMP: (1, (14, 21)),
    EventKind.GRADUAL_SLUMP: (1, (28,)),
}
"""For each kind of a person's slump, how many of ten are planted, and how many days they last."""

TEAM_LENGTHS = (10, 14, 21)
YEAR = 365
SLUMPS_A_YEAR = 0.5
"""Planted slumps for each person and year: each hides about three months from the wrong ones."""

TEAM_SLUMPS = 0.5
"""Planted slumps for each team in all."""

TEAMS_PER_HALF_SLUMP = 3
"""Of so many teams, one falls to a half instead of a quarter."""

SETTLED = timedelta(days=120)
STAYS = timedelta(days=45)
APART = timedelta(days=60)
"""Slumps are of people long enough there, who do not leave soon after, and far enough apart."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is simulated.

    Attributes:
        users: how many people the company has.
        days: how many company days are evaluated.
        today: the day after the last of them.
        seed: of the company and of what is planted.
        uneven_weeks: whether whole weeks of people go well or badly without a reason.
    """

    users: int
    days: int
    today: date
    seed: int
    uneven_weeks: bool = False

    @property
    def first(self) -> date:
        """The first day that is evaluated; the history begins before it."""
        return self.today - timedelta(days=self.days)

    @property
    def history_start(self) -> date:
        """The first day of the history."""
        return self.first - timedelta(days=HISTORY_DAYS)

    def company(self) -> SimulatedCompany:
        """The company with its slumps of people and teams."""
        calm = SimulatedCompany(self.users, self.seed, ZONE, self.today)
        chance = random.Random(self.seed)  # noqa: S311 -- which drops are planted, not a secret
        teams = list(self._team_slumps(calm, chance))
        people = list(self._person_slumps(calm, chance, teams))
        return SimulatedCompany(self.users, self.seed, ZONE, self.today, [*teams, *people])

    def counts(self, company: SimulatedCompany, first: date, end: date) -> DayCounts:
        """What everybody in the company did on each of the days ``[first, end)``."""
        uneven = UnevenWeeks(self.seed) if self.uneven_weeks else None
        return DayCounts(company, first, end, uneven)

    def rosters(self) -> Mapping[date, Mapping[str, str]]:
        """The team of each user, from the first day of each month."""
        month = self.first.replace(day=1)
        found: dict[date, Mapping[str, str]] = {}
        while month < self.today:
            people = SimulatedCompany(self.users, self.seed, ZONE, month).people
            found[month] = {person.user_id: person.team for person in people}
            month = (month + timedelta(days=32)).replace(day=1)
        return found

    def _team_slumps(self, calm: SimulatedCompany, chance: random.Random) -> Iterator[Event]:
        for number, team in enumerate(calm.teams[:-1]):  # the last is the leadership
            length, ago = chance.choice(TEAM_LENGTHS), chance.randrange(self.days)
            if chance.random() < TEAM_SLUMPS and ago + length < self.days:
                to_a_half = number % TEAMS_PER_HALF_SLUMP == 0
                kind = EventKind.HALF_SLUMP if to_a_half else EventKind.TEAM_SLUMP
                yield Event(kind, team, length, ago)

    def _person_slumps(
        self, calm: SimulatedCompany, chance: random.Random, teams: Sequence[Event]
    ) -> Iterator[Event]:
        """At most one a person in each year, and none around a slump of the team."""
        team_slumps = {event.who: event for event in teams}
        kinds = [kind for kind, (share, _) in KINDS.items() for _ in range(share)]
        for person in calm.people:
            ended = date.min
            for start_ago in range(self.days, 0, -YEAR):
                kind = chance.choice(kinds)
                length = chance.choice(KINDS[kind][1])
                wanted, offset = chance.random() < SLUMPS_A_YEAR, chance.randrange(YEAR)
                start = self.today - timedelta(days=start_ago - offset)
                end = start + timedelta(days=length)
                near = team_slumps.get(person.team)
                if (
                    wanted
                    and end <= self.today
                    and person.hired + SETTLED <= start
                    and end + STAYS <= person.left
                    and (ended == date.min or ended + APART <= start)
                    and not (near and self._near(near, start, end))
                ):
                    ended = end
                    yield Event(kind, person.user_id, length, (self.today - end).days)

    def _near(self, event: Event, start: date, end: date) -> bool:
        event_end = self.today - timedelta(days=event.ago)
        event_start = event_end - timedelta(days=event.days)
        return event_start - APART < end and start < event_end + APART
