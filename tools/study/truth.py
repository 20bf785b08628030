"""The truth about a simulated company: why somebody's counts are low, if there is a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.drops.dispersion import WEEK
from gong_exporter.drops.evidence import WINDOWS
from gong_exporter.simulator.company.chance import OCTAVE
from gong_exporter.simulator.company.events import PlantedEvent
from gong_exporter.simulator.company.offices import OFFICES, SATURDAY, holidays
from gong_exporter.simulator.company.people import Employee
from tools.study.plan import Study

RECENT = 10
"""Days before an alert in which a reason for it is looked for."""

TEN_WEEKS = 70
REALLY_LOWER = 0.7
NOTICE = timedelta(days=28)
NEW = timedelta(weeks=17)
AWAY_DAYS = 2
DAYS_A_YEAR = 365.25

AFTER = timedelta(days=7)
"""An alert so soon after the end of a slump is still right."""

AFTERMATH = timedelta(days=HISTORY_DAYS)
"""Until the slump has left the history, the person counts neither for nor against the detector."""

MANY_HOSTED = 12
"""Hosted calls a week from which a person's fortnight can prove something."""

LONGEST_WINDOW = timedelta(days=max(WINDOWS))
"""What was usual is counted before it."""

_COUNTRIES = {office.city: office.country for office in OFFICES}


class Cause(StrEnum):
    """What is behind an alert; the first that applies, in this order.

    From NEW_HIRE on the alert is wrong: the true rate is at least 70 % of the ten weeks before.
    """

    PLANTED = "planted slumps"
    AFTERMATH = "aftermath"
    MEMBER = "planted slumps of a member"
    LEAVER = "leavers"
    REALLY_LOWER = "really lower"
    NEW_HIRE = "new hire"
    TURN_OF_THE_YEAR = "turn of the year"
    HOLIDAY = "public holiday"
    AWAY = "away for two days or more"
    CHANCE = "chance"


WRONG = (Cause.NEW_HIRE, Cause.TURN_OF_THE_YEAR, Cause.HOLIDAY, Cause.AWAY, Cause.CHANCE)


