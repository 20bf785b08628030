"""Why a person has less activity than usual, in one word."""

from __future__ import annotations

from gong_exporter.drops.absences import Presence
from gong_exporter.drops.records import Finding, Person, Reason, TeamFinding
from gong_exporter.drops.thresholds import TEAM_EVIDENCE

NEW_DAYS = 28
"""Days of a person's own history below which their usual is not settled."""

AWAY_DAYS = 2
"""Expected days in a row without activity that are leave rather than a drop."""


def reason(
    person: Person,
    own: Finding | None,
    hosted: Finding | None,
    team: TeamFinding | None,
    presence: Presence,
) -> Reason | None:
    """Why the person has less activity than usual; None while no evidence is above 0."""
    values = [finding.evidence for finding in (own, hosted) if finding]
    if max(values, default=0.0) <= 0:
        return None
    applies = {
        Reason.INACTIVE: not person.employed,
        Reason.NEW: days_of_history(person) < NEW_DAYS,
        Reason.AWAY: presence.away >= AWAY_DAYS,
        Reason.TEAM_DOWN: team is not None and team.finding.evidence > TEAM_EVIDENCE,
        Reason.HOSTING_DOWN: _years(hosted) > _years(own),
    }
    return next((one for one, holds in applies.items() if holds), Reason.ACTIVITY_DOWN)


def _years(finding: Finding | None) -> float:
    return (finding.years if finding else None) or 0.0


def days_of_history(person: Person) -> int:
    """Company days since the person's first activity, that day included."""
    return max((day + 1 for day, active in enumerate(person.active) if active), default=0)
