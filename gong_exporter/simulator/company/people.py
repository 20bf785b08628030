"""Who works at the simulated company: one person after the other in every seat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gong_exporter.simulator.company.chance import DAILY_SHAPES, NORMAL, Chance
from gong_exporter.simulator.company.layout import (
    Layout,
    Role,
    Seat,
    reorganisation_day,
    reorganised,
)
from gong_exporter.simulator.company.offices import Office
from gong_exporter.simulator.company.person_names import address_of, invent_name

_YEARS_IN_ROLE = {  # the scale of what is drawn
    Role.REPRESENTATIVE: 3.2,
    Role.ENGINEER: 3.8,
    Role.MANAGER: 4.4,
    Role.DIRECTOR: 5.5,
}
_SHORTEST_STAY_YEARS = 0.25
_STAY_SHAPE = 1.4
"""Of the Weibull distribution: few leave at once, most after a few years."""


_SPREADS = (2.6, 5.0, 5.0, 5.0, 2.6)
"""How many levels apart people are in each of their habits."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a person does more or less of than others with the same work, in levels.

    Attributes:
        calls: hosting and joining calls.
        own: listening to one's own calls.
        asks: asking for feedback.
        shares: sharing calls.
        reviews: listening to the calls of others.
    """

    calls: int
    own: int
    asks: int
    shares: int
    reviews: int


@dataclass(frozen=True, slots=True)
class Hire:
    """A person's time in a seat.

    Attributes:
        seat: the seat.
        hired: the first day, a Monday.
        left: the first day after the last.
        user_id: Gong's ``userId``, 15 to 20 digits.
        name: given name and surname.
        email: unlike everybody else's.
        habits: how this person differs from others.
        shape: of a day's counts, see ``DAILY_SHAPES``.
    """

    seat: Seat
    hired: date
    left: date
    user_id: str
    name: str
    email: str
    habits: Habits
    shape: float


@dataclass(frozen=True, slots=True)
class Employee:
    """A present, past or future employee of the company.

    Attributes:
        user_id: Gong's ``userId``.
        email: Gong's ``userEmailAddress``.
        name: given name and surname.
        team: the team's name, as of the company's today (or the last day of a leaver).
        manager: the manager's name, at the same time; empty for those without.
        manager_id: the manager's ``userId``; empty likewise.
        region: the sales region.
        role: what the work is.
        city: where the office is.
        hired: the first day.
        left: the first day after the last, past or to come.
    """

    user_id: str
    email: str
    name: str
    team: str
    manager: str
    manager_id: str
    region: str
    role: Role
    city: str
    hired: date
    left: date


def hire(layout: Layout, seed: int, until: date) -> tuple[Hire, ...]:
    """Everyone hired up to ``until``, in the order of their first days.

    A later ``until`` only adds people at the end.
    """
    chance = Chance(seed, "people")
    terms = sorted(
        (
            (hired, seat.number, turn, left)
            for seat in layout.seats
            for turn, hired, left in _terms(seat, chance, until)
        ),
        key=lambda term: term[:2],
    )
    addresses: set[str] = set()
    ids: set[str] = set()
    hires: list[Hire] = []
    for hired, number, turn, left in terms:
        given, first, second, *tilts, evenness = chance.draws((number, turn, 1), 9)
        name = invent_name(given, first, second)
        habits = (
            round(max(-2.0, min(NORMAL[tilt >> 8], 2.0)) * spread)
            for tilt, spread in zip(tilts, _SPREADS, strict=True)
        )
        hires.append(
            Hire(
                seat=layout.seats[number],
                hired=hired,
                left=left,
                user_id=_user_id(number, turn, chance, ids),
                name=name,
                email=address_of(name, addresses),
                habits=Habits(*habits),
                shape=DAILY_SHAPES[evenness * len(DAILY_SHAPES) >> 16],
            )
        )
    return tuple(hires)


class Staff:
    """Everyone, and who is where on any day."""

    def __init__(self, layout: Layout, seed: int, until: date) -> None:
        self.layout = layout
        self.hires = hire(layout, seed, until)
        self._by_seat: list[list[int]] = [[] for _ in layout.seats]
        for place, each in enumerate(self.hires):
            self._by_seat[each.seat.number].append(place)
        self._first_director = [seat.number for seat in layout.seats if seat.role is Role.DIRECTOR][
            :1
        ]
        self._team_of_seat = reorganised(layout, seed, until.year + 1)
        self._seats_of_team = {
            year: _grouped(teams, len(layout.teams)) for year, teams in self._team_of_seat.items()
        }

    def team_on(self, place: int, day: date) -> int:
        """The number of a person's team on a day."""
        return self._team_of_seat[self._year(day)][self.hires[place].seat.number]

    def members(self, team: int, start: date, end: date) -> Iterator[int]:
        """The places in ``hires`` of a team's people in ``[start, end)``, as it is at its start."""
        for number in self._seats_of_team[self._year(start)][team]:
            yield from self.holders(number, start, end)

    def holders(self, seat: int, start: date, end: date) -> Iterator[int]:
        """The places in ``hires`` of those who hold a seat on any day of ``[start, end)``."""
        for place in self._by_seat[seat]:
            one = self.hires[place]
            if one.hired < end and one.left > start:
                yield place

    def person(self, place: int, today: date) -> Employee:
        """A person as the company's directory shows them today."""
        one = self.hires[place]
        day = max(one.hired, min(today, one.left - timedelta(days=1)))
        team = self.layout.teams[self.team_on(place, day)]
        manager = self._manager(place, day)
        return Employee(
            user_id=one.user_id,
            email=one.email,
            name=one.name,
            team=team.name,
            manager=manager.name if manager else "",
            manager_id=manager.user_id if manager else "",
            region=_region(team.region, one.seat.office),
            role=one.seat.role,
            city=one.seat.office.city,
            hired=one.hired,
            left=one.left,
        )

    def _manager(self, place: int, day: date) -> Hire | None:
        """The nearest above who holds a seat that day: the team's manager, or its director."""
        one = self.hires[place]
        team = self.layout.teams[self.team_on(place, day)]
        above = [
            number
            for number in self._seats_of_team[self._year(day)][team.number]
            if self.layout.seats[number].role is Role.MANAGER
        ]
        above += [] if team.director is None else [team.director]
        if one.seat.role is Role.DIRECTOR:
            above = self._first_director
        if one.seat.number in above:
            above = above[above.index(one.seat.number) + 1 :]
        for number in above:
            for holder in self.holders(number, day, day + timedelta(days=1)):
                return self.hires[holder]
        return None

    def _year(self, day: date) -> int:
        """The year of the latest reorganisation."""
        year = day.year if day >= reorganisation_day(day.year) else day.year - 1
        return min(max(year, min(self._team_of_seat)), max(self._team_of_seat))


