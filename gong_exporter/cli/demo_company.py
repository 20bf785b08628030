"""The company of the demo: two drops that alert on every date, and absences that do not.

Whether a drop shows depends on chance, leave and the season, so the detector itself is asked:
people and teams are tried until the alerts fire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import product
from zoneinfo import ZoneInfo

from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.cli.demo_detector import (
    LARGEST_CHOICE,
    NOTHING,
    WEEK,
    Day,
    find_drops,
    read_day,
    years,
)
from gong_exporter.drops.records import NO_TEAM
from gong_exporter.drops.thresholds import SILENT_ACTIVE_DAYS, TEAM_EVIDENCE, USER_YEARS
from gong_exporter.simulator.company import people
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from gong_exporter.simulator.company.layout import Role

USERS = 48
SEED = 20

SLUMP_DAYS = 15
"""An alert compares up to 14 days, and needs them on two days in a row."""

SLUMPS = (EventKind.DEEP_SLUMP, EventKind.TEAM_SLUMP)

SILENT_DAYS = 8
"""More than the week after which a person counts as silent."""

LEAVE_DAYS = 4
"""At least one working day of the last week is before it, whatever weekday it is."""

HOLIDAY_AGO = 3
"""Days since the holiday of a team, at least; it is a weekday."""

ENOUGH_YEARS = 1.5 * USER_YEARS
"""Well above the threshold of the alert on users."""

ENOUGH_TEAM_EVIDENCE = TEAM_EVIDENCE + 1
"""Well above the threshold of the alert on teams."""

SMALLEST_TEAM = 3
SEEDS = 6
"""Companies to choose from: on a few dates, no drop in the first one is certain. In a smaller
company than the demo's, often none is, so only the first one is tried."""

TRIALS = 20
"""Drops to try in each; a trial takes about a tenth of a second."""

PEOPLE_TO_TRY = 6
"""People to try with each team."""


def demo_company(
    time_zone: ZoneInfo,
    today: date,
    users: int = USERS,
    seed: int = SEED,
    read: Callable[[SimulatedCompany, date], Day] = read_day,
) -> SimulatedCompany:
    """The demo's company, its events included: with fewer events, or none, if it is small.

    Args:
        time_zone: the zone in which the company counts its days.
        today: the day that the events are relative to.
        users: how many people work there.
        seed: of the company; on a few dates, one of the next seeds is used instead.
        read: reads a day of a company without events.

    Raises:
        ValueError: ``users`` is less than one.
    """
    best, most = company_with((), time_zone, today, users, seed), -1.0
    for other in range(seed, seed + (SEEDS if users >= USERS else 1)):
        build = partial(company_with, time_zone=time_zone, today=today, users=users, seed=other)
        undisturbed = build(())
        past = [read(undisturbed, today - timedelta(days=ago + 1)) for ago in range(HISTORY_DAYS)]
        for events in _events(undisturbed, past)[:TRIALS]:
            company = build(events)
            if (score := _score(company, past)) > most:
                best, most = company, score
            if most >= 1:
                return best
    return best


def company_with(
    events: Sequence[Event], time_zone: ZoneInfo, today: date, users: int = USERS, seed: int = SEED
) -> SimulatedCompany:
    """The demo's company with these events. It works at the turn of the year.

    Otherwise too few people would be at work for any evidence between 27 December and 12 January.
    """
    return SimulatedCompany(users, seed, time_zone, today, events, quiet_year_end=False)


def _events(company: SimulatedCompany, past: Sequence[Day]) -> list[list[Event]]:
    """Drops of a person and of another team, with absences in further teams, the best first."""
    members = _members(company, past)
    settled = company.today - timedelta(days=HISTORY_DAYS)
    slumping = [
        one
        for team in members.values()
        for one in team
        if one.role is not Role.DIRECTOR and one.hired < settled
    ]
    slumping.sort(key=lambda one: (-_at_least(one.user_id, past), one.user_id))
    teams = [name for name, team in members.items() if len(team) >= SMALLEST_TEAM]
    busiest = [person.team for person in slumping[:1]]
    # The busiest person's team goes last, because it is not for the drop of a team.
    teams.sort(
        key=lambda name: (
            name in busiest,
            -sum(_at_least(one.user_id, past) for one in members[name]),
        )
    )
    found = []
    for team, person in product(teams, slumping[:PEOPLE_TO_TRY]):
        if person.team != team:
            drop = Event(EventKind.DEEP_SLUMP, person.user_id, SLUMP_DAYS)
            team_drop = Event(EventKind.TEAM_SLUMP, team, SLUMP_DAYS)
            absences = _absences(person, team, members, company.today, past)
            found.append([drop, team_drop, *absences])
    if not found:  # a small company
        found = [
            [
                Event(EventKind.DEEP_SLUMP, person.user_id, SLUMP_DAYS),
                *_absences(person, NO_TEAM, members, company.today, past),
            ]
            for person in slumping[:PEOPLE_TO_TRY]
        ]
    return sorted(found, key=len, reverse=True)  # those in which all absences have a place


