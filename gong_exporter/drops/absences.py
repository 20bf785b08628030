"""Weekdays without any activity on which a person should have been active.

A person who does a quarter of the usual has some days without anything, also two or three in a row.
Such runs of days, while the team was at work, are evidence for a drop as far as they are rarer by
chance. Whole weeks are leave and say nothing. A weekend or a public holiday is not expected to have
activity at all.
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

PRIOR_RUNS, PRIOR_DAYS = (8.0, 2.0, 1.0, 1.0), 100.0
"""The company's runs of one to four days off before any data, in 100 days. Longer ones are leave.

Single days alone find fewer drops with as many wrong alerts; a whole week says nothing more.
"""

PERSON_PRIOR_DAYS = 20.0
"""A person's own share of single days off counts as much as the company's after so many days.

For runs of several days, which are rarer, it takes so many times as long.
"""


@dataclass(frozen=True, slots=True)
class MissingRun:
    """Expected days in a row without activity.

    Attributes:
        days: their indexes, 0 is the newest.
        off: the probability that the person was off for a run of this length, by chance.
    """

    days: Sequence[int]
    off: float


@dataclass(frozen=True, slots=True)
class Presence:
    """When one person is usually active.

    Attributes:
        usual: for each index of a day modulo 7, the share of days with activity.
        missing: the short runs of expected days without activity, newest first.
        gaps: for each length of a run from one day on, how many are older than RECENT_DAYS.
        present: expected days with activity.
        away: expected days since the last day with activity.
    """

    usual: tuple[float, ...]
    missing: tuple[tuple[int, ...], ...]
    gaps: tuple[int, ...]
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
        shares_off: for each length of a run, how many the company has by expected day.
    """

    people: tuple[Presence, ...]
    colleagues: Colleagues
    shares_off: tuple[float, ...]

    def missing_runs(self, index: int, team: str, row: Sequence[int]) -> Iterator[MissingRun]:
        """The short runs of expected days without activity of one person, newest first.

        Args:
            index: of the person.
            team: of the person.
            row: 1 for each day with activity, otherwise 0; newest day first.
        """
        presence = self.people[index]
        if not presence.missing:
            return
        peers = self.colleagues.share_at_work(team, row, presence.usual)
        for days in presence.missing:
            length = len(days)
            gaps, prior = presence.gaps[length - 1], PERSON_PRIOR_DAYS * length
            away = (gaps + prior * self.shares_off[length - 1]) / (gaps + presence.present + prior)
            at_work = sum(peers[day] for day in days) / length
            yield MissingRun(days, off=1 - (1 - away) * at_work)


def presences(active: Sequence[Sequence[int]], teams: Sequence[str]) -> Presences:
    """When everybody is usually active, and on which days they were missing.

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
    present = sum(presence.present for presence in people)
    gaps = [sum(presence.gaps[i] for presence in people) for i in range(len(PRIOR_RUNS))]
    shares_off = tuple(
        (found + prior) / (found + present + PRIOR_DAYS)
        for found, prior in zip(gaps, PRIOR_RUNS, strict=True)
    )
    return Presences(people, colleagues, shares_off)


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
    missing: list[tuple[int, ...]] = []
    gaps = [0] * len(PRIOR_RUNS)
    present = away = day = 0
    for is_active, run in groupby(row):
        days = range(day, day + len(list(run)))
        day = days.stop
        if is_active:
            present += sum(expected[days.start : days.stop])
            continue
        absent = tuple(one for one in days if expected[one])
        if days.start == 0:
            away = len(absent)
        if 0 < len(absent) <= len(PRIOR_RUNS):
            missing.append(absent)
            gaps[len(absent) - 1] += days.start >= RECENT_DAYS
    return Presence(usual, tuple(missing), tuple(gaps), present, away)
