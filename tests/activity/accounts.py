"""A company whose accounts are deleted, and created again with other ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.simulator.records import ApiUserActivity
from tests.support.companies import window_counters

BEFORE, AFTER = date(2020, 1, 1), date(2040, 1, 1)

UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Account:
    """One of a company: with these numbers on each day from ``start`` to before ``end``."""

    user_id: str
    email: str
    start: date = BEFORE
    end: date = AFTER


@dataclass
class Accounts:
    """A company of accounts that come and go while it is asked."""

    accounts: list[Account] = field(default_factory=list)
    time_zone: ZoneInfo = UTC

    @property
    def user_ids(self) -> Sequence[str]:
        return [account.user_id for account in self.accounts]

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        everyone = (
            ApiUserActivity(
                account.user_id,
                account.email,
                window_counters(1, max(start, account.start), min(end, account.end)),
            )
            for account in self.accounts
        )
        return [user for user in everyone if any(user.counters.values())]
