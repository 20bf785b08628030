"""The detector on a simulated company, without the exporter and its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from gong_exporter.activity.days import Counts, counts_of_listing
from gong_exporter.drops.detect import find
from gong_exporter.drops.records import NO_TEAM, Findings, Person, PersonFindings
from gong_exporter.gong.records import UserActivity
from gong_exporter.simulator.company import people
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.directory import on_the_roster

LARGEST_CHOICE = 7
"""Teams to choose from, and to compare with; in a large company, all would take long."""

WEEK = 7

Day = Mapping[str, Counts]
"""What everybody active did on a day, by user id."""

NOTHING: Counts = (0, 0, 0, 0)


def read_day(company: SimulatedCompany, day: date, most_teams: int | None = LARGEST_CHOICE) -> Day:
    """A day of the first teams; None for all teams."""
    found = company.activity(day, day + timedelta(days=1), company.teams[:most_teams])
    return counts_of_listing(
        UserActivity(user_id=user.user_id, email=user.email, counters=user.counters)
        for user in found
    )


def years(person: PersonFindings) -> float:
    """By chance, so little happens to one person once in so many years."""
    kinds = person.own_activity, person.hosting
    return max((found.years if found else None) or 0.0 for found in kinds)


def find_drops(
    company: SimulatedCompany,
    past: Sequence[Day],
    team_of: Callable[[people.Employee], str] = lambda person: person.team,
) -> Findings:
    """What the detector says on the company's today.

    Args:
        company: with events.
        past: the days without events, newest first; those that the events may have changed are not
            used. Events change nothing before the week in which they begin.
        team_of: a person's team; by default as in the roster file.
    """
    first = min((planted.start for planted in company.events), default=company.today)
    changed = (company.today - first).days + WEEK + 1  # weeks begin on the Sunday before
    newest = [read_day(company, company.today - timedelta(days=ago + 1)) for ago in range(changed)]
    days = [*newest, *past[changed:]]
    roster = {one.user_id: team_of(one) for one in on_the_roster(company.people, company.today)}
    people_ids = sorted(set[str]().union(*days))
    return find([_person(user_id, roster.get(user_id, NO_TEAM), days) for user_id in people_ids])


def _person(user_id: str, team: str, days: Sequence[Day]) -> Person:
    counts = [day.get(user_id, NOTHING) for day in days]
    hosted, calls, contributions, listened = zip(*counts, strict=True)
    return Person(
        user_id=user_id,
        team=team,
        hosted=hosted,
        calls=calls,
        contributions=contributions,
        listened=listened,
        active=tuple(int(any(each)) for each in counts),
    )
