"""Renders what the detector found, beside the snapshot's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gong_exporter.activity.snapshot import User
from gong_exporter.drops.rarity import HOSTING_YEARS, OWN_ACTIVITY_YEARS
from gong_exporter.drops.records import CompanyWeek
from gong_exporter.exposition import names
from gong_exporter.exposition.escape import escape
from gong_exporter.exposition.names import Family, format_value
from gong_exporter.exposition.scores import PeopleScores, PersonScores, Score, TeamScore

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


_Labels = tuple[tuple[str, str], ...]
_Samples = Iterator[tuple[_Labels, float]]


def drop_lines(report: DropReport, users: Iterable[User]) -> Iterator[bytes]:
    """The families in pieces: one per person or team, and one before the first of each family.

    Args:
        report: what was found.
        users: the people who may be shown, with their labels.
    """
    if report.show_people:
        indexes = report.people.indexes()
        shown = [(user, indexes[user.user_id]) for user in users if user.user_id in indexes]
        for family, samples_of in _PERSON_FAMILIES:
            yield from _person_family(family, samples_of, shown, report)
    for family, samples in _others(report):
        yield from _lines(family, samples)


def _person_family(
    family: Family,
    samples_of: Callable[[PersonScores, DropReport], _Samples],
    shown: Iterable[tuple[User, int]],
    report: DropReport,
) -> Iterator[bytes]:
    """Labels are sorted by name, as the client library does; ``email`` comes first."""
    head = family.head()
    start = family.name.encode()
    for user, index in shown:
        own = b"".join(
            b'%b{email="%b",%buser="%b"%b} %b\n'
            % (
                start,
                escape(user.email),
                b"".join(_label(*label) + b"," for label in labels if label[0] < "user"),
                escape(user.user_id),
                b"".join(b"," + _label(*label) for label in labels if label[0] > "user"),
                format_value(value).encode(),
            )
            for labels, value in samples_of(report.people.at(index), report)
        )
        if own:
            yield head + own
            head = b""


def _lines(family: Family, samples: _Samples) -> Iterator[bytes]:
    head = family.head()
    for labels, value in samples:
        pairs = b",".join(_label(*label) for label in labels)
        yield head + b"%b{%b} %b\n" % (family.name.encode(), pairs, format_value(value).encode())
        head = b""


def _label(name: str, value: str) -> bytes:
    return b'%b="%b"' % (name.encode(), escape(value))


def _both(found: PersonScores) -> Iterator[tuple[str, Score]]:
    if found.own_activity is not None:
        yield "own_activity", found.own_activity
    if found.hosting is not None:
        yield "calls_as_host", found.hosting


def _windows(score: Score) -> Iterator[tuple[str, float, float]]:
    """Name, count and expectation of the last week, and of the deciding window if another."""
    if score.week_count is not None and score.week_expected is not None:
        yield f"{_WEEK}d", score.week_count, score.week_expected
    if score.window != _WEEK:
        yield f"{score.window}d", score.count, score.expected


def _observed(found: PersonScores, _report: DropReport) -> _Samples:
    for metric, score in _both(found):
        for window, count, _ in _windows(score):
            yield (("metric", metric), ("window", window)), count


def _expected(found: PersonScores, _report: DropReport) -> _Samples:
    for metric, score in _both(found):
        for window, _, expected in _windows(score):
            yield (("metric", metric), ("window", window)), expected


def _usual(found: PersonScores, _report: DropReport) -> _Samples:
    if found.usual_own_activity is not None:
        yield (("metric", "own_activity"),), found.usual_own_activity
    if found.usual_hosting is not None:
        yield (("metric", "calls_as_host"),), found.usual_hosting


def _evidence(found: PersonScores, _report: DropReport) -> _Samples:
    for metric, score in _both(found):
        yield (("metric", metric), ("window", f"{score.window}d")), score.evidence


def _return_period(found: PersonScores, _report: DropReport) -> _Samples:
    periods = {"own_activity": OWN_ACTIVITY_YEARS, "calls_as_host": HOSTING_YEARS}
    for metric, score in _both(found):
        years = periods[metric].years(score.evidence)
        yield (("metric", metric),), years * SECONDS_PER_YEAR


def _reason(found: PersonScores, _report: DropReport) -> _Samples:
    if found.reason is not None:
        yield (("reason", found.reason.value),), 1


def _presence(found: PersonScores, _report: DropReport) -> _Samples:
    if found.active_days_7 is not None:
        yield (("window", f"{_WEEK}d"),), found.active_days_7 / _WEEK
    if found.active_days_28 is not None:
        yield (("window", f"{_FOUR_WEEKS}d"),), found.active_days_28 / _FOUR_WEEKS


def _last_active(found: PersonScores, report: DropReport) -> _Samples:
    if found.last_active_day is not None:
        yield (), report.day_starts[found.last_active_day]


_PERSON_FAMILIES: tuple[tuple[Family, Callable[[PersonScores, DropReport], _Samples]], ...] = (
    (names.USER_OBSERVED, _observed),
    (names.USER_EXPECTED, _expected),
    (names.USER_USUAL, _usual),
    (names.USER_EVIDENCE, _evidence),
    (names.USER_RETURN_PERIOD, _return_period),
    (names.USER_REASON, _reason),
    (names.USER_PRESENCE, _presence),
    (names.USER_LAST_ACTIVE, _last_active),
)


def _others(report: DropReport) -> Iterator[tuple[Family, _Samples]]:
    least = 0 if report.show_people else MIN_TEAM_WITHOUT_PEOPLE
    teams = [
        (name, team.score) for name, team in sorted(report.teams.items()) if team.members >= least
    ]
    yield (
        names.TEAM_OBSERVED,
        (
            ((("team", name), ("window", window)), count)
            for name, score in teams
            for window, count, _ in _windows(score)
        ),
    )
    yield (
        names.TEAM_EXPECTED,
        (
            ((("team", name), ("window", window)), expected)
            for name, score in teams
            for window, _, expected in _windows(score)
        ),
    )
    yield (
        names.TEAM_EVIDENCE,
        (
            (
                (("team", name), ("window", f"{score.window}d")),
                score.evidence,
            )
            for name, score in teams
        ),
    )
    company = report.company
    if company is not None:
        week = (("window", f"{_WEEK}d"),)
        yield names.COMPANY_OBSERVED, iter([(week, float(company.observed))])
        yield names.COMPANY_USUAL, iter([(week, company.usual)])
