"""What is published about people and teams, in as little memory as possible.

The detector's records of 10,000 people would take 10 MB, and keep the memory that it needed from
being returned to the system. Here everybody's numbers stand in one array.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gong_exporter.drops.records import Finding, PersonFindings, Reason, TeamFinding

_REASONS = tuple(Reason)

_ABSENT = math.nan


@dataclass(frozen=True, slots=True)
class Score:
    """The evidence for a drop of one kind of activity.

    Attributes:
        evidence: of the last two days, whichever is smaller.
        window: days of the deciding window.
        count: what was counted in it.
        expected: what the usual would have brought.
        week_count: what was counted in the last week; None where its usual is not known.
        week_expected: likewise.
    """

    evidence: float
    window: int
    count: float
    expected: float
    week_count: float | None
    week_expected: float | None


@dataclass(frozen=True, slots=True)
class TeamScore:
    """The evidence for a drop of a team.

    Attributes:
        members: by today's roster.
        score: of all that they do.
    """

    members: int
    score: Score

    @classmethod
    def of(cls, found: TeamFinding) -> TeamScore:
        """What is published of a finding."""
        (score,) = _scores(_of_finding(found.finding))
        return cls(found.members, score)


@dataclass(frozen=True, slots=True)
class PersonScores:
    """What is published about one person. For the attributes, see drops.records.PersonFindings."""

    own_activity: Score | None
    hosting: Score | None
    usual_own_activity: float | None
    usual_hosting: float | None
    active_days_7: float | None
    active_days_28: float | None
    last_active_day: int | None
    reason: Reason | None


_SCORE = 6
_WIDTH = 2 * _SCORE + 6
"""Numbers of one person."""


class PeopleScores:
    """Everybody's scores, in one array.

    Args:
        people: as found.
    """

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
        values = self._values[index * _WIDTH : (index + 1) * _WIDTH]
        own, hosting = _scores(values[: 2 * _SCORE])
        usual_own, usual_hosting, days_7, days_28, last, reason = map(_known, values[2 * _SCORE :])
        return PersonScores(
            own_activity=own if _known(own.evidence) is not None else None,
            hosting=hosting if _known(hosting.evidence) is not None else None,
            usual_own_activity=usual_own,
            usual_hosting=usual_hosting,
            active_days_7=days_7,
            active_days_28=days_28,
            last_active_day=None if last is None else int(last),
            reason=None if reason is None else _REASONS[int(reason)],
        )


def _of_person(found: PersonFindings) -> Iterator[float]:
    yield from _of_finding(found.own_activity)
    yield from _of_finding(found.hosting)
    for value in (
        found.usual_own_activity,
        found.usual_hosting,
        found.active_days_7,
        found.active_days_28,
        found.last_active_day,
    ):
        yield _ABSENT if value is None else value
    yield _ABSENT if found.reason is None else _REASONS.index(found.reason)


def _of_finding(finding: Finding | None) -> tuple[float, ...]:
    if finding is None:
        return (_ABSENT, 0, 0, 0, 0, 0)
    week, deciding = finding.newest.week, finding.newest.deciding
    return (
        finding.evidence,
        deciding.window,
        deciding.count,
        deciding.expected,
        _ABSENT if week is None else week.count,
        _ABSENT if week is None else week.expected,
    )


def _scores(values: Iterable[float]) -> Iterator[Score]:
    numbers = list(values)
    for start in range(0, len(numbers), _SCORE):
        evidence, window, count, expected, week, week_expected = numbers[start : start + _SCORE]
        yield Score(evidence, int(window), count, expected, _known(week), _known(week_expected))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
