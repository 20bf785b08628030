"""The company in force, as the day history and the detector need it."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import HistoryKey
from gong_exporter.runtime.setup import Setup


@dataclass(frozen=True, slots=True)
class Company:
    """What the history depends on. A change of it may discard days, or delete people.

    Attributes:
        setup: the configuration in force.
        state: what polls learned.
        zone: the company's; None if it is not known yet.
    """

    setup: Setup
    state: CompanyState
    zone: ZoneInfo | None

    @property
    def key(self) -> HistoryKey | None:
        """The key of the days; None while the zone is not known."""
        plan = self.setup.plan
        if self.zone is None:
            return None
        return HistoryKey.of(plan.host, plan.created_from, plan.created_to, self.zone.key)

    @property
    def ids(self) -> frozenset[str] | None:
        """The people that days have to cover; None for everybody."""
        selection = self.setup.plan.selection
        return None if selection.all_users else selection.known_ids(self.state)

    @property
    def excluded(self) -> frozenset[str]:
        """The people whom no day may have."""
        return self.setup.plan.selection.excluded.excluded_ids(self.state)

    def may_delete(self) -> bool:
        """Whether it is known who is on the list: addresses need an earlier poll."""
        return bool(self.state.known_users) or not self.setup.plan.selection.emails()