def _terms(seat: Seat, chance: Chance, until: date) -> Iterator[tuple[int, date, date]]:
    """Who follows whom in a seat: turn, first day, first day after the last."""
    start, turn = seat.opens, 0
    while True:
        stays, empty = chance.draws((seat.number, turn, 0), 2)
        hired = start + timedelta(days=-start.weekday() % 7)
        if hired > until:
            return
        luck = (-math.log((stays + 1) / 65537)) ** (1 / _STAY_SHAPE)
        years = _SHORTEST_STAY_YEARS + luck * _YEARS_IN_ROLE[seat.role]
        left = hired + timedelta(days=round(years * 365.25))
        left += timedelta(days=(5 - left.weekday()) % 7)  # Friday is the last day
        yield turn, hired, left
        start, turn = left + timedelta(days=10 + empty * 70 // 65536), turn + 1


def _user_id(seat: int, turn: int, chance: Chance, taken: set[str]) -> str:
    """An id of 15 to 20 digits: some are beyond 53 bits, some beyond 64, as Gong's may be."""
    attempt = 0
    while True:
        length, *parts = chance.draws((seat, turn, 2, attempt), 6)
        number = 0
        for part in parts:
            number = number << 16 | part
        digits = 15 + length * 6 // 65536
        user_id = str(10 ** (digits - 1) + number % (9 * 10 ** (digits - 1)))
        if user_id not in taken:
            taken.add(user_id)
            return user_id
        attempt += 1


def _grouped(teams: tuple[int, ...], count: int) -> tuple[tuple[int, ...], ...]:
    seats: list[list[int]] = [[] for _ in range(count)]
    for seat, team in enumerate(teams):
        seats[team].append(seat)
    return tuple(tuple(each) for each in seats)


def _region(team_region: str, office: Office) -> str:
    return office.region if team_region == "Global" else team_region
