"""The state after the last poll, for the status page and the schedule. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.windows import (
    company_today,
    day_start,
)
from gong_exporter.runtime.setup import (
    Setup,
    interval_in_effect,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """The state after the last poll, for the status page and the schedule.

    Attributes:
        setup: the configuration in force.
        budget: the calls that its schedule takes.
        zone: the company's; None if it is not known yet.
        planned: the names of the windows that polls fetch. Not all, if the quota is too small.
        windows: the newest data of each configured window, served or not.
        failed: the windows that the last poll left without new data; None before the first poll.
    """

    setup: Setup
    budget: CallBudget
    zone: ZoneInfo | None
    planned: tuple[str, ...]
    windows: tuple[WindowData, ...]
    failed: tuple[str, ...] | None

    def fresh_until(self, now: float) -> float:
        """Unix time until which the data needs no new poll; 0 if it needs one now.

        Every polled window has to be there, with today's range, and younger than the interval; and
        the last poll must not have failed.
        """
        if self.failed or self.zone is None:
            return 0.0
        held = {data.window: data for data in self.windows}
        today = company_today(now, self.zone)
        midnight = day_start(today, self.zone)
        fetched: list[float] = []
        for name in self.planned:
            data = held.get(name)
            if data is None or data.fetched_at > now or data.end != today:
                return 0.0
            if data.end_timestamp != midnight and not data.as_stated:
                return 0.0  # the same day in another time zone
            fetched.append(data.fetched_at)
        return min(fetched) + interval_in_effect(self.budget)
