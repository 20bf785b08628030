"""What a digest says, before it has a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from gong_exporter.digest.sentences import (
    Sentence,
    company_drop,
    person_drop,
    person_silent,
    team_drop,
)
from gong_exporter.digest.week import Count, DigestWeek, PersonWeek, company_is_down

LESS, NOTHING = "Much less than usual", "Nothing in the last 7 days"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of the company and the teams.

    Attributes:
        name: of the team, after the word "Team": it may be the name of its manager, whose own
            numbers are others.
        observed: calls and contributions of the last seven days.
        expected: what was to be expected.
        change: between the two, as a ratio less 1; None where too few were expected.
    """

    name: str
    observed: str
    expected: str
    change: float | None

    @property
    def change_text(self) -> str:
        """As a percentage, such as ``-12%``; empty where too few were expected."""
        if self.change is None:
            return ""
        return f"{self.change:+.0%}".replace("+0%", "0%").replace("-0%", "0%")


@dataclass(frozen=True, slots=True)
class Section:
    """A list of people.

    Attributes:
        heading: of the list, without the number of people.
        entries: one for each person who is shown.
        total: how many people there are.
        empty: what stands there instead of an empty list.
    """

    heading: str
    entries: tuple[Sentence, ...]
    total: int
    empty: str

    @property
    def more_text(self) -> str:
        """How many people are not shown; empty if all are."""
        more = self.total - len(self.entries)
        return f"and {more} more" if more else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """All of it.

    Attributes:
        title: with the week.
        rows: the company, and the teams with an alert or the lowest change.
        more_teams: how many teams have no row; empty if all have one.
        notes: what the alerts on the company and the teams say.
        sections: the people; none where people are not scored.
        closing: how to read it.
    """

    title: str
    rows: tuple[Row, ...]
    more_teams: str
    notes: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    closing: str

    @property
    def summary(self) -> str:
        """All of it in one line, without names."""
        counts = ", ".join(f"{each.heading.lower()}: {each.total}" for each in self.sections)
        return f"{self.title}. {counts.capitalize()}." if counts else f"{self.title}."


def make_digest(week: DigestWeek, top: int, team: str = "") -> Digest:
    """Write the digest.

    Args:
        week: what happened.
        top: entries of each list at most.
        team: named in the title.
    """
    of_team = f" of team {team}" if team else ""
    more = len(week.teams[top:])
    rows = [_row("The whole company", week.company)] if week.company else []
    rows += [_row(f"Team {each.name}", each.week) for each in week.teams[:top] if each.week]
    notes = [company_drop(week.company)] if week.company and company_is_down(week.company) else []
    notes += [team_drop(each) for each in week.teams[:top] if each.is_down]
    sections = (
        _section(LESS, week.dropped, top, person_drop, "No person does much less than usual."),
        _section(NOTHING, week.silent, top, person_silent, "No usually active person."),
    )
    return Digest(
        title=f"Gong activity{of_team}, {_day(week.first_day)} to {_day(week.last_day)}"
        f" {week.last_day.year}",
        rows=tuple(rows),
        more_teams=f"and {more} more team{'s' if more > 1 else ''}" if more else "",
        notes=tuple(notes),
        sections=sections if week.people_scored else (),
        closing="Calls are those hosted, those attended, and own ones listened to; contributions"
        " are feedback, shares and comments. A drop is a reason to ask, and not a proof. Expected"
        " is what the usual would have brought on the days with any activity, so leave and holidays"
        " do not count as a drop; of the whole company, it is the mean of the three weeks before."
        + ("" if week.people_scored else " This exporter publishes no scores of people."),
    )


def _section(
    heading: str,
    people: tuple[PersonWeek, ...],
    top: int,
    sentence: Callable[[PersonWeek], Sentence],
    empty: str,
) -> Section:
    return Section(heading, tuple(map(sentence, people[:top])), len(people), empty)


def _row(name: str, count: Count) -> Row:
    expected = "" if count.expected is None else f"{count.expected:,.0f}"
    return Row(name, f"{count.observed:,.0f}", expected, count.change)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
