"""How the simulated company is organised: teams, the seats in them, growth, reorganisations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gong_exporter.simulator.company.chance import Chance
from gong_exporter.simulator.company.offices import OFFICES, Office

FOUNDED = date(2016, 1, 4)
FIRST_SHARE = 0.3
FIRST_DAYS = 3 * 365
"""The first three years: three of ten seats open."""

STEEPEST_DAY = 6 * 365
GROWTH_DAYS = 560
"""Then most growth is in 2022: half as much again in two years, a few in a hundred since 2025."""

TEAM_SIZE = 8
TEAMS_OF_A_DIRECTOR = 8
LEADERSHIP = "Sales Leadership"
SEATS_PER_USER = 1.06
"""Some seats are still to open, and some stand empty between two people."""

_REGION_CYCLE = ("Americas", "EMEA", "Americas", "EMEA", "APAC", "Americas")
_MOVES = 0.12
"""The share of representatives' seats that change teams at a reorganisation."""


class Role(StrEnum):
    """The kind of a person's work."""

    REPRESENTATIVE = "representative"
    MANAGER = "manager"
    ENGINEER = "solutions engineer"
    DIRECTOR = "director"


@dataclass(frozen=True, slots=True)
class Segment:
    """A kind of sales team.

    Attributes:
        name: as in the names of its teams.
        hosted: recorded calls that a representative hosts on an ordinary day.
        engineers: whether its teams have a solutions engineer, who joins the calls.
    """

    name: str
    hosted: float
    engineers: bool


SEGMENTS = (
    Segment("Enterprise", 1.9, engineers=True),
    Segment("Mid-Market", 2.7, engineers=True),
    Segment("Business Development", 4.2, engineers=False),
    Segment("Small Business", 3.6, engineers=False),
    Segment("Customer Success", 2.1, engineers=True),
)
NO_SEGMENT = Segment(LEADERSHIP, 0.4, engineers=False)


@dataclass(frozen=True, slots=True)
class Team:
    """A team.

    Attributes:
        number: its place among the teams; the leadership is the last.
        name: unique in the company.
        region: where it sells.
        segment: what kind of team it is.
        office: where most of it sits.
        director: the seat of its director; ``None`` where there is none.
    """

    number: int
    name: str
    region: str
    segment: Segment
    office: Office
    director: int | None


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in the company, held by one person after the other.

    Attributes:
        number: its place among the seats.
        role: the work of the person who holds it.
        team: the number of the team that it opens in.
        office: where the person who holds it works.
        opens: the day from which it can be held.
    """

    number: int
    role: Role
    team: int
    office: Office
    opens: date


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole organisation, over all of its time."""

    teams: tuple[Team, ...]
    seats: tuple[Seat, ...]


def lay_out(users: int, seed: int) -> Layout:
    """The organisation of a company that has ``users`` people in the middle of 2026.

    Raises:
        ValueError: ``users`` is less than one.
    """
    if users < 1:
        raise ValueError(f"a company needs at least one user, not {users}")
    wanted = max(1, round(users * SEATS_PER_USER))
    count = max(1, round(wanted / TEAM_SIZE))
    regions = [_REGION_CYCLE[n % len(_REGION_CYCLE)] for n in range(count)]
    led_by = _directors(regions)
    directors = len(set(led_by) - {None})
    sizes = _share_out(wanted - directors, count)
    teams = _teams(
        regions, [None if each is None else wanted - directors + each for each in led_by]
    )
    drafts = [
        (number / count * 0.7 + 0.3 * max(0, place - 3) / size, number, place)
        for number, size in enumerate(sizes)
        for place in range(size)
    ]
    drafts += [(led_by.index(n) / count, count, n) for n in range(directors)]
    opens = {draft: _opening(rank, len(drafts)) for rank, draft in enumerate(sorted(drafts))}
    chance = Chance(seed, "offices")
    seats = tuple(
        _seat(number, draft[1:], teams=teams, sizes=sizes, opens=opens[draft], chance=chance)
        for number, draft in enumerate(drafts)
    )
    return Layout(teams, seats)


