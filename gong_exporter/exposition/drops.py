"""Renders what the detector found, beside the snapshot's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gong_exporter.activity.snapshot import User
from gong_exporter.drops.rarity import HOSTING_YEARS, OWN_ACTIVITY_YEARS
from gong_exporter.drops.records import Assessment, Finding, Findings, PersonFindings
from gong_exporter.exposition import names
from gong_exporter.exposition.escape import escape
from gong_exporter.exposition.names import Family, format_value

SECONDS_PER_YEAR = 365.25 * 86_400

MIN_TEAM_WITHOUT_PEOPLE = 5
"""Members of the smallest team that is shown while no person is."""

_WEEK, _FOUR_WEEKS = 7, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReport:
    """What the detector found, ready to be published.

    Attributes:
        findings: as of the newest day of the history.
        day_starts: Unix seconds at which each day of the history began, newest first.
        end: Unix seconds at which the newest day ended.
        people: whether people are shown.
    """

    findings: Findings
    day_starts: tuple[float, ...]
    end: float
    people: bool = True


_Labels = tuple[tuple[str, str], ...]
_Samples = Iterator[tuple[_Labels, float]]


def drop_lines(report: DropReport, users: Iterable[User]) -> Iterator[bytes]:
    """The families in pieces: one per person or team, and one before the first of each family.

    Args:
        report: what was found.
        users: the people who may be shown, with their labels.
    """
    if report.people:
        by_id = {found.user_id: found for found in report.findings.people}
        shown = [(user, found) for user in users if (found := by_id.get(user.user_id))]
        for family, samples_of in _PERSON_FAMILIES:
            yield from _person_family(family, samples_of, shown, report)
    for family, samples in _others(report):
        yield from _lines(family, samples)


def _person_family(
    family: Family,
    samples_of: Callable[[PersonFindings, DropReport], _Samples],
    shown: Iterable[tuple[User, PersonFindings]],
    report: DropReport,
) -> Iterator[bytes]:
    """Labels are sorted by name, as the client library does; ``email`` comes first."""
    head = family.head()
    start = family.name.encode()
    for user, found in shown:
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
            for labels, value in samples_of(found, report)
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


def _both(found: PersonFindings) -> Iterator[tuple[str, Finding]]:
    if found.own_activity is not None:
        yield "own_activity", found.own_activity
    if found.hosting is not None:
        yield "calls_as_host", found.hosting


def _windows(assessment: Assessment) -> Iterator[tuple[str, int, float]]:
    """Name, count and expectation of the last week, and of the deciding window if another."""
    week, deciding = assessment.week, assessment.deciding
    if week is not None:
        yield f"{week.window}d", week.count, week.expected
    if deciding.window != _WEEK:
        yield f"{deciding.window}d", deciding.count, deciding.expected


def _observed(found: PersonFindings, _report: DropReport) -> _Samples:
    for metric, finding in _both(found):
        for window, count, _ in _windows(finding.newest):
            yield (("metric", metric), ("window", window)), count


def _expected(found: PersonFindings, _report: DropReport) -> _Samples:
    for metric, finding in _both(found):
        for window, _, expected in _windows(finding.newest):
            yield (("metric", metric), ("window", window)), expected


def _usual(found: PersonFindings, _report: DropReport) -> _Samples:
    if found.usual_own_activity is not None:
        yield (("metric", "own_activity"),), found.usual_own_activity
    if found.usual_hosting is not None:
        yield (("metric", "calls_as_host"),), found.usual_hosting


def _evidence(found: PersonFindings, _report: DropReport) -> _Samples:
    for metric, finding in _both(found):
        window = f"{finding.newest.deciding.window}d"
        yield (("metric", metric), ("window", window)), finding.evidence


def _return_period(found: PersonFindings, _report: DropReport) -> _Samples:
    periods = {"own_activity": OWN_ACTIVITY_YEARS, "calls_as_host": HOSTING_YEARS}
    for metric, finding in _both(found):
        years = periods[metric].years(finding.evidence)
        yield (("metric", metric),), years * SECONDS_PER_YEAR


def _reason(found: PersonFindings, _report: DropReport) -> _Samples:
    if found.reason is not None:
        yield (("reason", found.reason.value),), 1


def _presence(found: PersonFindings, _report: DropReport) -> _Samples:
    if found.active_days_7 is not None:
        yield (("window", f"{_WEEK}d"),), found.active_days_7 / _WEEK
    if found.active_days_28 is not None:
        yield (("window", f"{_FOUR_WEEKS}d"),), found.active_days_28 / _FOUR_WEEKS


def _last_active(found: PersonFindings, report: DropReport) -> _Samples:
    if found.last_active_day is not None:
        yield (), report.day_starts[found.last_active_day]


_PERSON_FAMILIES: tuple[tuple[Family, Callable[[PersonFindings, DropReport], _Samples]], ...] = (
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
    least = 0 if report.people else MIN_TEAM_WITHOUT_PEOPLE
    teams = [
        (name, team.finding)
        for name, team in sorted(report.findings.teams.items())
        if team.members >= least
    ]
    yield (
        names.TEAM_OBSERVED,
        (
            ((("team", name), ("window", window)), float(count))
            for name, finding in teams
            for window, count, _ in _windows(finding.newest)
        ),
    )
    yield (
        names.TEAM_EXPECTED,
        (
            ((("team", name), ("window", window)), expected)
            for name, finding in teams
            for window, _, expected in _windows(finding.newest)
        ),
    )
    yield (
        names.TEAM_EVIDENCE,
        (
            (
                (("team", name), ("window", f"{finding.newest.deciding.window}d")),
                finding.evidence,
            )
            for name, finding in teams
        ),
    )
    company = report.findings.company
    if company is not None:
        week = (("window", f"{_WEEK}d"),)
        yield names.COMPANY_OBSERVED, iter([(week, float(company.observed))])
        yield names.COMPANY_USUAL, iter([(week, company.usual)])
