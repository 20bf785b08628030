"""The calls that polling needs a day, and the shortest interval that fits the quota."""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY = 86_400.0

PAGE_SIZE = 100
"""Users on a full page, as seen at the live API; it is not documented."""


def pages_for(users: int) -> int:
    """Calls that a listing of so many users takes; at least one."""
    return max(1, math.ceil(users / PAGE_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBudget:
    """The calls that polling needs a day, and the interval that they allow.

    Attributes:
        calls_per_poll: pages of all windows.
        runs_per_day: polls of the schedule, on the day that has most.
        requests_per_day: the quota.
        search_calls: of the daily search for unknown users; 0 if it is not needed.
        roster_calls: of a day's refresh of the roster from Gong.
        reserved_calls: of a day, which are left to the history before the interval is stretched.
    """

    calls_per_poll: int
    runs_per_day: float
    requests_per_day: int
    search_calls: int = 0
    roster_calls: int = 0
    reserved_calls: int = 0

    @property
    def calls_per_day(self) -> int:
        """Calls that the configured schedule needs, with a poll after the company's midnight."""
        return self._calls_with(self.runs_per_day)

    @property
    def calls_per_day_in_effect(self) -> int:
        """The same with the interval that the quota allows."""
        return self._calls_with(DAY / self.interval_in_effect)

    def _calls_with(self, runs_per_day: float) -> int:
        polls = math.ceil(self.calls_per_poll * (runs_per_day + 1))
        return polls + self.search_calls + self.roster_calls

    @property
    def interval(self) -> float:
        """Seconds between polls by the configuration (for cron: on average)."""
        return DAY / self.runs_per_day

    @property
    def effective_interval(self) -> float:
        """Seconds between polls that fit the quota; ``interval`` if that does, infinite if none."""
        available = self.requests_per_day - self.calls_per_poll - self.search_calls
        available -= self.roster_calls + self.reserved_calls
        if available >= self.calls_per_poll * self.runs_per_day:
            return self.interval
        if available <= 0:
            return math.inf
        return max(self.interval, math.ceil(DAY * self.calls_per_poll / available))

    @property
    def stretched(self) -> bool:
        """True if the quota makes the interval longer than configured."""
        return self.effective_interval > self.interval

    @property
    def impossible(self) -> bool:
        """True if not even two polls a day fit: the scheduled one and the one after midnight."""
        return math.isinf(self.effective_interval)

    @property
    def interval_in_effect(self) -> float:
        """Seconds between two polls: by the schedule, or stretched; a day if no interval fits.

        The latter can happen while the exporter runs, when a company grows.
        """
        return DAY if self.impossible else self.effective_interval
