"""What the detector reads and what it finds. Immutable, and free of any storage or transport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NO_TEAM = ""
"""The team of people whose team is unknown; such a person is compared with everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The daily counts of one person, newest company day first.

    All sequences have the same length, the same for every person of a company.

    Attributes:
        user_id: Gong's ``userId``.
        team: the team by today's roster, NO_TEAM when unknown.
        hosted: ``callsAsHost`` of each day.
        calls: ``callsAsHost + callsAttended + ownCallsListenedTo`` of each day.
        contributions: ``callsGaveFeedback + callsRequestedFeedback + callsSharedInternally +
            callsSharedExternally + callsCommentsGiven`` of each day.
        listened: ``othersCallsListenedTo`` of each day.
        active: 1 for a day with any of these above 0, otherwise 0.
        employed: False when the roster says that the person is not active any more.
    """

    user_id: str
    team: str
    hosted: Sequence[int]
    calls: Sequence[int]
    contributions: Sequence[int]
    listened: Sequence[int]
    active: Sequence[int]
    employed: bool = True

    def as_of_the_day_before(self) -> Person:
        """The same person without the newest day."""
        return Person(
            user_id=self.user_id,
            team=self.team,
            hosted=self.hosted[1:],
            calls=self.calls[1:],
            contributions=self.contributions[1:],
            listened=self.listened[1:],
            active=self.active[1:],
            employed=self.employed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEvidence:
    """How strongly the newest days speak for a drop, for one window as of one day.

    Attributes:
        evidence: log likelihood ratio of "a drop" against "as usual", missing days included.
        window: the number of days of the window.
        count: what was counted in the window.
        expected: what the usual would have brought on the active days of the window.
        missing: the part of ``evidence`` that days without any activity contribute.
    """

    evidence: float
    window: int
    count: int
    expected: float
    missing: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one day's history says about one person or team.

    Attributes:
        deciding: of the window with the most evidence; of the shortest among equals.
        week: of the last seven days; None where their usual is not known.
    """

    deciding: WindowEvidence
    week: WindowEvidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is published about one person or team.

    Attributes:
        evidence: the smaller of the last two days, so that a drop must hold for a day.
        years: by chance, one person has this evidence once in so many years; None for teams.
        newest: window, counts and expectation as of the newest day.
    """

    evidence: float
    years: float | None
    newest: Assessment


@dataclass(frozen=True, slots=True)
class TeamFinding:
    """What is published about one team.

    Attributes:
        members: how many people are on the team by today's roster. Those who left or did nothing
            in the whole history are not counted: the team's numbers are only about the others.
        finding: evidence, counts and expectation.
    """

    members: int
    finding: Finding


class Reason(StrEnum):
    """Why a person has less activity than usual; the first that applies, in this order.

    Attributes:
        INACTIVE: the roster says that the person is not active any more.
        NEW: the person's own history is too short for a usual.
        AWAY: no activity on the last two or more expected days.
        TEAM_DOWN: the whole team has dropped.
        HOSTING_DOWN: the person hosts less, and does the rest as usual.
        ACTIVITY_DOWN: the person does less overall.
    """

    INACTIVE = "inactive"
    NEW = "new"
    AWAY = "away"
    TEAM_DOWN = "team_down"
    HOSTING_DOWN = "hosting_down"
    ACTIVITY_DOWN = "activity_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFindings:
    """Everything that is published about one person.

    Attributes:
        user_id: Gong's ``userId``.
        own_activity: of calls and contributions; None where nothing can be said.
        hosting: of ``callsAsHost``; None where nothing can be said.
        usual_own_activity: calls and contributions of a usual week; None where it is not known.
        usual_hosting: hosted calls of a usual week; likewise.
        active_days_7: days with any activity of the last 7; None with less history.
        active_days_28: days with any activity of the last 28; likewise.
        last_active_day: index of the newest day with any activity, 0 for the newest day of the
            history; None without any.
        reason: None while no evidence is above 0.
    """

    user_id: str
    own_activity: Finding | None
    hosting: Finding | None
    usual_own_activity: float | None
    usual_hosting: float | None
    active_days_7: int | None
    active_days_28: int | None
    last_active_day: int | None
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyWeek:
    """The company's own activity, in calls and contributions.

    Attributes:
        observed: over the last seven days.
        usual: mean of the three weeks before.
    """

    observed: int
    usual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that the detector found as of the newest day of the history.

    Attributes:
        people: in the order in which they were given.
        teams: by name, of teams of at least three.
        company: None with less than four weeks of history.
    """

    people: tuple[PersonFindings, ...]
    teams: Mapping[str, TeamFinding]
    company: CompanyWeek | None
