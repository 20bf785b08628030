"""How much of what people do, by their work: the usual numbers before habits, form and season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gong_exporter.simulator.company.chance import level_of
from gong_exporter.simulator.company.layout import Role, Segment

NEW_WEEKS = 9
"""Weeks for which a person counts as new, listening much and hosting little."""


@dataclass(frozen=True, slots=True)
class Duties:
    """The usual amount of everything, as levels.

    Attributes:
        joins: calls of others joined, a day.
        own: own calls listened to, a day.
        reviews: calls of others listened to for their own sake, a week.
        asks: requests for feedback, a week.
        shares: calls shared inside the company, a week.
        shares_out: calls shared outside, a week.
        comments: how many in 256 reviewed calls get a comment.
        scorecards: how many get a scorecard.
        feedback: how many get feedback.
        marks: how many are marked as reviewed.
        actions: the most reviews, requests and shares in one week.
    """

    joins: int
    own: int
    reviews: int
    asks: int
    shares: int
    shares_out: int
    comments: int
    scorecards: int
    feedback: int
    marks: int
    actions: int


def _duties(amounts: Sequence[float], outcomes: Sequence[int], actions: int) -> Duties:
    joins, own, reviews, asks, shares, shares_out = (level_of(amount) for amount in amounts)
    comments, scorecards, feedback, marks = outcomes
    return Duties(
        joins=joins,
        own=own,
        reviews=reviews,
        asks=asks,
        shares=shares,
        shares_out=shares_out,
        comments=comments,
        scorecards=scorecards,
        feedback=feedback,
        marks=marks,
        actions=actions,
    )


_DUTIES = {
    Role.REPRESENTATIVE: _duties((0.3, 0.55, 1.3, 0.8, 1.0, 0.8), (36, 3, 18, 8), 24),
    Role.MANAGER: _duties((1.1, 0.08, 10.0, 0.04, 1.3, 0.2), (128, 77, 110, 90), 44),
    Role.ENGINEER: _duties((2.4, 0.12, 1.3, 0.08, 0.5, 0.4), (50, 2, 40, 6), 24),
    Role.DIRECTOR: _duties((0.3, 0.03, 1.2, 0.03, 0.3, 0.05), (90, 10, 70, 40), 24),
}
_NEW = _duties((1.2, 0.9, 9.0, 1.8, 0.3, 0.2), (10, 1, 4, 2), 40)
_GUEST = _duties((0.07, 0.02, 1.6, 0.02, 0.06, 0.02), (90, 20, 70, 40), 16)
_HOSTED = {Role.MANAGER: 0.55, Role.ENGINEER: 0.35, Role.DIRECTOR: 0.7}


def duties_of(role: Role, weeks: int, *, guest: bool) -> Duties:
    """What a person does in a team, so many weeks after the first day; a guest leads several."""
    if guest:
        return _GUEST
    return _NEW if role is not Role.DIRECTOR and weeks < NEW_WEEKS else _DUTIES[role]


def hosting_level(role: Role, segment: Segment) -> int:
    """The level of calls hosted a day by an experienced person."""
    return level_of(_HOSTED.get(role, segment.hosted))
