"""The detector on every day of a simulated company: what it publishes about people and teams."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from gong_exporter.drops import detect, people
from gong_exporter.drops.rarity import ReturnPeriods, return_periods
from gong_exporter.drops.records import Assessment
from tools.study.plan import Study

NOTHING = -100.0
"""Stands for no evidence at all, which no threshold is below."""

Evidence = dict[str, "array[float]"]
"""By user or team, the evidence of each evaluated day, oldest first; NOTHING for none."""


@dataclass(slots=True)
class Evaluation:
    """Evidence of single days, before the smaller of two days is taken.

    Attributes:
        length: how many days were evaluated.
        own: of all that people do themselves.
        hosting: of hosted calls.
        teams: of teams.
        periods: how rare it is, by the company's own past as of each day.
    """

    length: int
    own: Evidence = field(default_factory=dict)
    hosting: Evidence = field(default_factory=dict)
    teams: Evidence = field(default_factory=dict)
    periods: list[ReturnPeriods] = field(default_factory=list)


def evaluate(study: Study, start: int, stop: int) -> Evaluation:
    """Run the detector as of each of the days ``[start, stop)`` of a study.

    The exporter's evidence as of the day before comes from one day of history less (83 of 84);
    here it is that of the day before itself, so that no day is computed twice.
    """
    first = study.first + timedelta(days=start)
    end = study.first + timedelta(days=stop)
    history_start = first - (study.first - study.history_start)
    counts = study.counts(study.company(), history_start, end)
    rosters = study.rosters()
    found = Evaluation(stop - start)
    for number in range(stop - start):
        newest = first + timedelta(days=number)
        history = counts.history(newest, _roster(rosters, newest))
        ids = [person.user_id for person in history]
        own = people.own_activity(history, people.presences_of(history))
        hosting = people.hosting(history, own.quiet_days)
        for kind, evidence in ((found.own, own), (found.hosting, hosting)):
            _record(kind, dict(zip(ids, evidence.assessments, strict=True)), number, found.length)
        found.periods.append(return_periods(own.past, hosting.past))
        _record(found.teams, detect.teams(history, own), number, found.length)
    return found


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Evaluations of days that follow each other, as one."""
    whole = Evaluation(sum(part.length for part in parts))
    start = 0
    for part in parts:
        for into, of in (
            (whole.own, part.own),
            (whole.hosting, part.hosting),
            (whole.teams, part.teams),
        ):
            for name, values in of.items():
                if name not in into:
                    into[name] = array("d", [NOTHING]) * whole.length
                into[name][start : start + part.length] = values
        whole.periods += part.periods
        start += part.length
    return whole


def held(values: Sequence[float]) -> list[float]:
    """What is published: the smaller of each day and the day before."""
    return [NOTHING, *(min(pair) for pair in pairwise(values))]


def _record(
    into: Evidence, assessments: Mapping[str, Assessment | None], number: int, length: int
) -> None:
    for name, assessment in assessments.items():
        if assessment is None:
            continue
        if name not in into:
            into[name] = array("d", [NOTHING]) * length
        into[name][number] = assessment.deciding.evidence


def _roster(rosters: Mapping[date, Mapping[str, str]], day: date) -> Mapping[str, str]:
    return rosters[day.replace(day=1)]
