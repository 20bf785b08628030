"""The company of the demo: two drops that alert on every date, and absences that do not.

Whether a slump shows depends on chance, leave and the season, so the detector itself is asked:
people and teams are tried until the alerts fire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

from gong_exporter.drops.detect import find
from gong_exporter.drops.rarity import HOSTING_YEARS, OWN_ACTIVITY_YEARS
from gong_exporter.drops.records import NO_TEAM, Findings, Person, PersonFindings
from gong_exporter.drops.thresholds import TEAM_EVIDENCE, USER_YEARS
from gong_exporter.simulator.company import people
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from gong_exporter.simulator.company.layout import Role
from gong_exporter.simulator.company.roster_file import on_the_roster

USERS = 48
SEED = 20

SLUMP_DAYS = (15, 11)
"""Tried in this order. An alert compares up to 14 days, and needs them on two days in a row."""

SILENT_DAYS = 8
"""More than the week after which a person counts as silent."""

LEAVE_DAYS = 5
HOLIDAY_AGO = 3
"""Days since the holiday of a team, at least; it is a weekday."""

ENOUGH_YEARS = 2 * USER_YEARS
"""Well above the threshold of the alert on users."""

ENOUGH_TEAM_EVIDENCE = TEAM_EVIDENCE + 1
"""Well above the threshold of the alert on teams."""

SMALLEST_TEAM = 3
CANDIDATES = 3
"""People who are tried with every team."""

LARGEST_CHOICE = 7
"""Teams to choose from, and to compare with; in a large company, all would take long."""

HISTORY_DAYS = 84
DISTURBED_DAYS = max(SLUMP_DAYS) + 8
"""Events change nothing before the week in which they begin."""

_CALLS = ("callsAsHost", "callsAttended", "ownCallsListenedTo")
_CONTRIBUTIONS = (
    "callsGaveFeedback",
    "callsRequestedFeedback",
    "callsSharedInternally",
    "callsSharedExternally",
    "callsCommentsGiven",
)

Counts = tuple[int, int, int, int]
"""Hosted calls, calls, contributions, and 1: the person is active."""

Day = Mapping[str, Counts]
"""What everybody active did on a day, by user id."""

NOTHING = (0, 0, 0, 0)


def demo_company(
    time_zone: ZoneInfo, today: date, users: int = USERS, seed: int = SEED
) -> SimulatedCompany:
    """The demo's company, its events included.

    Raises:
        ValueError: ``users`` is less than one.
    """
    undisturbed = SimulatedCompany(users, seed, time_zone, today)

    def with_events(events: Sequence[Event]) -> SimulatedCompany:
        return SimulatedCompany(users, seed, time_zone, today, events)

    return Choice(undisturbed, with_events, lambda day: read_day(undisturbed, day)).company()


def summary(company: SimulatedCompany) -> str:
    """Who dropped and who is only away, in one line."""
    names = {person.user_id: f"{person.name} ({person.team})" for person in company.people}
    return "; ".join(
        f"{names.get(planted.event.who, planted.event.who)} {planted.event.kind} "
        f"for {planted.event.days} days".lstrip()
        for planted in company.events
    )


def read_day(company: SimulatedCompany, day: date) -> Day:
    """A day of the teams to choose from."""
    found = company.activity(day, day + timedelta(days=1), company.teams[:LARGEST_CHOICE])
    return {user.user_id: _counts(user.counters) for user in found}


def years(person: PersonFindings) -> float:
    """By chance, so little happens to one person once in so many years."""
    kinds = (OWN_ACTIVITY_YEARS, person.own_activity), (HOSTING_YEARS, person.hosting)
    return max(kind.uncapped_years(found.evidence) if found else 0.0 for kind, found in kinds)


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses whom the demo's events are about.

    Attributes:
        undisturbed: the company without events.
        with_events: the same with some.
        read: reads the days of ``undisturbed``.
    """

    undisturbed: SimulatedCompany
    with_events: Callable[[Sequence[Event]], SimulatedCompany]
    read: Callable[[date], Day]

    def company(self) -> SimulatedCompany:
        """The company with the events: fewer, or none, where it is too small."""
        today = self.undisturbed.today
        past = [self.read(today - timedelta(days=ago + 1)) for ago in range(HISTORY_DAYS)]
        members = self._members(past)
        best, most = self.undisturbed, -1.0
        for days in SLUMP_DAYS:
            for slumping in self._slumping(past, members, days):
                large = [name for name in members if len(members[name]) >= SMALLEST_TEAM]
                teams: list[str | None] = [name for name in large if name != slumping.team]
                for team in teams or [None]:
                    events = _events(slumping, team, members, today, days)
                    company = self.with_events(list(events))
                    enough = _enough(find_drops(company, past), slumping.user_id, team)
                    if enough > most:
                        best, most = company, enough
                    if enough >= 1 or team is None:
                        return best
        return best

    def _members(self, past: Sequence[Day]) -> Mapping[str, Sequence[people.Person]]:
        """Those at work by team, busiest first; also the teams."""
        today = self.undisturbed.today
        busy = {
            person.user_id: sum(
                sum(day.get(person.user_id, NOTHING)[1:3]) for day in past[: SLUMP_DAYS[0]]
            )
            for person in self.undisturbed.people
        }
        teams: dict[str, list[people.Person]] = {}
        names = self.undisturbed.teams[:LARGEST_CHOICE]
        for person in sorted(
            self.undisturbed.people, key=lambda one: (-busy[one.user_id], one.user_id)
        ):
            if person.hired <= today < person.left and person.team in names:
                teams.setdefault(person.team, []).append(person)
        return teams

    def _slumping(
        self, past: Sequence[Day], members: Mapping[str, Sequence[people.Person]], days: int
    ) -> Sequence[people.Person]:
        """Those in whom a slump shows most; tried with one of each team at a time."""
        settled = self.undisturbed.today - timedelta(days=HISTORY_DAYS)
        candidates = [
            [one for one in team if one.role is not Role.DIRECTOR and one.hired < settled]
            for team in members.values()
        ]
        shown: list[tuple[float, people.Person]] = []
        for together in zip_longest(*candidates):
            tried = {one.user_id: one for one in together if one is not None}
            slumps = [Event(EventKind.SLUMP, user_id, days) for user_id in tried]
            findings = find_drops(self.with_events(slumps), past)
            shown.extend(
                (years(found), tried[found.user_id])
                for found in findings.people
                if found.user_id in tried
            )
            if sum(much > 2 * ENOUGH_YEARS for much, _ in shown) > 1:
                break
        shown.sort(key=lambda each: (-each[0], each[1].user_id))
        return [person for _, person in shown[:CANDIDATES]]


