"""The company of the demo: two drops that alert on every date, and absences that do not.

Whether a slump shows depends on chance, leave and the season, so the detector itself is asked:
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

SILENT_DAYS = 8
"""More than the week after which a person counts as silent."""

LEAVE_DAYS = 4
"""At least one working day of the last week is before it, whatever weekday it is."""

HOLIDAY_AGO = 3
"""Days since the holiday of a team, at least; it is a weekday."""

ABSENCES = 3
"""One silent person, one on leave, and a team's holiday, each in a team of its own."""

MOST_IF_INCOMPLETE = 0.9
"""Less than 1, so that other drops are tried if one of the absences has no place."""

ENOUGH_YEARS = 1.5 * USER_YEARS
"""Well above the threshold of the alert on users."""

ENOUGH_TEAM_EVIDENCE = TEAM_EVIDENCE + 1
"""Well above the threshold of the alert on teams."""

SMALLEST_TEAM = 3
SEEDS = 6
"""Companies to choose from: on a few dates, no drop in the first one is certain. In a smaller
company than the demo's, often none is, so only the first one is tried."""

TRIALS = 40
"""Drops to try in each; a trial takes about a tenth of a second."""

PEOPLE_TO_TRY = 16
"""People to try with each of the following kinds."""

HOPELESS = 0.5
"""A person's drop that shows less than this is not tried with the drop of another team."""

USER_DROPS = (EventKind.SLUMP, EventKind.DEEP_SLUMP)
TEAM_DROPS = (EventKind.TEAM_SLUMP, EventKind.DEEP_SLUMP)
"""In the order to try them. In weeks in which many are away, a drop to a quarter may not show."""

SLUMPS = {*USER_DROPS, *TEAM_DROPS}


def demo_company(
    time_zone: ZoneInfo,
    today: date,
    users: int = USERS,
    seed: int = SEED,
    read: Callable[[SimulatedCompany, date], Day] = read_day,
) -> SimulatedCompany:
    """The demo's company, its events included.

    Args:
        time_zone: the zone in which the company counts its days.
        today: the day that the events are relative to.
        users: how many people work there.
        seed: of the company; on a few dates, one of the next seeds is used instead.
        read: reads a day of a company without events.

    Raises:
        ValueError: ``users`` is less than one.
    """
    found: list[tuple[float, SimulatedCompany]] = []
    for other in range(seed, seed + (SEEDS if users >= USERS else 1)):
        build = partial(company_with, time_zone=time_zone, today=today, users=users, seed=other)
        undisturbed = build(())
        past = [read(undisturbed, today - timedelta(days=ago + 1)) for ago in range(HISTORY_DAYS)]
        found.append(_best(undisturbed, build, past))
        if found[-1][0] >= 1:
            break
    return max(found, key=lambda choice: choice[0])[1]


def company_with(
    events: Sequence[Event], time_zone: ZoneInfo, today: date, users: int = USERS, seed: int = SEED
) -> SimulatedCompany:
    """The demo's company with these events. It works at the turn of the year.

    Otherwise too few people would be at work for any evidence between 27 December and 12 January.
    """
    return SimulatedCompany(users, seed, time_zone, today, events, quiet_year_end=False)


def _best(
    undisturbed: SimulatedCompany,
    with_events: Callable[[Sequence[Event]], SimulatedCompany],
    past: Sequence[Day],
) -> tuple[float, SimulatedCompany]:
    """How well the drops show, and the company: with fewer events, or none, if it is small.

    1 or more means that both alerts fire, with a margin.

    Args:
        undisturbed: the company without events.
        with_events: the same with some.
        past: the days of ``undisturbed``, newest first.
    """
    members = _members(undisturbed, past)
    best, most, trials = undisturbed, -1.0, 0
    unfit: set[Event] = set()
    for person, team, drops in _drops(*_largest(undisturbed.today, members, past)):
        if not unfit.isdisjoint(drops):
            continue
        absences = list(_absences(person, team, members, undisturbed.today, past))
        company = with_events([*drops, *absences])
        shows, team_shows = _enough(company, past)
        all_there = len(absences) >= min(ABSENCES, len(members) - len(drops))
        if (score := min(shows, team_shows, MOST_IF_INCOMPLETE + all_there)) > most:
            best, most = company, score
        trials += 1
        if most >= 1 or trials == TRIALS:
            break
        if 0 <= shows < HOPELESS:
            unfit.add(drops[0])
        if team_shows < 1:
            unfit.update(drops[1:])
    return most, best