class Truth:
    """What really happened in the company of a study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.company = study.company()
        self.people: Mapping[str, Employee] = {one.user_id: one for one in self.company.people}
        self.counts = study.counts(self.company, study.history_start, study.today)
        self._causes: dict[tuple[str, date], Cause] = {}
        self.of_person: dict[str, list[PlantedEvent]] = defaultdict(list)
        self.of_team: dict[str, list[PlantedEvent]] = defaultdict(list)
        for event in self.company.events:
            for user_id in event.user_ids:
                self.of_person[user_id].append(event)
            if event.event.who in self.company.teams:
                self.of_team[event.event.who].append(event)

    def cause(self, user_id: str, day: date) -> Cause:
        """Why an alert about a person fires, as of its newest day."""
        if (user_id, day) not in self._causes:
            self._causes[user_id, day] = self._find_cause(user_id, day)
        return self._causes[user_id, day]

    def _find_cause(self, user_id: str, day: date) -> Cause:
        person = self.people[user_id]
        if planted := planted_cause(self.of_person.get(user_id, ()), day):
            return planted
        applies = {
            Cause.LEAVER: person.left - day <= NOTICE,
            Cause.REALLY_LOWER: self._rate(user_id, day) < REALLY_LOWER,
            Cause.NEW_HIRE: day - person.hired < NEW,
            Cause.TURN_OF_THE_YEAR: turn_of_the_year(day),
            Cause.HOLIDAY: any(self._is_holiday(person, one) for one in _recent(day)),
            Cause.AWAY: self._days_away(user_id, day) >= AWAY_DAYS,
        }
        return next((one for one, holds in applies.items() if holds), Cause.CHANCE)

    def team_cause(self, team: str, day: date) -> Cause:
        """Why an alert about a team fires; without a reason, the turn of the year or chance.

        A member's slump is a reason, even if the team is down by chance in the same week.
        """
        if planted := planted_cause(self.of_team.get(team, ()), day):
            return planted
        members = (one for one, of in self._rosters[day.replace(day=1)].items() if of == team)
        slumps = (planted_cause(self.of_person.get(one, ()), day) for one in members)
        if Cause.PLANTED in slumps:
            return Cause.MEMBER
        return Cause.TURN_OF_THE_YEAR if turn_of_the_year(day) else Cause.CHANCE

    @cached_property
    def _rosters(self) -> Mapping[date, Mapping[str, str]]:
        return self.study.rosters()

    @cached_property
    def person_years(self) -> float:
        """Years of people in which an alert would be wrong, or somebody really lower."""
        first, end = self.study.first, self.study.today
        return (
            sum(
                _clean_days(
                    self.of_person.get(user_id, ()), max(first, one.hired), min(end, one.left)
                )
                for user_id, one in self.people.items()
            )
            / DAYS_A_YEAR
        )

    @cached_property
    def team_years(self) -> float:
        """The same of teams."""
        first, end = self.study.first, self.study.today
        return (
            sum(_clean_days(self.of_team.get(team, ()), first, end) for team in self.company.teams)
            / DAYS_A_YEAR
        )

    def usual_hosting(self, user_id: str, day: date) -> float:
        """Hosted calls a week in the 28 days before a day."""
        ago = (self.study.today - day).days
        counts = self.counts.people.get(user_id)
        return sum(counts.hosted[ago : ago + 28]) / 4 if counts else 0.0

    def hosted_many(self, user_id: str, day: date) -> bool:
        """Whether MANY_HOSTED calls a week were usual before the longest window of a day."""
        return self.usual_hosting(user_id, day - LONGEST_WINDOW) >= MANY_HOSTED

    @cached_property
    def years_with_many_hosted(self) -> float:
        """The part of ``person_years`` of people with MANY_HOSTED calls a week; one day a week."""
        first, end = self.study.first, self.study.today
        weeks = sum(
            self.hosted_many(user_id, day)
            and planted_cause(self.of_person.get(user_id, ()), day) is None
            for user_id, one in self.people.items()
            for day in _each_week(max(first, one.hired), min(end, one.left))
        )
        return weeks * WEEK / DAYS_A_YEAR

    def _rate(self, user_id: str, day: date) -> float:
        """The true rate of the last days as a share of that of the ten weeks before."""
        recent = [self._true_rate(user_id, one) for one in _recent(day)]
        before = [
            self._true_rate(user_id, day - timedelta(days=RECENT + ago)) for ago in range(TEN_WEEKS)
        ]
        return sum(recent) / len(recent) / (sum(before) / len(before))

    def _true_rate(self, user_id: str, day: date) -> float:
        monday = day - timedelta(days=day.weekday())
        return float(2 ** (self.company.level(user_id, monday) / OCTAVE))

    def _days_away(self, user_id: str, day: date) -> int:
        active = self.counts.people[user_id].active
        return sum(
            one.weekday() < SATURDAY and not active[(self.study.today - one).days - 1]
            for one in _recent(day)
        )

    def _is_holiday(self, person: Employee, day: date) -> bool:
        return day.weekday() < SATURDAY and day in holidays(_COUNTRIES[person.city], day.year)


def planted_cause(events: Sequence[PlantedEvent], day: date) -> Cause | None:
    """Whether something that was planted explains an alert, as of its newest day."""
    if any(event.start <= day < event.end + AFTER for event in events):
        return Cause.PLANTED
    if any(event.start <= day < event.end + AFTERMATH for event in events):
        return Cause.AFTERMATH
    return None


def turn_of_the_year(day: date) -> bool:
    """Whether the days before an alert touch the quiet weeks around New Year."""
    return any(
        (one.month, one.day) >= (12, 20) or (one.month, one.day) <= (1, 6) for one in _recent(day)
    )


def _recent(day: date) -> Iterator[date]:
    return (day - timedelta(days=ago) for ago in range(RECENT))


def _each_week(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(0, (end - first).days, WEEK))


def _clean_days(events: Sequence[PlantedEvent], first: date, end: date) -> int:
    return sum(
        planted_cause(events, first + timedelta(days=number)) is None
        for number in range((end - first).days)
    )
