"""The company under study, with true drops planted in it; the same for the same arguments."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.snapshot import metric_name
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from tools.study.counts import Day, company_days, monthly_rosters
from tools.study.score import Planted

ZONE = ZoneInfo("America/New_York")
LENGTHS = (10, 14, 21)
"""Days that a planted slump lasts."""

SETTLED = timedelta(days=120)
STAYS = timedelta(days=45)
ROOM = timedelta(days=60)
"""Slumps are of people long enough there, who do not leave soon after; and of a team, so far
apart that the three weeks before each are as usual."""

BASELINE = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Study:
    """A company and the truth about it.

    Attributes:
        days: every day, with its windows.
        users: planted slumps of single users, those of their teams' slumps included.
        teams: planted slumps of teams.
        left: the day after each user's last.
    """

    days: Sequence[Day]
    users: Sequence[Planted]
    teams: Sequence[Planted]
    left: Mapping[str, date]


def study(users: int, days: int, seed: int, today: date) -> Study:
    """A company of ``users`` over the ``days`` up to ``today``.

    A slump leaves a quarter. In a year 16 of 100 people have one, and every sixth team.
    """
    first = today - timedelta(days=days - 1)
    calm = SimulatedCompany(users, seed, ZONE, today)
    chance = random.Random(seed)  # noqa: S311 -- which drops are planted, not a secret
    events = [
        *_user_slumps(calm, chance, round(users * 0.16 * days / 365), first, days),
        *_team_slumps(calm, chance, round(len(calm.teams) / 6 * days / 365), days),
    ]
    company = SimulatedCompany(users, seed, ZONE, today, events)
    rosters = monthly_rosters(calm, users, seed, first, days)
    planted = [
        Planted(user_id, each.start, each.end, _usual(company, (user_id,), each.start))
        for each in company.events
        for user_id in each.user_ids
    ]
    teams = [
        Planted(each.event.who, each.start, each.end, _usual(company, each.user_ids, each.start))
        for each in company.events
        if each.event.kind is EventKind.TEAM_SLUMP
    ]
    return Study(
        tuple(company_days(company, rosters, first, days)),
        planted,
        teams,
        {person.user_id: person.left for person in company.people},
    )


def _user_slumps(
    company: SimulatedCompany, chance: random.Random, wanted: int, first: date, days: int
) -> list[Event]:
    """At most one a person."""
    events: list[Event] = []
    for person in chance.sample(list(company.people), len(company.people)):
        length, ago = chance.choice(LENGTHS), chance.randrange(days)
        end = company.today - timedelta(days=ago)
        start = end - timedelta(days=length)
        there = person.hired + SETTLED <= start and end + STAYS <= person.left
        if len(events) < wanted and there and start >= first:
            events.append(Event(EventKind.SLUMP, person.user_id, length, ago))
    return events


def _team_slumps(
    company: SimulatedCompany, chance: random.Random, wanted: int, days: int
) -> list[Event]:
    """One at a time."""
    ends = range(10, days - ROOM.days, ROOM.days)
    chosen = chance.sample(list(ends), min(wanted, len(ends)))
    teams = chance.sample(list(company.teams)[:-1] or list(company.teams), len(company.teams) - 1)
    return [
        Event(EventKind.TEAM_SLUMP, team, chance.choice(LENGTHS), ago)
        for team, ago in zip(teams, chosen, strict=False)
    ]


def _usual(company: SimulatedCompany, user_ids: Sequence[str], day: date) -> dict[str, float]:
    """A week's counts in the four weeks before a day."""
    sums: dict[str, float] = {}
    for user_id in user_ids:
        for counter, n in company.truth(user_id, day - BASELINE, day).items():
            sums[metric_name(counter)] = sums.get(metric_name(counter), 0) + n / 4
    return sums
