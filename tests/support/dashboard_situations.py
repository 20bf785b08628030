"""A few people in each situation in which not all is well, as OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.dashboard_history import braces

NOW = int(datetime(2026, 3, 16, 18, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400

WELL, DOWN, LONG_DOWN, TO_DATE = "well", "down", "long-down", "to-date"
STALE, LEFT, FILLED, NEW = "stale", "left", "filled", "new"
"""All well; down for an hour; down for thirty hours; month and week to date alone; polls fail;
no activity this week, and one person has left the company; nothing but a backfill;
nothing but the last minutes."""
WINDOWS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    WELL: {"7d": (7, 20), "28d": (28, 80)},
    DOWN: {"7d": (7, 20), "28d": (28, 80)},
    LONG_DOWN: {"7d": (7, 20), "28d": (28, 80)},
    TO_DATE: {"mtd": (15, 40), "wtd": (3, 10)},
    STALE: {"7d": (7, 11), "28d": (28, 80)},
    LEFT: {"7d": (7, 0), "28d": (28, 80)},
    FILLED: {"7d": (7, 20), "28d": (28, 80)},
    NEW: {"7d": (7, 20), "28d": (28, 80)},
}
"""By job and window: how many days it has, and how many calls everybody had in it."""
FETCHED = {WELL: 60, STALE: 5 * HOUR}
"""Seconds ago."""
WENT_DOWN = {DOWN: NOW - HOUR, LONG_DOWN: NOW - 30 * HOUR}
EARLIER = {91: 10, 364: 16}
"""Calls of everybody's week so many days ago, as a backfill brings them."""
SCORED = {WELL: (8, 20), DOWN: (8, 20), LEFT: (0, 20)}
"""Counted and expected in the last seven days, by the detector."""
PRESENT = {LEFT: (0, 10 / 28), DOWN: (3 / 7, 10 / 28)}
"""Shares of 7 and of 28 days with activity."""


def moments(job: str) -> Iterator[int]:
    """When there are samples: every ten minutes, or as a backfill writes them."""
    midnight = NOW // DAY * DAY
    if job == FILLED:
        yield from range(midnight - 3 * DAY, midnight + 1, DAY)
    elif job == NEW:
        yield NOW - 60
    else:
        yield from range(NOW - 3 * DAY, WENT_DOWN.get(job, NOW) + 1, 600)


@dataclass
class Samples:
    """The samples of all jobs, by family."""

    families: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        labels: Mapping[str, str],
        value: float,
        earlier: Mapping[int, float] | None = None,
    ) -> None:
        """One series: the same value at each moment of its job, and others days before."""
        at = dict.fromkeys(moments(labels["job"]), value)
        at |= {NOW - days * DAY - HOUR: then for days, then in (earlier or {}).items()}
        lines = self.families.setdefault(name, [])
        lines += [f"{name}{braces(labels)} {at[moment]} {moment}\n" for moment in sorted(at)]

    def add_person(self, job: str, person: str) -> None:
        """Counters, and what the detector says."""
        who = {"job": job, "instance": f"{job}:1", "user": f"{job}-{person}"}
        who["email"] = f"{person}@{job}.example"
        active = "false" if (job, person) == (LEFT, "2") else "true"
        self.add("gong_user_info", {**who, "team": "Same Name", "active": active}, 1)
        for window, (_, calls) in WINDOWS[job].items():
            what = {"metric": "calls_as_host", "window": window}
            earlier = EARLIER if (job, window) == (WELL, "7d") else {}
            self.add("gong_user_activity", {**who, **what}, calls, earlier)
        what = {"metric": "own_activity", "window": "7d"}
        for name, value in zip(("observed", "expected"), SCORED.get(job, ()), strict=False):
            self.add(f"gong_user_{name}_activity", {**who, **what}, value)
        for window, share in zip(("7d", "28d"), PRESENT.get(job, ()), strict=False):
            self.add("gong_user_presence_ratio", {**who, "window": window}, share)

    def add_job(self, job: str) -> None:
        """The exporter's own, and what is of the company."""
        last = max(moments(job))
        target = {"job": job, "instance": f"{job}:1"}
        for name, value in zip(("observed", "expected"), SCORED.get(job, ()), strict=False):
            team = {**target, "team": "Same Name", "window": "7d"}
            self.add(f"gong_team_{name}_activity", team, 2 * value)
        for window, (days, _) in WINDOWS[job].items():
            each = {**target, "window": window}
            end = last // DAY * DAY - (DAY if job == STALE else 0)
            self.add("gong_activity_window_end_timestamp_seconds", each, end)
            self.add("gong_activity_window_start_timestamp_seconds", each, end - days * DAY)
            if job != FILLED:
                ago = last - FETCHED.get(job, 60)
                self.add("gong_exporter_last_success_timestamp_seconds", each, ago)
        if job != FILLED:
            self.add("gong_up", target, 1)
            self.add_up(target)
            self.add("gong_exporter_build_info", {**target, "version": "1", "python": "3"}, 1)
            self.add("gong_exporter_next_poll_timestamp_seconds", target, last + 600)

    def add_up(self, target: Mapping[str, str]) -> None:
        """Prometheus goes on trying."""
        went_down = WENT_DOWN.get(target["job"], NOW)
        lines = self.families.setdefault("up", [])
        for moment in range(NOW - DAY, NOW + 1, 120):
            lines.append(f"up{braces(target)} {int(moment <= went_down)} {moment}\n")

    def lines(self) -> Iterator[str]:
        """OpenMetrics."""
        for name, lines in self.families.items():
            yield f"# TYPE {name} gauge\n"
            yield from lines
        yield "# EOF\n"


def samples() -> Iterator[str]:
    """Three days, and for one job a few moments long before."""
    found = Samples()
    for job in WINDOWS:
        for person in ("1", "2"):
            found.add_person(job, person)
        found.add_job(job)
    return found.lines()
