"""What a soak holds every scrape and every call against: the company's truth and Gong's limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from gong_exporter.simulator.api.messages import Entry
from gong_exporter.simulator.records import ApiCompany
from tests.support.truth import END, NAMES, START

EXTRA_COUNTERS = frozenset({"calls_whispered", "calls_summarized_by_ai", "anrufe_ä_電話", "7calls"})
"""What the faults ``extra-counters`` and ``weird-counter-names`` add: exported, and not part of
the truth."""

RETRY_AFTER: Mapping[str, float] = {
    "rate-limited": 1.0,
    "retry-after-date": 1.0,  # two seconds ahead of the second that has begun
    "rate-limited-long": 7200.0,
}
"""Seconds of silence that these faults ask for, at least."""

_SAMPLE = re.compile(r"^(gong_[a-z_]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')

_SHOWN = 5
"""Violations of one kind that are described; the others are counted."""


@dataclass
class Verdict:
    """What was found wrong, and how much was looked at.

    Attributes:
        wrong: descriptions, at most a few of each kind.
        count: of everything wrong.
        values: numbers compared with the truth.
        ranges: the different ranges of days that they were about.
    """

    wrong: list[str] = field(default_factory=list)
    count: int = 0
    values: int = 0
    ranges: set[tuple[date, date]] = field(default_factory=set)

    def violation(self, what: str) -> None:
        """Note it."""
        self.count += 1
        if len(self.wrong) < 4 * _SHOWN:
            self.wrong.append(what)


class Truth:
    """Compares expositions with the company, each number with the range its window states."""

    def __init__(self, company: ApiCompany) -> None:
        self._company = company
        self._zone = company.time_zone
        self._known = frozenset(company.user_ids)
        self._ranges: dict[tuple[date, date], Mapping[str, Mapping[str, float]]] = {}

    def check(self, text: str, now: datetime, verdict: Verdict) -> None:
        """One scrape. What is not published is not wrong; what is must be true."""
        samples = list(_samples(text))
        starts = {labels["window"]: value for name, labels, value in samples if name == START}
        ends = {labels["window"]: value for name, labels, value in samples if name == END}
        today = now.astimezone(self._zone).date()
        for window, end in ends.items():
            if not today - timedelta(days=1) <= self._day(end) <= today:
                verdict.violation(f"{window} ends on {self._day(end)}, and today is {today}")
        known: dict[str, float] = {}
        for name, labels, value in samples:
            if name == "gong_activity_users" and labels["state"] != "unknown":
                known[labels["window"]] = known.get(labels["window"], 0) + value
            if name != "gong_user_activity":
                continue
            window = labels["window"]
            if window not in ends:
                verdict.violation(f"{window} does not say what it covers")
                continue
            days = (self._day(starts[window]), self._day(ends[window]))
            self._check_value(days, labels, value, verdict)
        if len(set(known.values())) > 1:
            verdict.violation(f"windows know different numbers of users: {known}")

    def _check_value(
        self, days: tuple[date, date], labels: Mapping[str, str], value: float, verdict: Verdict
    ) -> None:
        metric = labels["metric"]
        if metric in EXTRA_COUNTERS:
            return
        verdict.values += 1
        verdict.ranges.add(days)
        true = self._numbers(days).get(labels["user"], {}).get(metric, 0.0)
        if labels["user"] not in self._known or value != true:
            verdict.violation(f"{labels} from {days[0]} to {days[1]} is {value}, in truth {true}")

    def _numbers(self, days: tuple[date, date]) -> Mapping[str, Mapping[str, float]]:
        if days not in self._ranges:
            start, end = days
            self._ranges[days] = {
                user.user_id: {NAMES[name]: float(count) for name, count in user.counters.items()}
                for user in (self._company.activity(start, end) if start < end else ())
            }
        return self._ranges[days]

    def _day(self, timestamp: float) -> date:
        return datetime.fromtimestamp(timestamp, self._zone).date()


def value_of(text: str, wanted: str) -> float | None:
    """The first sample of a name."""
    return next((value for name, _, value in _samples(text) if name == wanted), None)


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for name, labels, value in _SAMPLE.findall(text):
        yield name, dict(_LABEL.findall(labels)), float(value)


def check_calls(
    entries: Sequence[Entry],
    per_second: int,
    per_day: int,
    verdict: Verdict,
    *,
    timeout: float,
    kills: Sequence[float] = (),
) -> None:
    """The limits as they look at the API: a sliding second, a day, and every Retry-After.

    Args:
        entries: the journal; processes that run beside each other differ in the scheme of their
            credentials.
        per_second: calls allowed in any sliding second.
        per_day: calls allowed in all.
        verdict: takes the findings.
        timeout: seconds that an exchange may take.
        kills: when processes were killed, in the journal's seconds.
    """
    for first, later in zip(entries, entries[per_second:], strict=False):
        if later.arrived - first.arrived < 1.0:
            span = later.arrived - first.arrived
            verdict.violation(f"{per_second + 1} calls within {span:.3f} s")
    if len(entries) > per_day:
        verdict.violation(f"{len(entries)} calls of {per_day} a day")
    for entry, following in pairwise(entries):
        silence = max((RETRY_AFTER.get(fault, 0.0) for fault in entry.faults), default=0.0)
        waited = following.arrived - entry.arrived
        if (
            entry.status == 429
            and waited < silence
            and not _unheard(entry, following, timeout, kills)
        ):
            verdict.violation(f"a call {waited:.3f} s after a 429 ({entry.faults})")
    for entry in entries:
        if entry.status == 429 and not entry.faults:
            verdict.violation(f"the API's own limit was met: {entry}")


def _unheard(entry: Entry, following: Entry, timeout: float, kills: Sequence[float]) -> bool:
    """Whether no process can have known of a 429: its response was still under way.

    It was to another process, or the process that it was to was killed, or its head came so
    slowly that no exchange lasts long enough for it.
    """
    if "slow-drip-headers" in entry.faults:
        return True
    ended = entry.arrived + timeout
    if any(entry.arrived <= kill <= ended for kill in kills):
        return True
    return _scheme(entry) != _scheme(following) and following.arrived <= ended


def _scheme(entry: Entry) -> str:
    return dict(entry.headers).get("authorization", "")
