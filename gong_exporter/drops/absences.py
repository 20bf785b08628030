"""Single weekdays without any activity on which a person should have been active.

One such day, while the team was at work, is weak evidence for a drop. Several in a row are leave
and say nothing. A weekend or a public holiday is not expected to have activity at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gong_exporter.drops.dispersion import WEEK
from gong_exporter.drops.expectation import sum_of_days
from gong_exporter.drops.records import NO_TEAM

EXPECTED_ABOVE = 0.5
"""A day is expected to have activity if it usually has, more often than this."""

RECENT_DAYS = 14
"""Days that may belong to a drop: how often a person is off is learned from older days."""

PRIOR_GAPS, PRIOR_DAYS = 8.0, 100.0
"""The company's share of single days off before any data: 8 of 100."""

PERSON_PRIOR_DAYS = 20.0
"""A person's own share counts as much as the company's after so many days."""


@dataclass(frozen=True, slots=True)
class MissingDay:
    """A single expected day without activity.

    Attributes:
        day: its index, 0 is the newest.
        off: the probability that the person was off on a day like this one, by chance.
    """

    day: int
    off: float


@dataclass(frozen=True, slots=True)
class Presence:
    """When one person is usually active.

    Attributes:
        usual: for each index of a day modulo 7, the share of days with activity.
        missing: the single expected days without activity, newest first.
        gaps: how many of these are older than RECENT_DAYS.
        present: expected days with activity.
        away: expected days since the last day with activity.
    """

    usual: tuple[float, ...]
    missing: tuple[int, ...]
    gaps: int
    present: int
    away: int


class Colleagues:
    """How many people of each team were active on each day, and how many usually are.

    Args:
        active: for each person, 1 for each day with activity, otherwise 0; newest day first.
        teams: the team of each person; people without one are compared with everybody.
        usuals: for each person and weekday, the share of days with activity.
    """

    def __init__(
        self,
        active: Sequence[Sequence[int]],
        teams: Sequence[str],
        usuals: Sequence[tuple[float, ...]],
    ) -> None:
        members: dict[str, list[int]] = defaultdict(list)
        for index, team in enumerate(teams):
            if team != NO_TEAM:
                members[team].append(index)
        everybody = {NO_TEAM: range(len(teams))}
        self._active = {
            team: sum_of_days(active[i] for i in who) for team, who in (members | everybody).items()
        }
        self._usual = {
            team: sum_of_days(usuals[i] for i in who) for team, who in (members | everybody).items()
        }

    def share_at_work(self, team: str, row: Sequence[int], usual: tuple[float, ...]) -> list[float]:
        """For each day, how many colleagues were active, of those who usually are; at most 1.

        Args:
            team: of the person, who is left out.
            row: the person's active days.
            usual: the person's share of active days for each weekday.
        """
        others = [total - own + 1 for total, own in zip(self._usual[team], usual, strict=True)]
        repeated = others * (len(row) // WEEK + 1)
        return [
            ratio if (ratio := (count - own + 1) / expected) < 1 else 1.0
            for count, own, expected in zip(self._active[team], row, repeated, strict=False)
        ]


@dataclass(frozen=True, slots=True)
class Presences:
    """When everybody is usually active.

    Attributes:
        people: in the order of the rows.
        colleagues: what each person is compared with.
        single_days_off: the company's share of single days off among expected days.
    """

    people: tuple[Presence, ...]
    colleagues: Colleagues
    single_days_off: float

    def missing_days(self, index: int, team: str, row: Sequence[int]) -> Iterator[MissingDay]:
        """The single expected days without activity of one person, newest first.

        Args:
            index: of the person.
            team: of the person.
            row: 1 for each day with activity, otherwise 0; newest day first.
        """
        presence = self.people[index]
        if not presence.missing:
            return
        peers = self.colleagues.share_at_work(team, row, presence.usual)
        away = (presence.gaps + PERSON_PRIOR_DAYS * self.single_days_off) / (
            presence.gaps + presence.present + PERSON_PRIOR_DAYS
        )
        for day in presence.missing:
            yield MissingDay(day=day, off=1 - (1 - away) * peers[day])


def presences(active: Sequence[Sequence[int]], teams: Sequence[str]) -> Presences:
    """When everybody is usually active, and on which single days they were missing.

    Args:
        active: for each person, 1 for each day with activity, otherwise 0; newest day first.
        teams: the team of each person.
    """
    usuals = [_usual(row) for row in active]
    colleagues = Colleagues(active, teams, usuals)
    people = tuple(
        _presence(row, usual, colleagues.share_at_work(team, row, usual))
        for team, row, usual in zip(teams, active, usuals, strict=True)
    )
    gaps = sum(presence.gaps for presence in people)
    present = sum(presence.present for presence in people)
    company = (gaps + PRIOR_GAPS) / (gaps + present + PRIOR_DAYS)
    return Presences(people, colleagues, company)


def _usual(row: Sequence[int]) -> tuple[float, ...]:
    """Share of active days for each weekday; the newest week may be the drop and is left out."""
    return tuple(
        sum(days) / len(days) if (days := row[WEEK + k :: WEEK]) else 0.0 for k in range(WEEK)
    )


def _presence(row: Sequence[int], usual: tuple[float, ...], peers: Sequence[float]) -> Presence:
    repeated = usual * (len(row) // WEEK + 1)
    expected = [
        share * ratio > EXPECTED_ABOVE for share, ratio in zip(repeated, peers, strict=False)
    ]
    missing: list[int] = []
    present = gaps = away = 0
    day = 0
    for is_active, run in groupby(row):
        days = range(day, day + len(list(run)))
        day = days.stop
        if is_active:
            present += sum(expected[days.start : days.stop])
            continue
        absent = [one for one in days if expected[one]]
        if days.start == 0:
            away = len(absent)
        if len(absent) == 1:
            missing += absent
            gaps += days.start >= RECENT_DAYS
    return Presence(usual=usual, missing=tuple(missing), gaps=gaps, present=present, away=away)
