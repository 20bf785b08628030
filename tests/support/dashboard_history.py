"""A simulated company's past as OpenMetrics, as though an exporter had run and been scraped.

One sample a day, as a backfill writes them, and on the last day one more at its end; the
exporter's own numbers minute by minute for the last hours. Dashboards read all of it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property

from gong_exporter import __version__
from gong_exporter.exposition.family import escape
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.directory import on_the_roster
from tests.support.dashboard_scores import Scores
from tests.support.truth import NAMES

WINDOWS: Mapping[str, int] = {"1d": 1, "7d": 7, "28d": 28}
POLL = 300
SCRAPE = 60
FAILURES = 4
HOUR = timedelta(hours=1)

Labels = Mapping[str, str]


@dataclass(frozen=True)
class History:
    """The past of a company until a moment.

    Attributes:
        company: whose.
        days: how many days before its today.
        now: the last samples' time, on its today; aware.
        labels: of the target: ``job`` and ``instance``.
        roster: the further labels of ``gong_user_info``, by user; those left out have none.
        emails: addresses by user, where they are not Gong's.
        hours: of the exporter's own numbers.
        scores: what speaks for drops, on the newest days; None for nothing.
        scored: how many of the newest days have scores; 0 for the last samples alone.
    """

    company: SimulatedCompany
    days: int
    now: datetime
    labels: Labels
    roster: Mapping[str, Labels]
    emails: Mapping[str, str] = field(default_factory=dict)
    hours: int = 12
    scores: Scores | None = None
    scored: int = 0

    def lines(self) -> Iterator[str]:
        """The whole file, line by line."""
        yield from self._activity()
        yield from self._windows()
        yield from self._scores()
        yield from exporter_lines(self.labels, self.now.timestamp(), self.hours)
        yield "# EOF\n"

    @cached_property
    def samples(self) -> Sequence[tuple[date, float]]:
        """Days on which numbers were published, and the times of the samples."""
        zone = self.company.time_zone
        days = [self.company.today - timedelta(days=n) for n in range(self.days, -1, -1)]
        daily = [(day, datetime.combine(day, time(0, 30), zone).timestamp()) for day in days]
        return [*daily, (days[-1], self.now.timestamp())]

    def _scores(self) -> Iterator[str]:
        """Each family's series together, in the order of the exporter."""
        if self.scores is None:
            return
        found: dict[str, dict[str, dict[int, float]]] = {}
        for place in range(len(self.samples))[-1 - self.scored :]:
            today, _ = self.samples[place]
            for series, value in self.scores.samples(today, self._emails(today)):
                name, _, labels = series.partition("{")
                head = f"{name}{braces(self.labels)}"
                if labels:
                    head = f"{head[:-1]},{labels}"
                found.setdefault(name, {}).setdefault(head, {})[place] = value
        for name, lines in found.items():
            yield f"# TYPE {name} gauge\n"
            for head, values in lines.items():
                for place, value in values.items():
                    yield f"{head} {value:.17g} {self.samples[place][1]:.3f}\n"

    def _emails(self, today: date) -> Mapping[str, str]:
        """Addresses of those who have series on a day."""
        return {
            user.user_id: self.emails.get(user.user_id, user.email)
            for length in WINDOWS.values()
            for user in self.company.activity(today - timedelta(days=length), today)
        }

    def _activity(self) -> Iterator[str]:
        places = {user_id: place for place, user_id in enumerate(self.company.user_ids)}
        emails: dict[str, str] = {}
        values: dict[tuple[str, str], dict[int, list[int]]] = {}
        known: dict[str, set[int]] = {}
        for place, (day, _) in enumerate(self.samples):
            for window, length in WINDOWS.items():
                for user in self.company.activity(day - timedelta(days=length), day):
                    emails[user.user_id] = self.emails.get(user.user_id, user.email)
                    known.setdefault(user.user_id, set()).add(place)
                    values.setdefault((user.user_id, window), {})[place] = [
                        user.counters[field] for field in NAMES
                    ]
        everybody = sorted(known, key=lambda user_id: places[user_id])
        yield "# TYPE gong_user_info gauge\n"
        for user_id in everybody:
            labels = {**self.labels, "user": user_id, "email": emails[user_id]}
            labels |= self.roster.get(user_id, {})
            yield from self._series("gong_user_info", labels, dict.fromkeys(known[user_id], 1))
        yield "# TYPE gong_user_activity gauge\n"
        nothing = [0] * len(NAMES)
        for user_id in everybody:
            who = {**self.labels, "user": user_id, "email": emails[user_id]}
            for window in WINDOWS:
                counted = values.get((user_id, window), {})
                for column, metric in enumerate(NAMES.values()):
                    labels = {**who, "metric": metric, "window": window}
                    numbers = {p: counted.get(p, nothing)[column] for p in known[user_id]}
                    yield from self._series("gong_user_activity", labels, numbers)

    def _windows(self) -> Iterator[str]:
        zone = self.company.time_zone
        for side, back in (("start", 1), ("end", 0)):
            name = f"gong_activity_window_{side}_timestamp_seconds"
            yield f"# TYPE {name} gauge\n"
            for window, length in WINDOWS.items():
                midnights = {
                    place: datetime.combine(
                        day - timedelta(days=back * length), time(), zone
                    ).timestamp()
                    for place, (day, _) in enumerate(self.samples)
                }
                yield from self._series(name, {**self.labels, "window": window}, midnights)
        last = len(self.samples) - 1
        yield "# TYPE gong_activity_users gauge\n"
        known = self._emails(self.company.today)
        for window, length in WINDOWS.items():
            start = self.company.today - timedelta(days=length)
            active = len(self.company.activity(start, self.company.today))
            states = {"active": active, "inactive": len(known) - active, "unknown": 0}
            for state, count in states.items():
                labels = {**self.labels, "window": window, "state": state}
                yield from self._series("gong_activity_users", labels, {last: count})

    def _series(self, name: str, labels: Labels, values: Mapping[int, float]) -> Iterator[str]:
        head = f"{name}{braces(labels)}"
        for place in sorted(values):
            yield f"{head} {values[place]:.0f} {self.samples[place][1]:.3f}\n"