def _members(
    company: SimulatedCompany, past: Sequence[Day]
) -> Mapping[str, Sequence[people.Employee]]:
    """Those at work by team, busiest first; also the teams."""
    names = company.teams[:LARGEST_CHOICE]
    at_work = [
        person
        for person in company.people
        if person.hired <= company.today < person.left and person.team in names
    ]
    at_work.sort(key=lambda one: (-_at_least(one.user_id, past), one.user_id))
    teams: dict[str, list[people.Employee]] = {}
    for person in at_work:
        teams.setdefault(person.team, []).append(person)
    return teams


def _at_least(user_id: str, past: Sequence[Day]) -> float:
    """What a person did in the last two weeks, or usually does in two weeks if that is less.

    A drop is certain only where much is expected, and where much would have been done.
    """
    done = [sum(day.get(user_id, NOTHING)[1:3]) for day in past]
    return min(sum(done[:14]), sum(done[14:56]) / 3)


def _score(company: SimulatedCompany, past: Sequence[Day]) -> float:
    """1 or more if both drops alert, with a margin; below 0 if one of the absences alerts.

    Teams are those of the roster file, and those of Gong's users, which are by manager.
    """
    by_name = _shown(company, past, lambda person: person.team, lambda team: team)
    if by_name < 1:
        return by_name
    return min(
        by_name,
        _shown(
            company, past, lambda person: person.manager, lambda team: team_manager(company, team)
        ),
    )


def _shown(
    company: SimulatedCompany,
    past: Sequence[Day],
    team_of: Callable[[people.Employee], str],
    shown_as: Callable[[str], str],
) -> float:
    found = find_drops(company, past, team_of)
    persons = {one.user_id: one for one in found.people}
    score = 1.0
    for planted in company.events:
        event = planted.event
        chances = [years(persons[who]) for who in planted.user_ids if who in persons]
        finding = None if event.who in persons else found.teams.get(shown_as(event.who))
        evidence = finding.finding.evidence if finding else 0.0
        if event.kind not in SLUMPS:
            if max(chances, default=0.0) > USER_YEARS or evidence > TEAM_EVIDENCE:
                return -1.0
        elif event.who in persons:
            score = min(score, chances[0] / ENOUGH_YEARS)
        else:
            score = min(score, evidence / ENOUGH_TEAM_EVIDENCE)
    return score


def team_manager(company: SimulatedCompany, team: str) -> str:
    """The name of the manager of a team's representatives; empty if there is none of them."""
    today = company.today
    managers = (
        person.manager
        for person in company.people
        if person.team == team
        and person.role is Role.REPRESENTATIVE
        and person.hired <= today < person.left
    )
    return next(managers, "")


def _absences(
    slumping: people.Employee,
    team: str,
    members: Mapping[str, Sequence[people.Employee]],
    today: date,
    past: Sequence[Day],
) -> Iterator[Event]:
    """A silent person, one on leave, and a holiday, each in another team."""
    left = [
        name
        for name, those in members.items()
        if name not in {slumping.team, team}
        and any(one.role is Role.REPRESENTATIVE for one in those)
    ]
    for days in (SILENT_DAYS, LEAVE_DAYS):
        hosts = [
            one
            for name in left
            for one in members[name]
            if one.role is Role.REPRESENTATIVE and _is_seen(one.user_id, past, days)
        ]
        if hosts:
            yield Event(EventKind.SILENT, hosts[0].user_id, days)
            left.remove(hosts[0].team)
    for name in left[:1]:
        weekday = (today - timedelta(days=HOLIDAY_AGO)).weekday()
        yield Event(EventKind.TEAM_SILENT, name, 1, HOLIDAY_AGO - 1 + max(weekday - 4, 0))


def _is_seen(user_id: str, past: Sequence[Day], days: int) -> bool:
    """Whether the person was active before so many days: in the week, or often in the month."""
    active = [user_id in day for day in past]
    if days < WEEK:
        return any(active[days:WEEK])
    return sum(active[days : 4 * WEEK]) > SILENT_ACTIVE_DAYS
