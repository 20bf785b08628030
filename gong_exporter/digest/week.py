"""From an exporter's samples to the week: who did less, who did nothing, how teams and all did.

The thresholds are those of the alerts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gong_exporter.digest.samples import NoWeekError, Samples, by_labels
from gong_exporter.drops.thresholds import (
    COMPANY_DROP,
    SILENT_ACTIVE_DAYS,
    TEAM_EVIDENCE,
    USER_INFO_YEARS,
)
from gong_exporter.exposition import names
from gong_exporter.exposition.drop_lines import SECONDS_PER_YEAR

COMPANY_LEAST = 20
"""Usual calls and contributions a week below which the company's share means nothing."""

LEAST_EXPECTED = 5
"""Fewer make no percentage, as on the dashboards."""

MAX_AGE = 27 * 3600
"""Seconds since the end of the newest day, after which the alert GongDayHistoryStale fires."""

_OF_A_WHOLE_HISTORY = (names.USER_PRESENCE, names.TEAM_EVIDENCE, names.COMPANY_USUAL)
"""One of them is served once the day history is complete, with ``drops.people: false`` too. Days of
last activity are served before that."""

_DAY = 86_400
_LONGER = ("10d", "14d")
_WINDOWS = ("7d", *_LONGER)


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted in a window, and what was expected.

    Attributes:
        days: of the window.
        observed: what was counted.
        expected: what the usual would have brought; None where it is not known.
    """

    days: int
    observed: float
    expected: float | None

    @property
    def change(self) -> float | None:
        """The ratio to what was expected, less 1; None where too few were."""
        if self.expected is None or self.expected < LEAST_EXPECTED:
            return None
        return self.observed / self.expected - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonWeek:
    """A person and what the detector found. All numbers are absent where they are not known.

    Attributes:
        labels: of ``gong_user_info``: user, email, active, and the columns of the roster.
        week: all activity of the last seven days.
        longer: the same in the deciding window, if that is a longer one.
        hosting: hosted calls in their deciding window.
        years: how rare so little activity is by chance, 100 at most; 0 without evidence.
        evidence: for the drop that is so rare: it orders those of 100 years.
        reason: as in ``gong_user_drop_reason``; empty for none.
        active_days: of the last seven days.
        active_days_28: of the last 28 days.
        last_active: the last day with any activity.
    """

    labels: Mapping[str, str]
    week: Count | None = None
    longer: Count | None = None
    hosting: Count | None = None
    years: float = 0.0
    evidence: float = 0.0
    reason: str = ""
    active_days: int | None = None
    active_days_28: int | None = None
    last_active: date | None = None

    @property
    def team(self) -> str:
        """The team by the roster; empty for none."""
        return self.labels.get("team", "")

    @property
    def is_silent(self) -> bool:
        """True if a usually active person did nothing in the last seven days."""
        return not self.active_days and (self.active_days_28 or 0) >= SILENT_ACTIVE_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamWeek:
    """A team and what the detector found.

    Attributes:
        name: as in the roster.
        week: its last seven days; None where no usual is known.
        longer: the deciding window, if that is a longer one.
        evidence: for a drop.
    """

    name: str
    week: Count | None
    longer: Count | None
    evidence: float

    @property
    def is_down(self) -> bool:
        """True if it does so little that there is an alert."""
        return self.evidence > TEAM_EVIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestWeek:
    """The last seven days.

    Attributes:
        last_day: the newest of them.
        company: everybody, against the mean of the three weeks before; None if it is not known.
        teams: the ones with an alert first, most evidence first; then the lowest change first.
        dropped: people who did much less than usual, the rarest first.
        silent: people who did nothing, although they usually do.
        people_scored: False where the exporter publishes teams only.
    """

    last_day: date
    company: Count | None
    teams: tuple[TeamWeek, ...]
    dropped: tuple[PersonWeek, ...]
    silent: tuple[PersonWeek, ...]
    people_scored: bool

    @property
    def first_day(self) -> date:
        """The oldest of the seven days."""
        return self.last_day - timedelta(days=6)


def company_is_down(company: Count) -> bool:
    """True if the company does so little that there is an alert."""
    usual = company.expected or 0
    return usual >= COMPANY_LEAST and 1 - company.observed / usual > COMPANY_DROP


def read_week(samples: Samples, now: float, team: str = "") -> DigestWeek:
    """The week.

    Args:
        samples: of FAMILIES.
        now: Unix seconds.
        team: leave out everybody else, and the other teams.

    Raises:
        NoWeekError: the samples are too old, or there are none about drops.
    """
    end = _end(samples, now)
    try:
        return _week(samples, end, team)
    except (KeyError, ValueError, OverflowError):  # a label is missing, or a number is out of range
        raise NoWeekError("these metrics are not those of a gong-exporter") from None


def _week(samples: Samples, end: float, team: str) -> DigestWeek:
    people = [
        person
        for person in _people(samples)
        if person.labels.get("active") != "false" and team in {"", person.team}
    ]
    silent = [person for person in people if person.is_silent]
    dropped = [p for p in people if p.years > USER_INFO_YEARS and not p.is_silent]
    teams = [each for each in _teams(samples) if team in {"", each.name}]
    return DigestWeek(
        last_day=_day_of(end - _DAY),
        company=_company(samples),
        teams=tuple(sorted(teams, key=_team_order)),
        dropped=tuple(sorted(dropped, key=lambda p: (-p.years, -p.evidence, *_name(p)))),
        silent=tuple(sorted(silent, key=lambda p: (-(p.active_days_28 or 0), *_name(p)))),
        people_scored=bool(samples.of(names.USER_PRESENCE)),
    )


def _end(samples: Samples, now: float) -> float:
    """When the newest day ended. Raises: NoWeekError."""
    if not samples.of(names.USER_INFO) and samples.single(names.HISTORY_RATIO) is None:
        what = "has no data from Gong yet, or is not a gong-exporter: see its status page"
        raise NoWeekError(f"this exporter {what}")
    ratio = samples.single(names.HISTORY_RATIO)
    if ratio is None:
        raise NoWeekError(
            "drop detection is off, so there is no digest: it needs drops.enabled: true (the"
            " default) and a state file"
        )
    end = samples.single(names.HISTORY_END)
    if end is not None and now - end > MAX_AGE:
        hours = (now - end) / 3600
        raise NoWeekError(
            f"the data is stale: its newest day ended {hours:.0f} hours ago. The exporter's status"
            " page and log say why polls fail"
        )
    if end is None or not any(samples.of(family) for family in _OF_A_WHOLE_HISTORY):
        raise NoWeekError(
            f"the exporter is still fetching its day history ({ratio:.0%} of 84 days are known):"
            " try again later"
        )
    return end


def _day_of(start: float) -> date:
    """The company's day that began at this instant.

    The time zone is not served, but 13 hours after midnight the date is the same in UTC, in all
    zones from Hawaii to New Zealand. The alerts do the same.
    """
    return datetime.fromtimestamp(start + 13 * 3600, UTC).date()


def _people(samples: Samples) -> Iterator[PersonWeek]:
    """Everybody who is served."""
    observed = by_labels(samples.of(names.USER_OBSERVED), "user", "metric", "window")
    expected = by_labels(samples.of(names.USER_EXPECTED), "user", "metric", "window")
    evidence = by_labels(samples.of(names.USER_EVIDENCE), "user", "metric", "window")
    periods = by_labels(samples.of(names.USER_RETURN_PERIOD), "user", "metric")
    reasons = {labels["user"]: labels["reason"] for labels, _ in samples.of(names.USER_REASON)}
    presence = by_labels(samples.of(names.USER_PRESENCE), "user", "window")
    last_active = by_labels(samples.of(names.USER_LAST_ACTIVE), "user")
    for labels, _ in samples.of(names.USER_INFO):
        user = labels["user"]
        own, hosting = (user, "own_activity"), (user, "calls_as_host")
        last, days = last_active.get((user,)), presence.get((user, "7d"))
        days_before = presence.get((user, "28d"))
        rarest, strength = max(
            (periods.get(kind, 0), max(evidence.get((*kind, window), 0) for window in _WINDOWS))
            for kind in (own, hosting)
        )
        yield PersonWeek(
            labels=labels,
            week=_count(observed, expected, own, ["7d"]),
            longer=_count(observed, expected, own, _LONGER),
            hosting=_count(
                observed, expected, hosting, [w for w in _WINDOWS if (*hosting, w) in evidence]
            ),
            years=rarest / SECONDS_PER_YEAR,
            evidence=strength,
            reason=reasons.get(user, ""),
            active_days=None if days is None else round(7 * days),
            active_days_28=None if days_before is None else round(28 * days_before),
            last_active=None if last is None else _day_of(last),
        )


def _teams(samples: Samples) -> Iterator[TeamWeek]:
    observed = by_labels(samples.of(names.TEAM_OBSERVED), "team", "window")
    expected = by_labels(samples.of(names.TEAM_EXPECTED), "team", "window")
    for labels, evidence in samples.of(names.TEAM_EVIDENCE):
        name = labels["team"]
        yield TeamWeek(
            name=name,
            week=_count(observed, expected, (name,), ["7d"]),
            longer=_count(observed, expected, (name,), _LONGER),
            evidence=evidence,
        )


def _team_order(team: TeamWeek) -> tuple[float, float, str]:
    evidence = team.evidence if team.is_down else 0
    change = team.week.change if team.week else None
    return -evidence, math.inf if change is None else change, team.name


def _count(
    observed: Mapping[tuple[str, ...], float],
    expected: Mapping[tuple[str, ...], float],
    key: tuple[str, ...],
    windows: Iterable[str],
) -> Count | None:
    """The count in the first of these windows that has one."""
    for window in windows:
        if (*key, window) in observed:
            days = int(window.removesuffix("d"))
            return Count(days, observed[*key, window], expected.get((*key, window)))
    return None


def _company(samples: Samples) -> Count | None:
    observed, usual = (
        samples.single(family) for family in (names.COMPANY_OBSERVED, names.COMPANY_USUAL)
    )
    if observed is None or usual is None:
        return None
    return Count(7, observed, usual)


def _name(person: PersonWeek) -> tuple[str, str]:
    return person.labels.get("email", ""), person.labels["user"]