def reorganised(layout: Layout, seed: int, until: int) -> dict[int, tuple[int, ...]]:
    """For each year from the first to ``until``, the team of every seat after its reorganisation.

    Every February some representatives change places with others of their region; who is where
    in one year does not depend on how many years are asked for.
    """
    chance = Chance(seed, "reorganisations")
    teams = [seat.team for seat in layout.seats]
    years = {FOUNDED.year: tuple(teams)}
    for year in range(FOUNDED.year + 1, until + 1):
        day = reorganisation_day(year)
        for region in dict.fromkeys(team.region for team in layout.teams):
            open_now = [
                seat.number
                for seat in layout.seats
                if seat.role is Role.REPRESENTATIVE
                and seat.opens < day
                and layout.teams[seat.team].region == region
            ]
            order = sorted(open_now, key=lambda number: chance.draws((year, number), 2))
            moving = order[: round(len(order) * _MOVES) // 2 * 2]
            for one, other in zip(moving[::2], moving[1::2], strict=True):
                teams[one], teams[other] = teams[other], teams[one]
        years[year] = tuple(teams)
    return years


def reorganisation_day(year: int) -> date:
    """The first Monday of February."""
    first = date(year, 2, 1)
    return first + timedelta(days=-first.weekday() % 7)


def _directors(regions: list[str]) -> list[int | None]:
    """Which director leads each team: none, one for all, or one for some teams of a region."""
    if len(regions) < 3:  # noqa: PLR2004 -- one or two teams
        return [None] * len(regions)
    if len(regions) < TEAMS_OF_A_DIRECTOR * 1.5:
        return [0] * len(regions)
    seen: dict[str, int] = {}
    numbers: dict[tuple[str, int], int] = {}
    led_by: list[int | None] = []
    for region in regions:
        block = region, seen.get(region, 0) // TEAMS_OF_A_DIRECTOR
        seen[region] = seen.get(region, 0) + 1
        led_by.append(numbers.setdefault(block, len(numbers)))
    return led_by


def _teams(regions: list[str], directors: list[int | None]) -> tuple[Team, ...]:
    teams: list[Team] = []
    seen: dict[str, int] = {}
    for number, region in enumerate(regions):
        place = seen.get(region, 0)
        seen[region] = place + 1
        segment = SEGMENTS[place % len(SEGMENTS)]
        again = place // len(SEGMENTS)
        offices = [office for office in OFFICES if office.region == region]
        teams.append(
            Team(
                number,
                f"{segment.name} {region}" + (f" {again + 1}" if again else ""),
                region,
                segment,
                offices[(place + again) % len(offices)],
                directors[number],
            )
        )
    teams.append(Team(len(teams), LEADERSHIP, "Global", NO_SEGMENT, OFFICES[0], None))
    return tuple(teams)


def _seat(
    number: int,
    where: tuple[int, int],
    *,
    teams: tuple[Team, ...],
    sizes: list[int],
    opens: date,
    chance: Chance,
) -> Seat:
    team, place = teams[where[0]], where[1]
    if team.name == LEADERSHIP:
        led = next(each for each in teams if each.director == number)
        return Seat(number, Role.DIRECTOR, team.number, led.office, opens)
    size = sizes[team.number]
    role = Role.REPRESENTATIVE
    if place == 0 and size >= 3:  # noqa: PLR2004 -- two people need no manager
        role = Role.MANAGER
    elif place == 3 and size >= 5 and team.segment.engineers:  # noqa: PLR2004 -- the fourth of five
        role = Role.ENGINEER
    near = [office for office in OFFICES if office.region == team.region]
    elsewhere, which = chance.draws((number,), 2)
    away = role is not Role.MANAGER and elsewhere < 0.2 * 65536
    return Seat(
        number, role, team.number, near[which * len(near) >> 16] if away else team.office, opens
    )


def _opening(rank: int, seats: int) -> date:
    """When the seat of a rank opens: a third in the first years, the rest along an S-shaped curve.

    The curve is steepest in the middle; since it belongs to the calendar and not to the day on
    which it is looked at, the past stays what it was.
    """
    share = rank / seats
    if share < FIRST_SHARE:
        return FOUNDED + timedelta(days=round(share / FIRST_SHARE * FIRST_DAYS))
    left = (share - FIRST_SHARE) / (1 - FIRST_SHARE)
    late = GROWTH_DAYS * math.log(left / (1 - left)) if left > 0 else -math.inf
    return FOUNDED + timedelta(days=round(max(STEEPEST_DAY + late, FIRST_DAYS)))


def _share_out(seats: int, teams: int) -> list[int]:
    """So many seats for each team, differing by at most one."""
    return [seats // teams + (number < seats % teams) for number in range(teams)]
