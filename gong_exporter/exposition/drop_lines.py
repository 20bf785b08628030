"""Renders what the detector found, beside the snapshot's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan

from gong_exporter.activity.snapshot import User
from gong_exporter.drops.records import CompanyWeek
from gong_exporter.exposition import names
from gong_exporter.exposition.family import Family, escape, format_value
from gong_exporter.exposition.scores import REASONS, PeopleScores, PersonScores, Score, TeamScore

SECONDS_PER_YEAR = 365.25 * 86_400

MIN_TEAM_WITHOUT_PEOPLE = 5
"""Members of the smallest team that is shown while no person is."""

_WEEK, _FOUR_WEEKS = 7, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReport:
    """What the detector found, ready to be published.

    Attributes:
        people: of people, as of the newest day of the history.
        teams: of teams, by name.
        company: of the company; None while it is not known.
        day_starts: Unix seconds at which each day of the history began, newest first.
        end: Unix seconds at which the newest day ended.
        show_people: whether people are shown.
    """

    people: PeopleScores
    teams: Mapping[str, TeamScore]
    company: CompanyWeek | None
    day_starts: tuple[float, ...]
    end: float
    show_people: bool = True


_WEEK_LABEL = b',window="%dd"' % _WEEK
_METRICS = (b'metric="own_activity",', b'metric="calls_as_host",')
"""The two kinds of activity, in the order of PersonScores."""

_Sample = tuple[bytes, bytes, float]
"""The labels whose names sort before ``user``, those after it, and the value; ABSENT for none."""

_TeamSamples = Iterable[tuple[bytes, float]]


def drop_lines(report: DropReport, users: Iterable[User]) -> Iterator[bytes]:
    """The families in pieces: one per person or team, and one before the first of each family."""
    if report.show_people:
        people, indexes = report.people, report.people.indexes()
        shown = [(user, indexes[user.user_id]) for user in users if user.user_id in indexes]
        for family, samples_of in _PERSON_FAMILIES:
            yield from _person_family(family, samples_of, shown, people)
        last_active = partial(_last_active, report.day_starts)
        yield from _person_family(names.USER_LAST_ACTIVE, last_active, shown, people)
    for family, samples in _others(report):
        yield from _lines(family, samples)


def _person_family(
    family: Family,
    samples_of: Callable[[PersonScores], Iterable[_Sample]],
    shown: Iterable[tuple[User, int]],
    people: PeopleScores,
) -> Iterator[bytes]:
    """Labels are sorted by name, as the client library does; ``email`` comes first."""
    head, name = family.head(), family.name.encode()
    for user, index in shown:
        email, user_id = escape(user.email), escape(user.user_id)
        own = b"".join(
            [
                b'%b{email="%b",%buser="%b"%b} %b\n'
                % (name, email, before, user_id, after, format_value(value).encode())
                for before, after, value in samples_of(people.at(index))
                if not isnan(value)
            ]
        )
        if own:
            yield head + own
            head = b""


def _lines(family: Family, samples: _TeamSamples) -> Iterator[bytes]:
    head = family.head()
    for labels, value in samples:
        yield head + b"%b{%b} %b\n" % (family.name.encode(), labels, format_value(value).encode())
        head = b""


def _windows(score: Score) -> Iterator[tuple[bytes, float, float]]:
    """Label, count and expectation of the last week, and of the deciding window if another."""
    if not isnan(score.week_counted):
        yield _WEEK_LABEL, score.week_counted, score.week_expected
    if score.window != _WEEK and not isnan(score.evidence):
        yield _window(score), score.counted, score.expected


def _window(score: Score) -> bytes:
    return b',window="%dd"' % score.window


def _observed(found: PersonScores) -> Iterator[_Sample]:
    for metric, score in zip(_METRICS, found[:2], strict=True):
        for window, count, _ in _windows(score):
            yield metric, window, count


def _expected(found: PersonScores) -> Iterator[_Sample]:
    for metric, score in zip(_METRICS, found[:2], strict=True):
        for window, _, expected in _windows(score):
            yield metric, window, expected


def _usual(found: PersonScores) -> Iterable[_Sample]:
    own, hosting = _METRICS
    return (own, b"", found.usual_own_activity), (hosting, b"", found.usual_hosting)


def _evidence(found: PersonScores) -> Iterator[_Sample]:
    for metric, score in zip(_METRICS, found[:2], strict=True):
        yield metric, _window(score), score.evidence


def _return_period(found: PersonScores) -> Iterator[_Sample]:
    for metric, years in zip(
        _METRICS, (found.own_activity_years, found.hosting_years), strict=True
    ):
        if not isnan(years):
            yield metric, b"", float(round(years * SECONDS_PER_YEAR))


def _reason(found: PersonScores) -> Iterator[_Sample]:
    if not isnan(found.reason):
        yield b'reason="%b",' % REASONS[int(found.reason)].value.encode(), b"", 1.0


def _presence(found: PersonScores) -> Iterable[_Sample]:
    return (
        (b"", _WEEK_LABEL, found.active_days_7 / _WEEK),
        (b"", b',window="%dd"' % _FOUR_WEEKS, found.active_days_28 / _FOUR_WEEKS),
    )


def _last_active(day_starts: Sequence[float], found: PersonScores) -> Iterator[_Sample]:
    if not isnan(found.last_active_day):
        yield b"", b"", day_starts[int(found.last_active_day)]


_PERSON_FAMILIES: tuple[tuple[Family, Callable[[PersonScores], Iterable[_Sample]]], ...] = (
    (names.USER_OBSERVED, _observed),
    (names.USER_EXPECTED, _expected),
    (names.USER_USUAL, _usual),
    (names.USER_EVIDENCE, _evidence),
    (names.USER_RETURN_PERIOD, _return_period),
    (names.USER_REASON, _reason),
    (names.USER_PRESENCE, _presence),
)


def _others(report: DropReport) -> Iterator[tuple[Family, _TeamSamples]]:
    least = 0 if report.show_people else MIN_TEAM_WITHOUT_PEOPLE
    teams = [
        (b'team="%b"' % escape(name), team.score)
        for name, team in sorted(report.teams.items())
        if team.members >= least
    ]
    windows = [
        (team + window, count, expected)
        for team, score in teams
        for window, count, expected in _windows(score)
    ]
    yield names.TEAM_OBSERVED, [(labels, count) for labels, count, _ in windows]
    yield names.TEAM_EXPECTED, [(labels, expected) for labels, _, expected in windows]
    yield names.TEAM_EVIDENCE, [(team + _window(score), score.evidence) for team, score in teams]
    company = report.company
    if company is not None:
        week = _WEEK_LABEL.removeprefix(b",")
        yield names.COMPANY_OBSERVED, [(week, float(company.observed))]
        yield names.COMPANY_USUAL, [(week, company.usual)]
