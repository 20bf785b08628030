"""The data that polls fetched, and the snapshot of the part that is young enough to serve."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import HistoryKey
from gong_exporter.activity.exclusion import Exclusion
from gong_exporter.activity.poll_plan import PollResult
from gong_exporter.activity.snapshot import EMPTY, Snapshot, WindowData
from gong_exporter.activity.users import UserLabels, build_snapshot, latest_emails
from gong_exporter.activity.windows import load_zone
from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.setup import Setup, keeps_history
from gong_exporter.runtime.user_labels import (
    NOT_COMPARED,
    RosterMatch,
    email_label_or_hidden,
    hidden,
    match_roster,
)
from gong_exporter.store import StateFile


@dataclass(frozen=True, slots=True)
class Company:
    """What the history depends on. A change of it may discard days, or delete people.

    Attributes:
        setup: the configuration in force.
        state: what polls learned.
    """

    setup: Setup
    state: CompanyState

    @property
    def zone(self) -> ZoneInfo | None:
        """The company's time zone; None if it is not known yet."""
        return self.setup.plan.zone or load_zone(self.state.time_zone or "")

    @property
    def key(self) -> HistoryKey | None:
        """The key of the days; None while the zone is not known."""
        plan, zone = self.setup.plan, self.zone
        if zone is None:
            return None
        return HistoryKey.of(plan.host, plan.created_from, plan.created_to, zone.key)

    @property
    def ids(self) -> frozenset[str] | None:
        """The people that days have to cover; None for everybody."""
        selection = self.setup.plan.selection
        return None if selection.all_users else selection.known_ids(self.state)

    @property
    def excluded(self) -> frozenset[str]:
        """The people whom no day may have."""
        return self.setup.plan.selection.excluded.excluded_ids(self.state)

    @property
    def exclusion_marks(self) -> frozenset[str]:
        """Of the entries of ``activity.exclude_users``; see Exclusion."""
        return self.setup.plan.selection.excluded.marks

    def may_delete(self) -> bool:
        """Whether it is known who is on the list: addresses need an earlier poll."""
        return bool(self.state.known_users) or not self.setup.plan.selection.emails()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is served.

    Attributes:
        snapshot: as rendered.
        label: from an address to what the snapshot shows of it.
        stale_at: Unix seconds after which some of it is too old to serve.
        drops: what is served about drops; None for nothing.
        roster_match: how many of its people with activity are in the roster.
    """

    snapshot: Snapshot = EMPTY
    label: Callable[[str], str] = hidden
    stale_at: float = math.inf
    drops: DropReport | None = None
    roster_match: RosterMatch = NOT_COMPARED


def load_company(
    state: StateFile, setup: Setup, windows: Collection[str] | None = None
) -> tuple[CompanyState, tuple[WindowData, ...]]:
    """What the state file has of a company, without excluded people.

    ``windows`` are the names of those to load; None for all.
    """
    saved = state.load(setup.plan.host, windows)
    company_state = saved.company_state or CompanyState(host=setup.plan.host)
    return setup.plan.selection.excluded.purge(company_state, saved.windows)


class CompanyData:
    """The windows and the state of one company: kept in the state file, published as a snapshot.

    The poller's thread changes it. ``published()`` may be called from any thread.

    Attributes:
        setup: as given, or as given to use() last.
        company_state: what polls learned about the company.
    """

    def __init__(self, parts: Parts, setup: Setup) -> None:
        self.setup = setup
        self.company_state = CompanyState(host=setup.plan.host)
        self._parts = parts
        self._windows: dict[str, WindowData] = {}
        self._loaded: frozenset[str] = frozenset()
        self._lock = threading.RLock()
        self._published = Published()
        self._purged_for: Exclusion | None = None
        self._drops: DropReport | None = None
        self._drops_of: Company | None = None

    @property
    def company(self) -> Company:
        """What the day history depends on."""
        return Company(self.setup, self.company_state)

    def load(self) -> None:
        """Load what the state file contains, with its true timestamps; use() publishes it."""
        with self._lock:
            self._load()

    def use(self, setup: Setup) -> None:
        """Put a configuration in force. Data fetched with the same windows and users stays."""
        with self._lock:
            self.setup = setup
            self._keep_planned()
            self._purge()
            self._publish()

    def purge_file(self) -> None:
        """Delete excluded people from the state file, once for each configuration."""
        excluded = self.setup.plan.selection.excluded
        if self._purged_for == excluded:
            return
        if not excluded or self._parts.state.purge(excluded.purge):
            self._purged_for = excluded

    def add(self, result: PollResult) -> None:
        """Add what a poll fetched, and publish it."""
        with self._lock:
            self.company_state = result.company_state
            self._windows |= {data.window: data for data in result.windows}
            if self._parts.state.poller_lock.acquired:
                self.purge_file()
                self._parts.state.save(result.company_state, result.windows)
            self._publish(only_if_new=True)

    def set_drops(self, drops: DropReport | None, company: Company | None) -> None:
        """Publish what the detector found.

        Args:
            drops: None for nothing.
            company: that it was given; with other days it is not served.
        """
        with self._lock:
            self._drops, self._drops_of = drops, company
            self._publish(only_if_new=True)

    def windows(self) -> tuple[WindowData, ...]:
        """The newest data of each configured window, young or not, in the plan's order."""
        plan = self.setup.plan
        held = (self._windows.get(window.name) for window in plan.windows)
        return tuple(data for data in held if data and data.fingerprint == plan.fingerprint)

    def published(self) -> Published:
        """What may be served now: data older than ``poll.stale_after`` is dropped first."""
        if self._parts.clock.now() > self._published.stale_at:
            with self._lock:
                self._publish(only_if_new=True)
        return self._published

    def _publish(self, *, only_if_new: bool = False) -> None:
        now, stale_after = self._parts.clock.now(), self.setup.config.poll.stale_after
        young = tuple(data for data in self.windows() if now - data.fetched_at <= stale_after)
        drops = self._young_drops(now - stale_after)
        before = self._published.snapshot.windows
        if only_if_new and young == before and drops == self._published.drops:
            return
        # A window that a reload takes off the configuration is not too old.
        too_old = {data.window for data in self.windows()} - {data.window for data in young}
        gone = too_old & {data.window for data in before}
        if gone:
            self._parts.log.warning("data too old to serve", windows=",".join(sorted(gone)))
        label = email_label_or_hidden(self.setup.config, self._parts.log)
        snapshot = self._snapshot(young, label) if young else EMPTY
        self._parts.exposition.publish(snapshot, drops)
        self._published = Published(
            snapshot=snapshot,
            label=label,
            stale_at=stale_after
            + min([*(data.fetched_at for data in young), *([drops.end] if drops else [math.inf])]),
            drops=drops,
            roster_match=self._match_roster(snapshot),
        )

    def _young_drops(self, oldest: float) -> DropReport | None:
        """What may be served about drops: nothing of another company, and nothing too old.

        After a change of what names teams, none is shown until the detector has run again: a name
        may be an address, or that of a person who is excluded now.
        """
        drops, company, people = self._drops, self._drops_of, self.setup.config.drops.people
        if drops is None or drops.end < oldest or not keeps_history(self.setup):
            return None
        if company is None or company.key != self.company.key:
            return None
        if _teams_are_named_by(company.setup) != _teams_are_named_by(self.setup):
            drops = replace(drops, teams={})
        return drops if drops.show_people == people else replace(drops, show_people=people)

    def _snapshot(self, windows: tuple[WindowData, ...], label: Callable[[str], str]) -> Snapshot:
        activity = self.setup.config.activity
        return build_snapshot(
            windows=windows,
            company_state=self.company_state,
            selection=self.setup.plan.selection,
            metrics=activity.metrics,
            user_labels=UserLabels(
                email_label=label,
                columns=self.setup.roster.columns,
                columns_of=self.setup.roster.of,
            ),
        )

    def _match_roster(self, snapshot: Snapshot) -> RosterMatch:
        emails = latest_emails(snapshot.windows, self.company_state)
        active = {user_id for window in snapshot.windows for user_id in window.users}
        shown = active.intersection(user.user_id for user in snapshot.users)
        return match_roster(
            self.setup.roster, ((user_id, emails.get(user_id, "")) for user_id in shown)
        )

    def _purge(self) -> None:
        """Forget excluded people."""
        self.company_state, windows = self.setup.plan.selection.excluded.purge(
            self.company_state, self._windows.values()
        )
        self._windows = {data.window: data for data in windows}

    def _load(self) -> None:
        self._loaded = frozenset(window.name for window in self.setup.plan.windows)
        self.company_state, windows = load_company(self._parts.state, self.setup, self._loaded)
        self._windows = {data.window: data for data in windows}

    def _keep_planned(self) -> None:
        """Keep in memory the windows that are planned, and load those that were not before."""
        plan, company_state, held = self.setup.plan, self.company_state, self._windows
        if company_state.host != plan.host:
            self._load()
        elif {window.name for window in plan.windows} != self._loaded:
            self._load()
            # The file may have less, because it cannot be written or is not ours to write.
            self.company_state = company_state
            self._windows |= {name: held[name] for name in self._loaded & held.keys()}


def _teams_are_named_by(setup: Setup) -> tuple[object, ...]:
    activity = setup.config.activity
    return setup.roster, setup.plan.selection, activity.email_label, setup.config.email_hash_key