def roster_of(company: SimulatedCompany) -> dict[str, Labels]:
    """The columns of the company's roster, by user."""
    return {
        person.user_id: {
            "name": person.name,
            "team": person.team,
            "manager": person.manager,
            "region": person.region,
            "role": person.role.value,
        }
        for person in on_the_roster(company.people, company.today)
    }


def braces(labels: Labels) -> str:
    """Labels as the formats write them."""
    inner = ",".join(f'{name}="{escape(value).decode()}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


@dataclass(frozen=True)
class _Own:
    """One series of the exporter's own: its type, name, labels, and value by seconds before now."""

    kind: str
    name: str
    labels: Labels
    at: Iterable[float]


def exporter_lines(target: Labels, now: float, hours: int) -> Iterator[str]:
    """The exporter's own numbers: polls as often as the demo's, some rate-limited, some failed."""
    times = [now - SCRAPE * n for n in range(hours * 3600 // SCRAPE + 2, -1, -1)]
    kinds: set[str] = set()
    for own in sorted(_own(times, now), key=lambda own: own.name):
        family = own.name.removesuffix("_total") if own.kind == "counter" else own.name
        for suffix in ("_bucket", "_sum", "_count") if own.kind == "histogram" else ():
            family = family.removesuffix(suffix)
        if family not in kinds:
            kinds.add(family)
            yield f"# TYPE {family} {own.kind}\n"
        head = f"{own.name}{braces({**target, **own.labels})}"
        for moment, value in zip(times, own.at, strict=True):
            yield f"{head} {value:.6f} {moment:.3f}\n"


def _own(times: Sequence[float], now: float) -> Iterator[_Own]:
    first = times[0]
    polls = [int((moment - first) // POLL) + 1 for moment in times]
    begun = [moment - (moment - first) % POLL for moment in times]
    third = polls[-1] // 3
    limited = [max(0, min(6, count - third)) for count in polls]
    failed = [max(0, min(FAILURES, count - 2 * third)) for count in polls]
    good = [3 * count + extra for count, extra in zip(polls, limited, strict=True)]

    bad = [0 < count - 2 * third <= FAILURES for count in polls]
    last = [
        first + POLL * (2 * third - 1) if b else each for b, each in zip(bad, begun, strict=True)
    ]

    def gauge(name: str, at: Iterable[float], **labels: str) -> _Own:
        return _Own("gauge", name, labels, at)

    def counter(name: str, at: Iterable[float], **labels: str) -> _Own:
        return _Own("counter", name, labels, at)

    def always(value: float) -> list[float]:
        return [value] * len(times)

    yield gauge("up", always(1))
    yield gauge("scrape_duration_seconds", [0.004 + count * 5 % 7 / 5000 for count in polls])
    yield gauge("gong_up", [1 - each for each in bad])
    for window in WINDOWS:
        yield gauge("gong_exporter_last_success_timestamp_seconds", last, window=window)
    yield gauge(
        "gong_exporter_poll_duration_seconds", [1.1 + count * 7 % 11 / 30 for count in polls]
    )
    yield gauge("gong_exporter_next_poll_timestamp_seconds", [each + POLL for each in begun])
    yield counter("gong_exporter_polls_total", polls)
    yield counter("gong_exporter_poll_failures_total", failed)
    codes = {"200": good, "429": limited, "503": [4 * each for each in failed]}
    for code, at in codes.items():
        yield counter("gong_exporter_api_requests_total", at, code=code)
    reasons: dict[str, Sequence[float]] = {
        "rate_limited": limited,
        "server_error": codes["503"],
        "timeout": always(0),
    }
    for reason, errors in reasons.items():
        yield counter("gong_exporter_api_request_errors_total", errors, reason=reason)
    for bound, part in {"0.1": 0.1, "0.25": 0.6, "0.5": 0.9, "1": 1.0, "+Inf": 1.0}.items():
        buckets = [float(int(part * each)) for each in good]
        name = "gong_exporter_api_request_duration_seconds_bucket"
        yield _Own("histogram", name, {"le": bound}, buckets)
    for suffix, factor in (("sum", 0.24), ("count", 1.0)):
        name = f"gong_exporter_api_request_duration_seconds_{suffix}"
        yield _Own("histogram", name, {}, [factor * each for each in good])
    yield counter("gong_exporter_api_rate_limited_total", limited)
    yield gauge("gong_exporter_api_rate_limited_until_timestamp_seconds", always(0))
    yield counter("gong_exporter_api_throttle_seconds_total", [0.4 * each for each in good])
    yield gauge("gong_exporter_api_quota_used", good)
    yield gauge("gong_exporter_api_quota_limit", always(5000))
    yield counter("gong_exporter_state_errors_total", always(0))
    yield gauge("gong_exporter_config_last_reload_successful", always(1))
    yield gauge(
        "gong_exporter_build_info", always(1), version=__version__, python=platform.python_version()
    )
    yield gauge("process_resident_memory_bytes", [62e6 + 1e5 * (count * 3 % 13) for count in polls])
    yield gauge("process_start_time_seconds", always(first))
