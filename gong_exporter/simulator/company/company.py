"""The company behind the simulated API: its people, what they did on any day, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache
from operator import add
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.attendance import SPAN, Attendances
from gong_exporter.simulator.company.directory import directory
from gong_exporter.simulator.company.events import Event, EventKind, PlantedEvent, plant
from gong_exporter.simulator.company.layout import FOUNDED, Role, lay_out
from gong_exporter.simulator.company.offices import DAYS_A_WEEK
from gong_exporter.simulator.company.people import Employee, Staff
from gong_exporter.simulator.company.tally import Tally, tally
from gong_exporter.simulator.company.teamwork import TeamWeek
from gong_exporter.simulator.records import COUNTERS, WIDTH, ApiUserActivity, DirectoryUser

KEPT_TALLIES = 16_000
KEPT_WEEKS = 12
"""Teams' weeks that can be counted over any days, 4.3 kB each: so many, or so many of each team."""

KEPT_TOTALS = 150_000
"""Teams' weeks of which only the total is kept, 0.5 kB each."""

_NEWCOMERS = timedelta(days=366)
_NOTHING = (0,) * WIDTH


class SimulatedCompany:
    """A sales organisation of any size, the same for the same arguments.

    Its past belongs to the calendar: with another ``today`` only the events move, since they are
    relative to it. A simulator that runs on keeps the ``today`` of its start: for a year the days
    after it are there to be asked for, with the newcomers they bring.

    Safe to use from several threads.

    Attributes:
        seed: the seed that it was made from.
        time_zone: the zone in which the company counts its days.
        today: the day that the events are relative to, and on which the people are described.
        events: what was planted: whom it concerns, from when to when.
        teams: the names of the teams, by number.
        user_ids: everyone who ever was a user, by id, in the order in which responses list them.
            That is the order of their first days. Newcomers of the year after ``today`` are among
            them, for the days to come.
    """

    def __init__(
        self,
        users: int,
        seed: int,
        time_zone: ZoneInfo,
        today: date,
        events: Sequence[Event] = (),
        *,
        quiet_year_end: bool = True,
    ) -> None:
        """Found the company and plant the events.

        Args:
            users: how many people work there in the middle of 2026; fewer before, some more later.
            seed: the same seed gives the same company.
            time_zone: the zone in which the company counts its days.
            today: the day that events are relative to.
            events: what to plant.
            quiet_year_end: whether most people are away or do little from 19 December to 6 January.
                Public holidays are kept in any case.

        Raises:
            ValueError: ``users`` is less than one, or an event has no user.
        """
        self.seed = seed
        self.time_zone = time_zone
        self.today = today
        layout = lay_out(users, seed)
        self._staff = Staff(layout, seed, today + _NEWCOMERS)
        self.teams = tuple(team.name for team in layout.teams)
        self.user_ids = tuple(hire.user_id for hire in self._staff.hires)
        self._places = {user_id: place for place, user_id in enumerate(self.user_ids)}
        self.events = tuple(self._plant(event) for event in events)
        self._attendances = Attendances(
            self._staff, seed, time_zone, self._events_by_place(), quiet_year_end=quiet_year_end
        )
        kept = max(KEPT_TALLIES, KEPT_WEEKS * len(layout.teams))
        self._tally = lru_cache(maxsize=kept)(self._count_week)
        self._total = lru_cache(maxsize=KEPT_TOTALS)(self._total_week)

    @cached_property
    def people(self) -> Sequence[Employee]:
        """Everyone in ``user_ids``, as the directory shows them on ``today``."""
        return tuple(self._staff.person(place, self.today) for place in range(len(self.user_ids)))

    def directory(self, today: date) -> Sequence[DirectoryUser]:
        """The users as ``GET /v2/users`` shows them, deactivated ones included."""
        return directory(self.people, today)

    def activity(
        self, start: date, end: date, teams: Sequence[str] | None = None
    ) -> Sequence[ApiUserActivity]:
        """The users with any activity in ``[start, end)``, in the order of ``user_ids``.

        Args:
            start: the first day.
            end: the day after the last.
            teams: count only what is done in these teams' weeks; ``None`` for all.
        """
        counts: dict[int, list[int]] = {}
        nothing = list(_NOTHING)
        numbers = [
            number for number, name in enumerate(self.teams) if teams is None or name in teams
        ]
        for monday in self._mondays(start, end):
            for team in numbers:
                places, share = self._share(team, monday, start, end)
                lane = 0
                for place in places:
                    counts[place] = list(
                        map(add, counts.get(place, nothing), share[lane : lane + WIDTH])
                    )
                    lane += WIDTH
        hires = self._staff.hires
        return [
            ApiUserActivity(
                hires[place].user_id,
                hires[place].email,
                dict(zip(COUNTERS, counts[place], strict=True)),
            )
            for place in sorted(counts)
            if any(counts[place])
        ]

    def truth(self, user_id: str, start: date, end: date) -> Mapping[str, int]:
        """Every counter of one user over ``[start, end)``; zeros where nothing was done.

        Raises:
            KeyError: no user has that id.
        """
        place = self._places[user_id]
        counts = list(_NOTHING)
        for monday in self._mondays(start, end):
            for team in self._teams_of(place, monday):
                places, share = self._share(team, monday, start, end)
                if place in places:
                    lane = places.index(place) * WIDTH
                    counts = list(map(add, counts, share[lane : lane + WIDTH]))
        return dict(zip(COUNTERS, counts, strict=True))

    def level(self, user_id: str, monday: date) -> int:
        """How many levels more calls than usual a user has in a week, before chance.

        This is the truth behind the counts: form, settling in and notice, without events, leave
        and the calendar.

        Raises:
            KeyError: no user has that id.
        """
        place = self._places[user_id]
        return self._attendances.level(place, self._staff.team_on(place, monday), monday)

    def _share(
        self, team: int, monday: date, start: date, end: date
    ) -> tuple[tuple[int, ...], Sequence[int]]:
        """What a team's week adds to a range: its workers, and ``WIDTH`` counts for each."""
        sunday = monday.toordinal() - 1
        begin, stop = start.toordinal() - sunday, end.toordinal() - sunday
        if begin <= 0 and stop >= SPAN:
            return self._total(team, monday)
        week = self._tally(team, monday)
        return week.places, week.count(begin, stop)

    def team_week(self, team: int, monday: date) -> TeamWeek:
        """A week of the team with this number in ``teams``, worker by worker."""
        teams = self._staff.layout.teams
        return TeamWeek(teams[team], monday, self._staff, self._attendances)

    def _count_week(self, team: int, monday: date) -> Tally:
        return tally(self.team_week(team, monday))

    def _total_week(self, team: int, monday: date) -> tuple[tuple[int, ...], Sequence[int]]:
        week = self._tally(team, monday)
        return week.places, week.count(0, SPAN)

    def _teams_of(self, place: int, monday: date) -> Iterator[int]:
        """The teams in whose week a user may take part."""
        yield self._staff.team_on(place, monday)
        seat = self._staff.hires[place].seat
        if seat.role is Role.DIRECTOR:
            for team in self._staff.layout.teams:
                if team.director == seat.number:
                    yield team.number

    def _plant(self, event: Event) -> PlantedEvent:
        """Find out whom an event means: a team's are those in it on any of the days."""
        end = self.today - timedelta(days=event.ago)
        start = end - timedelta(days=event.days)
        teams: dict[str, tuple[str, ...]] = {}
        if event.kind is not EventKind.CLOSURE:
            teams = {
                team.name: tuple(dict.fromkeys(self._members(team.number, start, end)))
                for team in self._staff.layout.teams
            }
        addresses = {hire.email: hire.user_id for hire in self._staff.hires}
        return plant(event, self.today, addresses, teams)

    def _members(self, team: int, start: date, end: date) -> Iterator[str]:
        for monday in self._mondays(start, end):
            first, last = max(monday, start), min(monday + timedelta(days=DAYS_A_WEEK), end)
            if first < last:
                for place in self._staff.members(team, first, last):
                    yield self._staff.hires[place].user_id

    def _events_by_place(self) -> Mapping[int, Sequence[PlantedEvent]]:
        events: dict[int, list[PlantedEvent]] = {}
        for event in self.events:
            for user_id in event.user_ids:
                events.setdefault(self._places[user_id], []).append(event)
        return events

    def _mondays(self, start: date, end: date) -> Iterator[date]:
        """The Mondays of all weeks whose calls may be met on a day of ``[start, end)``."""
        if start >= end:
            return
        first = max(start, FOUNDED) - timedelta(days=SPAN - 2)
        monday = first + timedelta(days=-first.weekday() % DAYS_A_WEEK)
        while monday <= min(end, self.today + _NEWCOMERS):
            yield monday
            monday += timedelta(days=DAYS_A_WEEK)
