"""What is published about people and teams, in as little memory as possible.

The detector's records of 10,000 people would take 10 MB. Here everybody's numbers are in one array,
rounded: further digits would say nothing, and each of them is stored by every Prometheus.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gong_exporter.drops.rarity import MOST_YEARS
from gong_exporter.drops.records import Finding, PersonFindings, Reason, TeamFinding

REASONS = tuple(Reason)

ABSENT = math.nan
"""A number that is not known."""

DECIMALS = 3
"""Of evidence and of what was to be expected."""


class Score(NamedTuple):
    """The evidence for a drop of one kind of activity.

    Attributes:
        evidence: of the last two days, whichever is smaller; ABSENT where nothing can be said.
        window: days of the deciding window.
        counted: what was counted in it.
        expected: what the usual would have brought.
        week_counted: what was counted in the last week; ABSENT where its usual is not known.
        week_expected: likewise.
    """

    evidence: float
    window: float
    counted: float
    expected: float
    week_counted: float
    week_expected: float


@dataclass(frozen=True, slots=True)
class TeamScore:
    """The evidence for a drop of a team.

    Attributes:
        members: see ``TeamFinding``.
        score: of all that they do.
    """

    members: int
    score: Score

    @classmethod
    def of(cls, found: TeamFinding) -> TeamScore:
        """What is published of a finding."""
        return cls(found.members, _score(found.finding))


class PersonScores(NamedTuple):
    """What is published about one person; ABSENT where it is not known.

    Attributes:
        own_activity: of calls and contributions.
        hosting: of ``callsAsHost``.
        own_activity_years: by chance, one person has so much evidence once in so many years; at
            most MOST_YEARS.
        hosting_years: likewise.
        usual_own_activity: calls and contributions of a usual week.
        usual_hosting: hosted calls of a usual week.
        active_days_7: days with any activity of the last 7.
        active_days_28: days with any activity of the last 28.
        last_active_day: index of the newest day with any activity.
        reason: index of the reason in REASONS.
    """

    own_activity: Score
    hosting: Score
    own_activity_years: float
    hosting_years: float
    usual_own_activity: float
    usual_hosting: float
    active_days_7: float
    active_days_28: float
    last_active_day: float
    reason: float


_SCORE = len(Score._fields)
_WIDTH = 2 * _SCORE + len(PersonScores._fields) - 2
"""Numbers of one person."""


class PeopleScores:
    """Everybody's scores, in one array."""

    def __init__(self, people: Iterable[PersonFindings]) -> None:
        self._values = array("d")
        ids = []
        for person in people:
            ids.append(person.user_id)
            self._values.extend(_of_person(person))
        self._ids = "\n".join(ids)  # no id contains a line break

    def __len__(self) -> int:
        return len(self._values) // _WIDTH

    def indexes(self) -> dict[str, int]:
        """The place of each person, by id."""
        return {user_id: index for index, user_id in enumerate(self._ids.split("\n"))}

    def at(self, index: int) -> PersonScores:
        """The scores at a place."""
        row = self._values[index * _WIDTH : (index + 1) * _WIDTH]
        return PersonScores(
            Score._make(row[:_SCORE]), Score._make(row[_SCORE : 2 * _SCORE]), *row[2 * _SCORE :]
        )


def _of_person(found: PersonFindings) -> Iterator[float]:
    yield from _score(found.own_activity)
    yield from _score(found.hosting)
    yield _years(found.own_activity)
    yield _years(found.hosting)
    for value in (
        found.usual_own_activity,
        found.usual_hosting,
        found.active_days_7,
        found.active_days_28,
        found.last_active_day,
    ):
        yield ABSENT if value is None else round(value, DECIMALS)
    yield ABSENT if found.reason is None else REASONS.index(found.reason)


def _years(finding: Finding | None) -> float:
    if finding is None or finding.years is None:
        return ABSENT
    return min(finding.years, MOST_YEARS)


def _score(finding: Finding | None) -> Score:
    if finding is None:
        return Score(ABSENT, 0, 0, 0, ABSENT, ABSENT)
    week, deciding = finding.newest.week, finding.newest.deciding
    return Score(
        round(finding.evidence, DECIMALS),
        deciding.window,
        deciding.count,
        round(deciding.expected, DECIMALS),
        ABSENT if week is None else week.count,
        ABSENT if week is None else round(week.expected, DECIMALS),
    )
