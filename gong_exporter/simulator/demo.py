"""The company of the demo: 48 people, of whom one slumps and one has gone silent."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company import SimulatedCompany
from gong_exporter.simulator.events import Event, EventKind
from gong_exporter.simulator.layout import Role

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

    Chosen from those who host the most, in the last week as in the three before it. Fewer
    events, or none, for a company in which too few work steadily.
    """
    steady = []
    for person in company.people:
        if person.role is not Role.REPRESENTATIVE:
            continue
        latest, before = (
            company.truth(
                person.user_id,
                company.today - timedelta(days=begin),
                company.today - timedelta(days=end),
            )["callsAsHost"]
            for begin, end in ((7, 0), (28, 7))
        )
        if latest >= before / 4 and before:
            steady.append((before, person))
    steady.sort(key=lambda each: (-each[0], each[1].user_id))
    events: list[Event] = []
    teams: set[str] = set()
    planned = ((EventKind.SLUMP, SLUMP_DAYS), (EventKind.SILENT, SILENT_DAYS))
    for _, person in steady:
        if person.team not in teams and len(events) < len(planned):
            kind, days = planned[len(events)]
            events.append(Event(kind, person.user_id, days))
            teams.add(person.team)
    return tuple(events)
