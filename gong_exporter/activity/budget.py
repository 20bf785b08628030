"""The calls that polling needs a day, and the shortest interval that fits the quota."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

DAY = 86_400.0

PAGE_SIZE = 100
"""Users on a full page, as seen at the live API; it is not documented."""


def pages_for(users: int) -> int:
    """Calls that a listing of so many users takes; at least one."""
    return max(1, math.ceil(users / PAGE_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBudget:
    """The calls that polling needs.

    Attributes:
        calls_per_poll: pages of all windows.
        polls_per_day: polls of the configured schedule, and the one after midnight.
        extra_calls_per_day: calls of the daily search for unknown users, if it is needed.
        requests_per_day: the quota.
        reserved_calls: calls of a day that stretched polls leave to the day history.
        roster_calls: calls of a day's refresh of the roster from Gong.
        interval: seconds between polls by the configuration (for cron: on average).
        effective_interval: seconds between polls that fit the quota; ``interval`` if that does.
    """

    calls_per_poll: int
    polls_per_day: float
    extra_calls_per_day: int
    requests_per_day: int
    interval: float
    effective_interval: float
    reserved_calls: int = 0
    roster_calls: int = 0

    @property
    def calls_per_day(self) -> int:
        """Calls that the configured schedule needs."""
        polls = math.ceil(self.calls_per_poll * self.polls_per_day)
        return polls + self.extra_calls_per_day + self.roster_calls

    @property
    def stretched(self) -> bool:
        """True if the quota makes the interval longer than configured."""
        return self.effective_interval > self.interval

    @property
    def impossible(self) -> bool:
        """True if not even two polls a day fit: the scheduled one and the one after midnight."""
        return math.isinf(self.effective_interval)


def call_budget(
    *,
    pages: Mapping[str, int],
    windows: tuple[str, ...],
    runs_per_day: float,
    requests_per_day: int,
    search_pages: int = 0,
    roster_calls: int = 0,
    reserved: int = 0,
) -> CallBudget:
    """The calls of a day.

    Args:
        pages: pages of each window when last fetched; a window that is missing counts as one.
        windows: names of the windows to poll.
        runs_per_day: polls of the schedule on the day that has most.
        requests_per_day: the quota.
        search_pages: calls of the daily search for unknown users; 0 if it is not needed.
        roster_calls: calls of the daily refresh of the roster.
        reserved: calls of a day that are left to the history before the interval is stretched.
    """
    per_poll = sum(pages.get(window, 1) for window in windows)
    interval = DAY / runs_per_day
    # One poll more than the schedule: the one after the company's midnight.
    available = requests_per_day - search_pages - roster_calls - per_poll - reserved
    if available >= per_poll * runs_per_day:
        effective = interval
    elif available > 0:
        effective = max(interval, math.ceil(DAY * per_poll / available))
    else:
        effective = math.inf
    return CallBudget(
        calls_per_poll=per_poll,
        polls_per_day=runs_per_day + 1,
        extra_calls_per_day=search_pages,
        requests_per_day=requests_per_day,
        interval=interval,
        effective_interval=effective,
        reserved_calls=reserved,
        roster_calls=roster_calls,
    )
