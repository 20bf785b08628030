"""Renders what the detector found, beside the snapshot's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gong_exporter.activity.snapshot import User
from gong_exporter.drops.rarity import MOST_YEARS
from gong_exporter.drops.records import CompanyWeek, Finding, PersonFindings, TeamFinding
from gong_exporter.exposition import names
from gong_exporter.exposition.family import Family, escape, format_value

SECONDS_PER_YEAR = 365.25 * 86_400

MIN_TEAM_WITHOUT_PEOPLE = 5
"""Members of the smallest team that is shown while no person is."""

DECIMALS = 3
"""Of evidence and of what was to be expected: every Prometheus stores each further digit."""

_WEEK, _FOUR_WEEKS = 7, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReport:
    """What the detector found, ready to be published.

    Attributes:
        people: by id, as of the newest day of the history.
        teams: of teams, by name.
        company: of the company; None while it is not known.
        day_starts: Unix seconds at which each day of the history began, newest first.
        end: Unix seconds at which the newest day ended.
        show_people: whether people are shown.
    """

    people: Mapping[str, PersonFindings]
    teams: Mapping[str, TeamFinding]
    company: CompanyWeek | None
    day_starts: tuple[float, ...]
    end: float
    show_people: bool = True


_WEEK_LABEL = b',window="%dd"' % _WEEK
_METRICS = (b'metric="own_activity",', b'metric="calls_as_host",')
"""The two kinds of activity, in the order of ``_both``."""

_Sample = tuple[bytes, bytes, float | None]
"""The labels whose names sort before ``user``, those after it, and the value; None for none."""

_TeamSamples = Iterable[tuple[bytes, float]]


def drop_lines(report: DropReport, users: Iterable[User]) -> Iterator[bytes]:
    """The families in pieces: one per person or team, and one before the first of each family."""
    if report.show_people:
        people = report.people
        shown = [(user, people[user.user_id]) for user in users if user.user_id in people]
        for family, samples_of in _PERSON_FAMILIES:
            yield from _person_family(family, samples_of, shown)
        last_active = partial(_last_active, report.day_starts)
        yield from _person_family(names.USER_LAST_ACTIVE, last_active, shown)
    for family, samples in _others(report):
        yield from _lines(family, samples)


def _person_family(
    family: Family,
    samples_of: Callable[[PersonFindings], Iterable[_Sample]],
    shown: Iterable[tuple[User, PersonFindings]],
) -> Iterator[bytes]:
    """Labels are sorted by name, as the client library does; ``email`` comes first."""
    head, name = family.head(), family.name.encode()
    for user, found in shown:
        email, user_id = escape(user.email), escape(user.user_id)
        own = b"".join(
            [
                b'%b{email="%b",%buser="%b"%b} %b\n'
                % (name, email, before, user_id, after, format_value(value).encode())
                for before, after, value in samples_of(found)
                if value is not None
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


def _both(found: PersonFindings) -> Iterator[tuple[bytes, Finding]]:
    """What is known of each kind of activity."""
    for metric, finding in zip(_METRICS, (found.own_activity, found.hosting), strict=True):
        if finding is not None:
            yield metric, finding


def _windows(finding: Finding) -> Iterator[tuple[bytes, float, float]]:
    """Label, count and expectation of the last week, and of the deciding window if another."""
    week, deciding = finding.newest.week, finding.newest.deciding
    if week is not None:
        yield _WEEK_LABEL, week.count, round(week.expected, DECIMALS)
    if deciding.window != _WEEK:
        yield _deciding(finding), deciding.count, round(deciding.expected, DECIMALS)


def _deciding(finding: Finding) -> bytes:
    return b',window="%dd"' % finding.newest.deciding.window


def _observed(found: PersonFindings) -> Iterator[_Sample]:
    for metric, finding in _both(found):
        for window, count, _ in _windows(finding):
            yield metric, window, count


def _expected(found: PersonFindings) -> Iterator[_Sample]:
    for metric, finding in _both(found):
        for window, _, expected in _windows(finding):
            yield metric, window, expected


def _usual(found: PersonFindings) -> Iterator[_Sample]:
    usual = found.usual_own_activity, found.usual_hosting
    for metric, value in zip(_METRICS, usual, strict=True):
        yield metric, b"", None if value is None else round(value, DECIMALS)


def _evidence(found: PersonFindings) -> Iterator[_Sample]:
    for metric, finding in _both(found):
        yield metric, _deciding(finding), round(finding.evidence, DECIMALS)


def _return_period(found: PersonFindings) -> Iterator[_Sample]:
    for metric, finding in _both(found):
        if finding.years is not None:
            seconds = min(finding.years, MOST_YEARS) * SECONDS_PER_YEAR
            yield metric, b"", float(round(seconds))


def _reason(found: PersonFindings) -> Iterator[_Sample]:
    if found.reason is not None:
        yield b'reason="%b",' % found.reason.value.encode(), b"", 1.0


def _presence(found: PersonFindings) -> Iterator[_Sample]:
    if found.active_days_7 is not None:
        yield b"", _WEEK_LABEL, found.active_days_7 / _WEEK
    if found.active_days_28 is not None:
        yield b"", b',window="%dd"' % _FOUR_WEEKS, found.active_days_28 / _FOUR_WEEKS


def _last_active(day_starts: Sequence[float], found: PersonFindings) -> Iterator[_Sample]:
    if found.last_active_day is not None:
        yield b"", b"", day_starts[found.last_active_day]


_PERSON_FAMILIES: tuple[tuple[Family, Callable[[PersonFindings], Iterable[_Sample]]], ...] = (
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
        (b'team="%b"' % escape(name), team.finding)
        for name, team in sorted(report.teams.items())
        if team.members >= least
    ]
    windows = [
        (team + window, count, expected)
        for team, finding in teams
        for window, count, expected in _windows(finding)
    ]
    yield names.TEAM_OBSERVED, [(labels, count) for labels, count, _ in windows]
    yield names.TEAM_EXPECTED, [(labels, expected) for labels, _, expected in windows]
    evidence = [(team + _deciding(each), round(each.evidence, DECIMALS)) for team, each in teams]
    yield names.TEAM_EVIDENCE, evidence
    company = report.company
    if company is not None:
        week = _WEEK_LABEL.removeprefix(b",")
        yield names.COMPANY_OBSERVED, [(week, float(company.observed))]
        yield names.COMPANY_USUAL, [(week, company.usual)]
