"""How things stand after the last poll: what the status page and the schedule go by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.snapshot import EMPTY, Snapshot, WindowData
from gong_exporter.runtime.addresses import hidden
from gong_exporter.runtime.setup import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """One moment of it; the poll loop makes a new one, any thread may read.

    Attributes:
        setup: the configuration in force.
        forecast: what its schedule costs.
        zone: the company's, None until it is known.
        snapshot: what is served.
        windows: the newest data of each configured window, served or not.
        label: from an address to what is shown of it, as in the snapshot.
        failed: the windows that the last poll left without new data; None before the first.
    """

    setup: Setup
    forecast: CallBudget
    zone: ZoneInfo | None
    snapshot: Snapshot = EMPTY
    windows: tuple[WindowData, ...] = ()
    failed: tuple[str, ...] | None = None
    label: Callable[[str], str] = hidden
