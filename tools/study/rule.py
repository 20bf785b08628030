"""The rules' arithmetic once more, in Python: fast enough for a whole grid of thresholds.

``tests/rules`` and the study itself hold it against the real engine with the real rules.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from tools.study.counts import OWN, WATCHED, Day

SHARE = 0.5
"""Fire below this share of what was to be expected."""

OTHERS_HOLD = 0.5
"""Above this share of what was to be expected, all else that a user does holds up."""

USER_SIGMAS = {"calls_as_host": 3.0, "calls_attended": 2.5}
USER_ALONE_SIGMAS = {"calls_as_host": 4.0, "calls_attended": 4.0}
USER_USUAL = {"calls_as_host": 12.0, "calls_attended": 9.0}
TEAM_SIGMAS = {"calls_as_host": 5.0, "calls_attended": 3.5}
COMPANY_SIGMAS = 4.0
"""The thresholds of the rules, by metric: ``tests/rules`` compares them with the files."""

SILENT_EXPECTED = 5.0
PRESENT_DAYS = 3
HISTORY_DAYS = 7


@dataclass(frozen=True, slots=True)
class Reading:
    """One user's, team's or the company's metric on a day, as the rules record it.

    Attributes:
        day: the company's current day.
        subject: a user's id or a team's name; empty for the company.
        metric: ...
        recent: the last 7 days.
        usual: the same of the three weeks before.
        expected: the usual, less the lull of the rest.
        present: on how many of the last 7 days a user did anything; None if not known.
        others: all else that a user does, as a share of what was to be expected of it; NaN if
            nothing was.
    """

    day: date
    subject: str
    metric: str
    recent: float
    usual: float
    expected: float
    present: int | None = None
    others: float = math.nan

    @property
    def sigmas(self) -> float:
        """How far below the expected, in standard deviations of chance; -inf for none."""
        if self.usual == 0 or self.expected == 0:
            return -math.inf
        return (self.expected - self.recent) / math.sqrt(
            self.expected + self.expected**2 / (3 * self.usual)
        )

    @property
    def plain_sigmas(self) -> float:
        """The same from the usual alone, whatever the rest of the company does."""
        if self.usual == 0:
            return -math.inf
        return (self.usual - self.recent) / math.sqrt(self.usual * 4 / 3)

    @property
    def there(self) -> bool:
        """Whether the user was at work on enough days, as far as that is known."""
        return self.present is None or self.present >= PRESENT_DAYS

    def below(self, sigmas: float, usual: float = 0.0, alone: float = math.inf) -> bool:
        """Whether it is a drop, by these thresholds (``alone``: where all else holds up)."""
        return (
            self.recent < SHARE * self.expected
            and self.sigmas > (alone if self.others > OTHERS_HOLD else sigmas)
            and self.usual >= usual
            and self.there
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """All of a day's readings.

    Attributes:
        day: the company's current day.
        users: one for each known user and watched metric.
        teams: one for each team and watched metric.
        company: one for each watched metric.
    """

    day: date
    users: tuple[Reading, ...]
    teams: tuple[Reading, ...]
    company: tuple[Reading, ...]

    def dropped(self) -> tuple[Reading, ...]:
        """Whom GongUserActivityDrop is about."""
        return tuple(
            each
            for each in self.users
            if each.below(
                USER_SIGMAS[each.metric], USER_USUAL[each.metric], USER_ALONE_SIGMAS[each.metric]
            )
        )

    def teams_dropped(self) -> tuple[Reading, ...]:
        """What GongTeamActivityDrop is about."""
        return tuple(each for each in self.teams if each.below(TEAM_SIGMAS[each.metric]))

    def company_dropped(self) -> tuple[Reading, ...]:
        """What GongCompanyActivityDrop is about."""
        return tuple(each for each in self.company if each.below(COMPANY_SIGMAS))

    def silent(self) -> frozenset[str]:
        """Users with nothing in any watched metric of whom something was to be expected."""
        seen = {each.subject for each in self.users if each.recent > 0}
        awaited = {each.subject for each in self.users if each.expected >= SILENT_EXPECTED}
        return frozenset(awaited - seen)


def readings(days: Iterable[Day], metrics: Iterable[str] = WATCHED) -> Iterator[Readings]:
    """The readings of consecutive days."""
    wanted = tuple(metrics)
    history: deque[Mapping[str, bool]] = deque(maxlen=HISTORY_DAYS)
    for day in days:
        users = day.users
        history.append(
            {user: any(day.count("1d", user, metric) for metric in OWN) for user in users}
        )
        present = {user: _present(user, history) for user in users}
        own = {user: _pair(day, user, *OWN) for user in users}
        people: list[Reading] = []
        teams: list[Reading] = []
        company: list[Reading] = []
        for metric in wanted:
            pairs = {user: _pair(day, user, metric) for user in users}
            total = _total(pairs.values())
            for user, pair in pairs.items():
                reading = _reading(day.day, user, metric, own=pair, total=total)
                people.append(
                    replace(reading, present=present[user], others=_others(reading, own[user]))
                )
            groups: dict[str, list[tuple[float, float]]] = {}
            for user, pair in pairs.items():
                if team := day.teams.get(user, ""):
                    groups.setdefault(team, []).append(pair)
            for team, members in sorted(groups.items()):
                teams.append(_reading(day.day, team, metric, own=_total(members), total=total))
            if users:
                company.append(Reading(day.day, "", metric, *total, expected=total[1]))
        yield Readings(day.day, tuple(people), tuple(teams), tuple(company))


def _present(user: str, history: Iterable[Mapping[str, bool]]) -> int | None:
    seen = [day[user] for day in history if user in day]
    return sum(seen) if len(seen) == HISTORY_DAYS else None


def _pair(day: Day, user: str, *metrics: str) -> tuple[float, float]:
    """The last 7 days, and the same of the three weeks before."""
    recent, longest = (
        sum(day.count(window, user, metric) for metric in metrics) for window in ("7d", "28d")
    )
    return float(recent), (longest - recent) / 3


def _others(reading: Reading, own: tuple[float, float]) -> float:
    recent, usual = own[0] - reading.recent, own[1] - reading.usual
    if reading.usual == 0:
        return math.nan
    expected = usual * reading.expected / reading.usual
    if expected == 0:
        return math.inf if recent else math.nan
    return recent / expected


def _total(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    recent = usual = 0.0
    for more, as_usual in pairs:
        recent += more
        usual += as_usual
    return recent, usual


def _reading(
    day: date,
    subject: str,
    metric: str,
    *,
    own: tuple[float, float],
    total: tuple[float, float],
) -> Reading:
    recent, usual = own
    rest_recent, rest_usual = total[0] - recent, total[1] - usual
    if rest_usual == 0:
        lull = 1.0
    else:
        lull = min(rest_recent / rest_usual, 1.0)
        lull = 1.0 if lull < 0 else lull
    return Reading(day, subject, metric, recent, usual, usual * lull)