def _enough(found: Findings, user_id: str, team: str | None) -> float:
    """1 or more: both alerts fire, with a margin."""
    person = next((one for one in found.people if one.user_id == user_id), None)
    shows = years(person) / ENOUGH_YEARS if person else 0.0
    if team is None:
        return shows
    evidence = found.teams[team].finding.evidence if team in found.teams else 0.0
    return min(shows, evidence / ENOUGH_TEAM_EVIDENCE)


def _events(
    slumping: people.Person,
    team: str | None,
    members: Mapping[str, Sequence[people.Person]],
    today: date,
    slump_days: int,
) -> Iterator[Event]:
    """All events, each in another team."""
    yield Event(EventKind.SLUMP, slumping.user_id, slump_days)
    if team:
        yield Event(EventKind.TEAM_SLUMP, team, slump_days)
    left = [name for name in members if name not in {slumping.team, team}]
    for days, name in zip((SILENT_DAYS, LEAVE_DAYS), left, strict=False):
        hosts = [one for one in members[name] if one.role is Role.REPRESENTATIVE]
        yield Event(EventKind.SILENT, (hosts or members[name])[0].user_id, days)
    for name in left[2:3]:
        weekday = (today - timedelta(days=HOLIDAY_AGO)).weekday()
        yield Event(EventKind.TEAM_SILENT, name, 1, HOLIDAY_AGO - 1 + max(weekday - 4, 0))


def find_drops(company: SimulatedCompany, past: Sequence[Day]) -> Findings:
    """What the detector says on the company's today.

    Args:
        company: with events.
        past: the days without, newest first; those that the events may have changed are not used.
    """
    newest = [
        read_day(company, company.today - timedelta(days=ago + 1)) for ago in range(DISTURBED_DAYS)
    ]
    days = [*newest, *past[DISTURBED_DAYS:]]
    roster = {one.user_id: one.team for one in on_the_roster(company.people, company.today)}
    people_ids = sorted(set[str]().union(*days))
    return find([_person(user_id, roster.get(user_id, NO_TEAM), days) for user_id in people_ids])


def _person(user_id: str, team: str, days: Sequence[Day]) -> Person:
    hosted, calls, contributions, active = zip(
        *(day.get(user_id, NOTHING) for day in days), strict=True
    )
    return Person(
        user_id=user_id,
        team=team,
        hosted=hosted,
        calls=calls,
        contributions=contributions,
        active=active,
    )


def _counts(counters: Mapping[str, int]) -> Counts:
    calls = sum(counters[name] for name in _CALLS)
    contributions = sum(counters[name] for name in _CONTRIBUTIONS)
    active = bool(calls + contributions + counters["othersCallsListenedTo"])
    return counters["callsAsHost"], calls, contributions, int(active)
