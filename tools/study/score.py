"""Alerts held against the truth: episodes by cause, and which planted slumps were found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import add

from gong_exporter.simulator.company.events import EventKind, PlantedEvent
from tools.study.evaluate import NOTHING, Evaluation, held
from tools.study.plan import Study
from tools.study.truth import AFTER, WRONG, Cause, Truth

JOINED = 3
"""Firing again after so many days is the same episode: people call it one."""

Series = Mapping[str, Sequence[float]]
"""By user or team, what is compared with a threshold on each evaluated day."""


@dataclass(frozen=True, slots=True)
class Slump:
    """A planted slump, and whether an alert found it.

    Attributes:
        kind: what was planted.
        days: its length.
        usual: hosted calls a week before it; of a team, 0.
        delay: days from its start to the end of the first day as of which an alert fires; None if
            none does.
    """

    kind: EventKind
    days: int
    usual: float
    delay: int | None


@dataclass(frozen=True, slots=True)
class Score:
    """How an alert did at one threshold, in one company.

    Attributes:
        episodes: by cause.
        years: person or team years in which an alert would be wrong.
        slumps: all that were planted.
        wrong_with_many_hosted: wrong episodes of people with at least MANY_HOSTED calls a week.
        years_with_many_hosted: the years of these people.
    """

    episodes: Counter[Cause]
    years: float
    slumps: tuple[Slump, ...]
    wrong_with_many_hosted: int = 0
    years_with_many_hosted: float = 0.0

    @property
    def wrong(self) -> int:
        """Episodes without a reason."""
        return sum(self.episodes[cause] for cause in WRONG)

    def __add__(self, other: Score) -> Score:
        """Two companies together."""
        return Score(
            self.episodes + other.episodes,
            self.years + other.years,
            self.slumps + other.slumps,
            self.wrong_with_many_hosted + other.wrong_with_many_hosted,
            self.years_with_many_hosted + other.years_with_many_hosted,
        )


class Companies:
    """Several companies, their alerts scored together.

    Args:
        found: what the detector says about each.
    """

    def __init__(self, found: Mapping[Study, Evaluation]) -> None:
        self.truths = [Truth(study) for study in found]
        self._users = [user_years(one) for one in found.values()]
        self._teams = [team_evidence(one) for one in found.values()]

    def users(self, threshold: float) -> Score:
        """The alert on users, at a threshold in years."""
        pairs = zip(self.truths, self._users, strict=True)
        return reduce(add, (score_users(truth, series, threshold) for truth, series in pairs))

    def teams(self, threshold: float) -> Score:
        """The alert on teams, at a threshold of evidence."""
        pairs = zip(self.truths, self._teams, strict=True)
        return reduce(add, (score_teams(truth, series, threshold) for truth, series in pairs))


def user_years(found: Evaluation) -> Series:
    """What the alert on users compares with its threshold: the rarer of both kinds, in years."""
    nothing = [NOTHING] * found.length
    return {
        user_id: [
            max(periods.own.years(own), periods.hosting.years(hosting))
            for own, hosting, periods in zip(
                held(found.own.get(user_id, nothing)),
                held(found.hosting.get(user_id, nothing)),
                found.periods,
                strict=True,
            )
        ]
        for user_id in found.own.keys() | found.hosting.keys()
    }


def team_evidence(found: Evaluation) -> Series:
    """What the alert on teams compares with its threshold."""
    return {team: held(values) for team, values in found.teams.items()}


def score_users(truth: Truth, series: Series, threshold: float) -> Score:
    """The alert on users."""
    firing = {user_id: _firing(truth, values, threshold) for user_id, values in series.items()}
    causes = [
        (truth.cause(user_id, first), user_id, first)
        for user_id, days in firing.items()
        for first in episodes(days)
    ]
    return Score(
        Counter(cause for cause, _, _ in causes),
        truth.person_years,
        tuple(
            _slump(event, firing.get(user_id, ()), truth.usual_hosting(user_id, event.start))
            for user_id, events in truth.of_person.items()
            for event in events
            if event.event.who == user_id
        ),
        sum(
            cause in WRONG and truth.hosted_many(user_id, first) for cause, user_id, first in causes
        ),
        truth.years_with_many_hosted,
    )


def score_teams(truth: Truth, series: Series, threshold: float) -> Score:
    """The alert on teams."""
    firing = {team: _firing(truth, values, threshold) for team, values in series.items()}
    return Score(
        Counter(
            truth.team_cause(team, first)
            for team, days in firing.items()
            for first in episodes(days)
        ),
        truth.team_years,
        tuple(
            _slump(event, firing.get(team, ()), 0.0)
            for team, events in truth.of_team.items()
            for event in events
        ),
    )


def episodes(days: Iterable[date]) -> Iterator[date]:
    """The first day of each run of firing days."""
    last = date.min
    for day in days:
        if (day - last).days > JOINED:
            yield day
        last = day


def _firing(truth: Truth, values: Sequence[float], threshold: float) -> Sequence[date]:
    first = truth.study.first
    return [first + timedelta(days=n) for n, value in enumerate(values) if value > threshold]


def _slump(event: PlantedEvent, firing: Iterable[date], usual: float) -> Slump:
    told = next((day for day in firing if event.start < day < event.end + AFTER), None)
    return Slump(
        event.event.kind,
        event.event.days,
        usual,
        None if told is None else (told - event.start).days + 1,
    )