def _largest(
    today: date, members: Mapping[str, Sequence[people.Employee]], past: Sequence[Day]
) -> tuple[list[people.Employee], list[str]]:
    """The people and the teams in whom a drop shows most, in the order to try them."""
    settled = today - timedelta(days=HISTORY_DAYS)
    slumping = [
        one
        for team in members.values()
        for one in team
        if one.role is not Role.DIRECTOR and one.hired < settled
    ]
    slumping.sort(key=lambda one: (-_at_least(one.user_id, past), one.user_id))
    teams = [name for name, team in members.items() if len(team) >= SMALLEST_TEAM]
    teams.sort(key=lambda name: -sum(_at_least(one.user_id, past) for one in members[name]))
    return slumping, teams


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


def _drops(
    slumping: Sequence[people.Employee], teams: Sequence[str]
) -> Sequence[tuple[people.Employee, str, Sequence[Event]]]:
    """A person, another team if there is one, and the drops of both, in the order to try them."""
    busiest = [person.team for person in slumping[:1]]
    of_users = [
        (person, Event(kind, person.user_id, SLUMP_DAYS))
        for kind, person in product(USER_DROPS, slumping[:PEOPLE_TO_TRY])
    ]
    of_both = [
        (person, team, (drop, Event(kind, team, SLUMP_DAYS)))
        for kind, team in product(TEAM_DROPS, sorted(teams, key=busiest.__contains__))
        for person, drop in of_users
        if person.team != team
    ]
    return of_both or [(person, NO_TEAM, (drop,)) for person, drop in of_users]


def _at_least(user_id: str, past: Sequence[Day]) -> float:
    """What a person did in the last two weeks, or usually does in two weeks if that is less.

    A drop is certain only where much is expected, and where much would have been done.
    """
    done = [sum(day.get(user_id, NOTHING)[1:3]) for day in past]
    return min(sum(done[:14]), sum(done[14:56]) / 3)


def _enough(company: SimulatedCompany, past: Sequence[Day]) -> tuple[float, float]:
    """For the person and the team, 1 or more if the drop alerts, with a margin.

    Below 0 for both if one of the absences alerts. Teams are those of the roster file, and those of
    Gong's users, which are by manager.
    """
    by_name = _shown(company, past, lambda person: person.team, lambda team: team)
    if min(by_name) < 1:
        return by_name
    by_manager = _shown(
        company, past, lambda person: person.manager, lambda team: team_manager(company, team)
    )
    return min(by_name[0], by_manager[0]), min(by_name[1], by_manager[1])


def _shown(
    company: SimulatedCompany,
    past: Sequence[Day],
    team_of: Callable[[people.Employee], str],
    shown_as: Callable[[str], str],
) -> tuple[float, float]:
    found = find_drops(company, past, team_of)
    persons = {one.user_id: one for one in found.people}
    person = team = 1.0
    for planted in company.events:
        event = planted.event
        chances = [years(persons[who]) for who in planted.user_ids if who in persons]
        finding = None if event.who in persons else found.teams.get(shown_as(event.who))
        evidence = finding.finding.evidence if finding else 0.0
        if event.kind not in SLUMPS:
            if max(chances, default=0.0) > USER_YEARS or evidence > TEAM_EVIDENCE:
                return -1.0, -1.0
        elif event.who in persons:
            person = chances[0] / ENOUGH_YEARS
        else:
            team = evidence / ENOUGH_TEAM_EVIDENCE
    return person, team


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
