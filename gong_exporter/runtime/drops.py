"""From the loaded day history and the roster to what is published about drops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import day_start
from gong_exporter.drops.detect import find
from gong_exporter.drops.records import NO_TEAM, Person
from gong_exporter.exposition.drops import DropReport
from gong_exporter.exposition.scores import PeopleScores, TeamScore
from gong_exporter.runtime.day_history import Company, LoadedHistory
from gong_exporter.store import PersonDays

TEAM_COLUMN = "team"
"""The column of the roster that names a person's team."""

ACTIVE_COLUMN = "active"
"""The column of the roster that says whether a person still works here."""


def detect(
    loaded: LoadedHistory, company: Company, zone: ZoneInfo, known_users: Iterable[str]
) -> DropReport:
    """Find what speaks for drops. Takes seconds in a large company.

    Args:
        loaded: the days.
        company: whose roster and addresses are used.
        zone: the company's.
        known_users: people who have 0 on days that do not name them.
    """
    findings = find(list(_people(loaded, company, known_users)))
    return DropReport(
        people=PeopleScores(findings.people),
        teams={name: TeamScore.of(team) for name, team in findings.teams.items()},
        company=findings.company,
        day_starts=tuple(day_start(day, zone) for day in loaded.days),
        end=day_start(loaded.days[0] + timedelta(days=1), zone),
        show_people=company.setup.config.drops.people,
    )


def _people(
    loaded: LoadedHistory, company: Company, known_users: Iterable[str]
) -> Iterator[Person]:
    nothing = PersonDays.nothing(len(loaded.days))
    emails, roster = company.state.known_users, company.setup.roster
    for user_id in sorted({*loaded.people, *known_users}):
        if loaded.covered is not None and user_id not in loaded.covered:
            continue  # added to the list just now: the person's earlier days are not known yet
        days = loaded.people.get(user_id, nothing)
        columns = roster.of(user_id, emails.get(user_id, ""))
        yield Person(
            user_id=user_id,
            team=columns.get(TEAM_COLUMN) or NO_TEAM,
            hosted=days.hosted,
            calls=days.calls,
            contributions=days.contributions,
            active=days.active,
            employed=columns.get(ACTIVE_COLUMN) != "false",
        )
