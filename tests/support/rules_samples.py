"""What an exporter serves of drops, made by hand: for promtool, and as text for real servers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

YEAR = 365.25 * 24 * 3600
HOUR = 3600
DAY = 24 * HOUR
LAST_ACTIVE = 1793617200.0
"""2026-11-03 in Auckland, where the day begins 13 hours earlier than in UTC."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a scrape.

    Attributes:
        name: of the family.
        labels: without those of the target.
        value: ...
    """

    name: str
    labels: Mapping[str, str]
    value: float


def person(
    user: str,
    *,
    years: float = 0.2,
    hosting_years: float = 0.1,
    evidence: float = 1.0,
    active_days: tuple[int, int] = (5, 20),
    window: str = "7d",
    reason: str = "activity_down",
    **info: str,
) -> list[Sample]:
    """Everything about one person, with 6 of 25 of all activity and 3 of 10 hosted calls.

    Where another window than 7d decides, these are its numbers, and those of 7d are a third.

    Args:
        user: the id; the address follows from it.
        years: how rare the drop of all activity is.
        hosting_years: the same of the hosted calls.
        evidence: for both drops.
        active_days: of the last 7 and of the last 28 days.
        window: the deciding one.
        reason: why the person did less.
        info: further labels of ``gong_user_info``, or another ``email``.
    """
    who = {"user": user, "email": info.pop("email", f"{user}@acme.com")}
    samples = [
        Sample("gong_user_info", {**who, **info}, 1),
        Sample("gong_user_presence_ratio", {**who, "window": "7d"}, active_days[0] / 7),
        Sample("gong_user_presence_ratio", {**who, "window": "28d"}, active_days[1] / 28),
        Sample("gong_user_drop_reason", {**who, "reason": reason}, 1),
        Sample("gong_user_last_active_timestamp_seconds", who, LAST_ACTIVE),
    ]
    for metric, rarity, observed, expected in (
        ("own_activity", years, 6, 25),
        ("calls_as_host", hosting_years, 3, 10),
    ):
        kind = {**who, "metric": metric}
        samples += [
            Sample("gong_user_drop_return_period_seconds", kind, rarity * YEAR),
            Sample("gong_user_drop_evidence", {**kind, "window": window}, evidence),
            *_counts("gong_user", kind, window, observed, expected),
        ]
    return samples


def _counts(
    start: str, labels: Mapping[str, str], window: str, observed: float, expected: float
) -> list[Sample]:
    return [
        Sample(f"{start}_{what}_activity", {**labels, "window": each}, value / part)
        for each, part in {"7d": 3, window: 1}.items()
        for what, value in (("observed", observed), ("expected", expected))
    ]


def team(
    name: str, evidence: float, window: str = "7d", observed: float = 60, expected: float = 150
) -> list[Sample]:
    """Everything about one team."""
    labels = {"team": name, "window": window}
    return [
        Sample("gong_team_drop_evidence", labels, evidence),
        *_counts("gong_team", {"team": name}, window, observed, expected),
    ]


def company(observed: float, usual: float) -> list[Sample]:
    """What the company did, and usually does."""
    week = {"window": "7d"}
    return [
        Sample("gong_company_observed_activity", week, observed),
        Sample("gong_company_usual_activity", week, usual),
    ]


def exposition(samples: Iterable[Sample], **target: str) -> str:
    """The samples in Prometheus's text format; with the labels of a target where it is pushed."""
    return "".join(
        f"{_series(each.name, {**each.labels, **target})} {each.value!r}\n" for each in samples
    )


@dataclass
class Feed:
    """Input series for promtool, one value for each step, from the time 0 on.

    Attributes:
        step: seconds from one value to the next.
        steps: how many.
        series: a value, or None for none, at each step.
    """

    step: int
    steps: int
    series: dict[str, list[float | None]] = field(default_factory=dict)

    def scrape(
        self,
        samples: Iterable[Sample],
        begin: int = 0,
        end: int | None = None,
        **target: str,
    ) -> Feed:
        """Let a target serve the samples in ``[begin, end)`` (seconds); to the end without one."""
        first = -(-begin // self.step)
        last = self.steps if end is None else -(-end // self.step)
        for sample in samples:
            labels = {"job": "gong", "instance": "a:1", **target, **sample.labels}
            values = self.series.setdefault(_series(sample.name, labels), [None] * self.steps)
            values[first:last] = [sample.value] * (last - first)
        return self

    def input_series(self) -> list[dict[str, str]]:
        """As promtool reads it."""
        return [{"series": key, "values": _values(all_)} for key, all_ in self.series.items()]


def _series(name: str, labels: Mapping[str, str]) -> str:
    return (
        name
        + "{"
        + ",".join(
            f"{key}={json.dumps(value, ensure_ascii=False)}"
            for key, value in sorted(labels.items())
        )
        + "}"
    )


def _values(values: Iterable[float | None]) -> str:
    """In promtool's notation: ``13x23`` is 24 times 13, ``_x24`` is 24 times nothing."""
    parts = []
    for value, same in groupby(values):
        count = len(list(same))
        parts.append(f"_x{count}" if value is None else f"{value!r}x{count - 1}")
    return " ".join(parts)
