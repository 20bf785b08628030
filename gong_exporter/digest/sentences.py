"""The sentences of the alerts.

The annotations in ``prometheus/rules/gong-activity.yml`` say the same, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gong_exporter.digest.week import Count, PersonWeek, TeamWeek

CAPPED_YEARS = 99.5
"""Nothing was measured beyond 100 years."""

_REASONS = {
    "activity_down": "Less activity overall.",
    "team_down": "The team is down too.",
    "new": "New: less than four weeks of history.",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """Some sentences that begin with a name.

    Attributes:
        subject: the name of a person or a team, as the roster or Gong has it.
        rest: what follows, with the space before it.
    """

    subject: str
    rest: str

    def __str__(self) -> str:
        return f"{self.subject}{self.rest}"


def person_drop(person: PersonWeek) -> Sentence:
    """Why a person is on the list of people who did much less."""
    sentences = [
        *_counts(person.week, person.longer),
        *([] if person.active_days is None else [_active_days(person.active_days)]),
        *_reason(person),
        "By chance less than once in 100 years."
        if person.years >= CAPPED_YEARS
        else f"By chance about once in {person.years:.0f} years.",
    ]
    return Sentence(_name(person), f"{_team_and_manager(person)}: {' '.join(sentences)}")


def person_silent(person: PersonWeek) -> Sentence:
    """Why a person is on the list of people who did nothing."""
    return Sentence(
        _name(person),
        f"{_team_and_manager(person)}: no activity in the last 7 days, active on"
        f" {person.active_days_28 or 0} of the 21 days before.{_last_active(person)}"
        " Most often this is leave, or the person left the company.",
    )


def team_drop(team: TeamWeek) -> Sentence:
    """What the alert on a team says."""
    counts = " ".join(_counts(team.week, team.longer))
    end = "Holidays and leave of single members are taken into account."
    return Sentence(f"Team {team.name}", f": {counts} {end}")


def company_drop(company: Count) -> Sentence:
    """What the alert on the company says."""
    missing = 100 * (1 - company.observed / (company.expected or 1))
    return Sentence(
        "The whole company",
        f": {missing:.4g}% fewer calls and contributions in the last 7 days than in the mean of the"
        " three weeks before. Unless the company was closed, calls may no longer be recorded.",
    )


def _name(person: PersonWeek) -> str:
    labels = person.labels
    return labels.get("name") or labels.get("email") or f"User {labels['user']}"


def _team_and_manager(person: PersonWeek) -> str:
    manager = person.labels.get("manager")
    team = person.team if person.team != manager else ""
    parts = [part for part in (team, f"manager {manager}" if manager else "") if part]
    return f" ({', '.join(parts)})" if parts else ""


def _counts(week: Count | None, longer: Count | None) -> Iterator[str]:
    if week is not None:
        did = _counted(week.observed, "call or contribution", "calls and contributions")
        text = f"{did} in the last 7 days{_expected(week)}"
        if longer is not None:
            text += f"; {longer.observed:.0f} in the last {longer.days} days{_expected(longer)}"
        yield f"{text}."


def _counted(number: float, one: str, many: str) -> str:
    text = f"{number:.0f}"
    return f"{text} {one if text == '1' else many}"


def _expected(count: Count) -> str:
    return "" if count.expected is None else f", about {count.expected:.0f} expected"


def _active_days(days: int) -> str:
    return f"Active on {days} of the last 7 days."


def _reason(person: PersonWeek) -> Iterator[str]:
    if person.reason in _REASONS:
        yield _REASONS[person.reason]
    elif person.reason == "away" and person.last_active:
        yield _last_active(person).lstrip()
    elif person.reason == "hosting_down" and person.hosting:
        count = person.hosting
        hosted = _counted(count.observed, "hosted call", "hosted calls")
        yield f"Hosting fell most: {hosted} in the last {count.days} days{_expected(count)}."


def _last_active(person: PersonWeek) -> str:
    return f" Last active on {person.last_active}." if person.last_active else ""
