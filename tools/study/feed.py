"""Days as input of ``promtool test rules``: the real engine, the real rules, every day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.study.counts import OWN, Day

HOUR = 3600
DAY = 24 * HOUR

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
"""A series: its name, and its labels in order."""

SHOWN = {"1d": OWN, "7d": OWN, "28d": OWN}
"""What the rules read of each window."""


@dataclass
class Feed:
    """Input series, one value for each step.

    Time begins at 0, as promtool has it: the first company day begins then.

    Attributes:
        step: seconds from one value to the next.
        steps: how many.
        series: a value, or None for none, at each step.
    """

    step: int
    steps: int
    series: dict[Key, list[float | None]] = field(default_factory=dict)

    def put(self, steps: Iterable[int], name: str, value: float | None, **labels: str) -> None:
        """Set a series' value at some steps."""
        key = (name, tuple(sorted(labels.items())))
        if key not in self.series:
            self.series[key] = [None] * self.steps
        for step in steps:
            self.series[key][step] = value

    def erase(self, begin: int, end: int, **labels: str) -> None:
        """Take every sample in ``[begin, end)`` (seconds) away from series with these labels."""
        first, last = -(-begin // self.step), -(-end // self.step)
        for (_, pairs), values in self.series.items():
            if labels.items() <= dict(pairs).items():
                values[first:last] = [None] * (last - first)

    def input_series(self) -> list[dict[str, str]]:
        """As promtool reads it."""
        return [
            {"series": _series(key), "values": _values(values)}
            for key, values in self.series.items()
        ]


def day_feed(
    days: Sequence[Day],
    step: int = 12 * HOUR,
    *,
    job: str = "gong",
    instance: str = "localhost:14664",
    shown: Mapping[str, Iterable[str]] = SHOWN,
) -> Feed:
    """What an exporter shows on these days, each beginning at a multiple of 24 hours."""
    feed = Feed(step, len(days) * DAY // step)
    target = {"job": job, "instance": instance}
    a_day = DAY // step
    for number, day in enumerate(days):
        steps = range(number * a_day, (number + 1) * a_day)
        for window in day.windows:
            name = "gong_activity_window_end_timestamp_seconds"
            feed.put(steps, name, number * DAY, window=window, **target)
        for user in day.users:
            who = {"user": user, "email": day.emails.get(user, ""), **target}
            team = {"team": day.teams[user]} if day.teams.get(user) else {}
            feed.put(steps, "gong_user_info", 1, **who, **team)
            for window in day.windows:
                for metric in shown[window]:
                    value = day.count(window, user, metric)
                    labels = {"metric": metric, "window": window, **who}
                    feed.put(steps, "gong_user_activity", value, **labels)
    return feed


Expected = Mapping[int, Iterable[Mapping[str, str]]]
"""The labels of what is there at a time, in seconds."""


def write_test(
    path: Path, rules: Iterable[Path], feeds: Iterable[Feed], expression: str, expected: Expected
) -> None:
    """A file for ``promtool test rules``.

    Args:
        path: where (JSON is YAML).
        rules: the rule files.
        feeds: merged; all of the same step. It is also the interval of evaluation.
        expression: whose result is checked, each series being 1.
        expected: what it is at each time.
    """
    feeds = list(feeds)
    interval = f"{feeds[0].step}s"
    test: dict[str, Any] = {
        "interval": interval,
        "input_series": [series for feed in feeds for series in feed.input_series()],
        "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": f"{at}s",
                "exp_samples": [
                    {"labels": _labels(labels.items()), "value": 1} for labels in found
                ],
            }
            for at, found in expected.items()
        ],
    }
    document = {
        "rule_files": [str(rule) for rule in rules],
        "evaluation_interval": interval,
        "tests": [test],
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def _series(key: Key) -> str:
    name, labels = key
    return name + _labels(labels)


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels)) + "}"


def _values(values: Sequence[float | None]) -> str:
    """In promtool's notation: ``13x23`` is 24 times 13, ``_x24`` is 24 times nothing."""
    parts = []
    for value, same in groupby(values):
        count = len(list(same))
        parts.append(f"_x{count}" if value is None else f"{value!r}x{count - 1}")
    return " ".join(parts)
