"""Does the schedule fit the day's calls? If not, the shortest interval that does. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

DAY = 86_400.0

PAGE_SIZE = 100
"""Users on a full page of Gong's, as seen at the live API. It is not documented."""


def pages_for(users: int) -> int:
    """Calls that a listing of so many users takes; at least one."""
    return max(1, math.ceil(users / PAGE_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBudget:
    """What polling will cost.

    Attributes:
        calls_per_poll: pages of all windows.
        polls_per_day: by the schedule as configured, and the one after midnight.
        extra_calls_per_day: the daily search for unknown users, when it is needed.
        requests_per_day: the quota.
        interval: seconds between polls by the configuration (for cron: on average).
        effective_interval: seconds between polls that fit the quota; ``interval`` if that does.
    """

    calls_per_poll: int
    polls_per_day: float
    extra_calls_per_day: int
    requests_per_day: int
    interval: float
    effective_interval: float

    @property
    def calls_per_day(self) -> int:
        """Calls that the schedule as configured needs."""
        return math.ceil(self.calls_per_poll * self.polls_per_day) + self.extra_calls_per_day

    @property
    def stretched(self) -> bool:
        """The interval is longer than configured, since the quota does not hold more polls."""
        return self.effective_interval > self.interval

    @property
    def impossible(self) -> bool:
        """Not even one poll a day fits."""
        return math.isinf(self.effective_interval)


def call_budget(
    *,
    pages: Mapping[str, int],
    windows: tuple[str, ...],
    runs_per_day: float,
    requests_per_day: int,
    search_pages: int = 0,
) -> CallBudget:
    """CallBudget a day's calls.

    Args:
        pages: pages by window name as last seen; a window not in it counts as one page.
        windows: names of the windows to poll.
        runs_per_day: polls a day by the schedule, at most.
        requests_per_day: the quota.
        search_pages: calls of the daily search for unknown users; 0 when it is not needed.
    """
    per_poll = sum(pages.get(window, 1) for window in windows)
    interval = DAY / runs_per_day
    # One poll more than the schedule: the one after the company's midnight.
    room = requests_per_day - search_pages - per_poll
    if room >= per_poll * runs_per_day:
        effective = interval
    elif room > 0:
        effective = max(interval, math.ceil(DAY * per_poll / room))
    else:
        effective = math.inf
    return CallBudget(
        calls_per_poll=per_poll,
        polls_per_day=runs_per_day + 1,
        extra_calls_per_day=search_pages,
        requests_per_day=requests_per_day,
        interval=interval,
        effective_interval=effective,
    )
