"""The company of the demo: 48 people, of whom one slumps and one has gone silent."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from gong_exporter.simulator.company.layout import Role

USERS = 48
SEED = 20
SLUMP_DAYS = 10
SILENT_DAYS = 8
"""Both longer than the week that the dashboards compare with the weeks before it."""


def demo_company(
    time_zone: ZoneInfo, today: date, users: int = USERS, seed: int = SEED
) -> SimulatedCompany:
    """The demo's company, its events included.

    Raises:
        ValueError: ``users`` is less than one.
    """
    undisturbed = SimulatedCompany(users, seed, time_zone, today)
    return SimulatedCompany(users, seed, time_zone, today, demo_events(undisturbed))


def demo_events(company: SimulatedCompany) -> tuple[Event, ...]:
    """A slump and a silence that anybody sees: of busy representatives, in different teams.

    Chosen from those who hosted the most in the three weeks before the last, preferably without
    having been away in the last; fewer events, or none, for a company that is too small.
    """
    week = timedelta(days=7)
    latest, before = (
        {
            user.user_id: user.counters["callsAsHost"]
            for user in company.activity(company.today - begin, company.today - end)
        }
        for begin, end in ((week, timedelta(0)), (4 * week, week))
    )
    hosts = [
        person
        for person in company.people
        if person.role is Role.REPRESENTATIVE
        and before.get(person.user_id)
        and person.left > company.today
    ]
    hosts.sort(
        key=lambda person: (
            latest.get(person.user_id, 0) < before[person.user_id] / 4,
            -before[person.user_id],
            person.user_id,
        )
    )
    slumping = hosts[:1]
    silent = [person for person in hosts if person.team != slumping[0].team][:1]
    return (
        *(Event(EventKind.SLUMP, person.user_id, SLUMP_DAYS) for person in slumping),
        *(Event(EventKind.SILENT, person.user_id, SILENT_DAYS) for person in silent),
    )
