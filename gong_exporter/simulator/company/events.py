"""What is planted in the company's past: slumps, silences and closures, relative to its today."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gong_exporter.simulator.company.chance import OCTAVE

LONGEST_DAYS = 3660
"""No event lasts longer, or ended longer ago, than ten years."""

GRADUAL_DAYS = 21
"""A gradual slump takes so long to reach its depth."""

_DAYS = re.compile("[0-9]{1,9}")


class EventKind(StrEnum):
    """What can happen to a person, a team or the whole company."""

    SLUMP = "slump"
    SILENT = "silent"
    TEAM_SLUMP = "team-slump"
    TEAM_SILENT = "team-silent"
    CLOSURE = "closure"
    HALF_SLUMP = "half-slump"
    DEEP_SLUMP = "deep-slump"
    HOSTING_SLUMP = "hosting-slump"
    GRADUAL_SLUMP = "gradual-slump"


_KEEPS = {
    EventKind.SLUMP: 0.25,
    EventKind.SILENT: 0.0,
    EventKind.TEAM_SLUMP: 0.25,
    EventKind.TEAM_SILENT: 0.0,
    EventKind.CLOSURE: 0.0,
    EventKind.HALF_SLUMP: 0.5,
    EventKind.DEEP_SLUMP: 0.1,
    EventKind.HOSTING_SLUMP: 0.25,
    EventKind.GRADUAL_SLUMP: 0.25,
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is asked for.

    Attributes:
        kind: what happens.
        who: a user's id or address, or a team's name; empty for a closure.
        days: how many company days it lasts.
        ago: how many days before the company's today it ended; 0 is "up to yesterday".
    """

    kind: EventKind
    who: str
    days: int
    ago: int = 0

    def __str__(self) -> str:
        """The event in the form that ``parse_event`` reads."""
        parts = [self.kind.value, *([self.who] if self.who else []), str(self.days)]
        return ":".join([*parts, *([str(self.ago)] if self.ago else [])])


@dataclass(frozen=True, slots=True)
class PlantedEvent:
    """An event as it happened: who is meant, and from which day to which.

    Attributes:
        event: what was asked for.
        user_ids: everyone it concerns.
        start: its first company day.
        end: the company day after its last.
        keeps: the share of the usual activity that is left in the end; 0 is silence.
    """

    event: Event
    user_ids: tuple[str, ...]
    start: date
    end: date
    keeps: float

    def levels(self, day: int) -> int:
        """How many levels below usual a slump is on a day, given as an ordinal."""
        start = self.start.toordinal()
        if not start <= day < self.end.toordinal():
            return 0
        gradual = self.event.kind is EventKind.GRADUAL_SLUMP
        depth = -OCTAVE * math.log2(self.keeps)
        return round(depth * min(1.0, (day - start + 1) / GRADUAL_DAYS if gradual else 1))


def parse_event(text: str) -> Event:
    """Read ``KIND:WHO:DAYS[:AGO]`` (``closure:DAYS[:AGO]``), as ``--event`` takes it.

    Whether WHO exists is found out by the company that the event is planted in.

    Raises:
        ValueError: what is wrong with the text.
    """
    name, _, rest = text.partition(":")
    kinds = [kind.value for kind in EventKind]
    if name not in kinds:
        raise ValueError(f"event {text!r}: no kind {name!r}; there are {', '.join(kinds)}")
    kind = EventKind(name)
    fields = rest.split(":") if rest else []
    who = fields.pop(0).strip() if fields and kind is not EventKind.CLOSURE else ""
    if kind is not EventKind.CLOSURE and not who:
        raise ValueError(f"event {text!r}: say who, as in {kind}:WHO:DAYS")
    if len(fields) not in {1, 2}:
        form = "closure:DAYS" if kind is EventKind.CLOSURE else f"{kind}:WHO:DAYS"
        raise ValueError(f"event {text!r}: want {form} or {form}:AGO")
    days = _number(text, "DAYS", fields[0], least=1)
    ago = _number(text, "AGO", fields[1], least=0) if fields[1:] else 0
    return Event(kind, who, days, ago)


def plant(
    event: Event,
    today: date,
    ids_by_address: Mapping[str, str],
    ids_by_team: Mapping[str, tuple[str, ...]],
) -> PlantedEvent:
    """Find out whom an event means, and when it was.

    Raises:
        ValueError: no user and no team has that name.
    """
    teams = {name.casefold(): ids for name, ids in ids_by_team.items()}
    people = {address.casefold(): user_id for address, user_id in ids_by_address.items()}
    everyone = dict.fromkeys(ids_by_address.values())
    who = event.who.casefold()
    team_only = event.kind in {EventKind.TEAM_SLUMP, EventKind.TEAM_SILENT}
    if event.kind is EventKind.CLOSURE:
        ids: tuple[str, ...] = tuple(everyone)
    elif who in teams:
        ids = teams[who]
    elif not team_only and event.who in everyone:
        ids = (event.who,)
    elif not team_only and who in people:
        ids = (people[who],)
    else:
        what = "team" if team_only else "user or team"
        raise ValueError(
            f"event '{event}': no {what} {event.who!r}; simulate --roster shows who there is"
        )
    end = today - timedelta(days=event.ago)
    return PlantedEvent(event, ids, end - timedelta(days=event.days), end, _KEEPS[event.kind])


def _number(text: str, name: str, field: str, *, least: int) -> int:
    if not _DAYS.fullmatch(field) or not least <= int(field) <= LONGEST_DAYS:
        raise ValueError(
            f"event {text!r}: {name} is a whole number of days from {least} to {LONGEST_DAYS}, "
            f"not {field!r}"
        )
    return int(field)
