"""The state after the last poll: the status page and the schedule use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.snapshot import EMPTY, Snapshot, WindowData
from gong_exporter.runtime.email_labels import hidden
from gong_exporter.runtime.setup import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """The state at one moment. The poller's thread makes a new one, any thread may read it.

    Attributes:
        setup: the configuration in force.
        budget: the calls that its schedule takes.
        zone: the company's; None if it is not known yet.
        planned: the names of the windows that polls fetch. Not all, if the quota is too small.
        snapshot: what is served.
        windows: the newest data of each configured window, served or not.
        label: from an address to what the snapshot shows of it.
        failed: the windows that the last poll left without new data; None before the first poll.
    """

    setup: Setup
    budget: CallBudget
    zone: ZoneInfo | None
    planned: tuple[str, ...]
    snapshot: Snapshot = EMPTY
    windows: tuple[WindowData, ...] = ()
    label: Callable[[str], str] = hidden
    failed: tuple[str, ...] | None = None
