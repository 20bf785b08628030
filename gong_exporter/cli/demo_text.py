"""What was planted in a simulated company, in sentences for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from gong_exporter.cli.demo_company import team_manager
from gong_exporter.cli.demo_detector import WEEK
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind, PlantedEvent

_WIDTH = 96


def describe_planted(company: SimulatedCompany, events: Sequence[Event], seed: int) -> str:
    """What was planted: the events that the user asked for, or else the demo's."""
    return describe_events(company) if events else describe_demo(company, seed)


def describe_demo(company: SimulatedCompany, seed: int) -> str:
    """The demo's own events: which of them alert, which do not, and why.

    Args:
        company: with the events.
        seed: the one that was asked for, which may be another one than the company's.
    """
    if not company.events:
        return "Nothing dropped: this company is too small."
    sentences = [f"{_who(planted, company)} {_demo_text(planted)}" for planted in company.events]
    said = _list("What dropped, and which alert of prometheus/rules fires:", sentences)
    if company.seed == seed:
        return said
    other = (
        f"This is the company of --seed={company.seed}, because today no drop in that of"
        f" --seed={seed} is certain to alert."
    )
    return f"{fill(other, _WIDTH)}\n\n{said}"


def describe_events(company: SimulatedCompany) -> str:
    """Events of the user's own. Whether they alert depends on whom they are about."""
    sentences = [
        f"{planted.event}: {_who(planted, company)}, from {planted.start}, before {planted.end}"
        for planted in company.events
    ]
    return _list("Planted:", sentences)


def _list(title: str, sentences: list[str]) -> str:
    lines = [
        fill(one, _WIDTH, initial_indent="  - ", subsequent_indent="    ") for one in sentences
    ]
    return "\n".join([title, *lines])


def _who(planted: PlantedEvent, company: SimulatedCompany) -> str:
    """A team's label in the demo is its manager's name; its own is only in the roster file."""
    if planted.event.kind is EventKind.CLOSURE:
        return "everybody"
    concerned = [one for one in company.people if one.user_id in planted.user_ids]
    if len(concerned) == 1:
        (person,) = concerned
        manager = f", manager {person.manager}" if person.manager else ""
        return f"{person.name} ({person.team}{manager})"
    manager = team_manager(company, planted.event.who)
    return (
        f"The team of {manager} ({planted.event.who})"
        if manager
        else f"The team {planted.event.who}"
    )


def _demo_text(planted: PlantedEvent) -> str:
    first = f"{planted.start:%A}, {planted.start.day} {planted.start:%B}"
    match planted.event.kind:
        case EventKind.TEAM_SLUMP | EventKind.DEEP_SLUMP as kind:
            share = "a tenth" if kind is EventKind.DEEP_SLUMP else "a quarter"
            fires = (
                "GongUserActivityDrop fires."
                if len(planted.user_ids) == 1
                else "GongTeamActivityDrop fires, and Alertmanager holds back the alerts on its"
                " members."
            )
            return f"has done {share} of the usual since {first}: {fires}"
        case EventKind.SILENT if planted.event.days > WEEK:
            return (
                f"has done nothing since {first}: GongUserGoneSilent fires. Its severity is info,"
                " because this may be leave."
            )
        case EventKind.SILENT:
            return (
                f"has been on leave since {first}: nothing fires, because activity was as usual"
                " on the other days."
            )
        case _:
            return (
                f"had a holiday on {first}: nothing fires, because the whole team was away on that"
                " day."
            )
