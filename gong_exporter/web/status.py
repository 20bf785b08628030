"""The exporter as its HTTP side sees it: one protocol, and the records that the page shows.

Every instant is in Unix seconds. A name that ends in ``_seconds`` is a duration. ``None`` means
"not known" or "does not apply", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from gong_exporter.activity.snapshot import EMPTY, Snapshot, WindowData
from gong_exporter.exposition.body import Body
from gong_exporter.exposition.exporter_status import ExporterStatus
from gong_exporter.web.markup import duration

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to a question with yes or no.

    Attributes:
        ok: whether the answer is yes.
        reason: one sentence for a person, also when the answer is yes.
    """

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class WindowStatus:
    """One window as it is served now.

    Attributes:
        name: as configured: ``7d``, ``mtd``.
        data: what is served; None when nothing is.
        active: known users whom Gong named in ``data``.
        stale: whether the last poll brought nothing newer than ``data``.
        last_success: when the newest data of this window arrived.
    """

    name: str
    data: WindowData | None = None
    active: int = 0
    stale: bool = False
    last_success: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the status page shows.

    Attributes:
        version: of the program.
        now: when this record was made. The page computes every age from it.
        started_at: when the process started.
        time_zone: the company's IANA name; None until Gong's first response.
        base_url: where the calls go, without credentials.
        schedule: as configured: ``every 1h``, or a cron expression.
        interval_seconds: the interval in effect, stretched or not.
        windows: in the order of the configuration.
        numbers: the exporter's own. The message of its failure may quote Gong, so it is never
            trusted; it is redacted by the configuration in force.
        stretched: why the interval in effect is longer than the configured one.
        standby: why this exporter does not poll; None when it does.
        failure_over: whether a later poll succeeded than the one with ``numbers.last_failure``.
        snapshot: what is served, for the search for people.
        unknown_users: IDs and addresses as configured (``email_label`` is already applied).
        warnings: sentences about problems: the state file, a refused reload.
    """

    version: str
    now: float
    started_at: float
    time_zone: str | None
    base_url: str
    schedule: str
    interval_seconds: float
    windows: tuple[WindowStatus, ...]
    numbers: ExporterStatus
    stretched: str | None = None
    standby: str | None = None
    failure_over: bool = False
    snapshot: Snapshot = EMPTY
    unknown_users: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Site(Protocol):
    """The exporter as its HTTP side sees it. No method ever waits for Gong.

    The runtime, a layer above, implements it.
    """

    def metrics(self, accept: str, accept_encoding: str) -> Body:
        """The exposition that suits the two headers (empty when they were not sent).

        Called on the event loop at each scrape, so it must return bytes that are rendered already.
        """
        ...

    def healthy(self) -> Health:
        """Whether the poll loop is alive."""
        ...

    def ready(self) -> Health:
        """Whether there is data to serve."""
        ...

    def reload(self) -> Health:
        """Read the configuration again; when the result is not ok, the old one stays in force.

        May take seconds: called in a thread of its own, never twice at a time.
        """
        ...

    def status(self) -> Status:
        """What the status page shows. Called in a thread."""
        ...


@dataclass(frozen=True, slots=True)
class OverallHealth:
    """The state of the whole exporter.

    Attributes:
        level: how bad it is.
        headline: in two or three words.
        sentence: what that means for the numbers.
    """

    level: Level
    headline: str
    sentence: str


def overall_health(status: Status) -> OverallHealth:
    """What a person should know first."""
    absent = [window.name for window in status.windows if window.data is None]
    stale = [window.name for window in status.windows if window.data is not None and window.stale]
    until = status.numbers.rate_limited_until
    wait = ""
    if until > status.now:
        wait = f" Gong asks to wait for {duration(until - status.now)}."
    if len(absent) == len(status.windows):
        return _health_without_data(status, wait)
    if absent or stale:
        older = f" The last poll brought nothing new for {_names(stale)}: older data is served."
        none = f" Nothing is served for {_names(absent)}."
        sentence = (older if stale else "") + (none if absent else "") + wait
        return OverallHealth("warn", "Behind", sentence.lstrip())
    if wait:
        return OverallHealth("warn", "Waiting", f"Every window is fresh.{wait}")
    if status.warnings:
        return OverallHealth("warn", "Working, with warnings", "Every window is fresh.")
    if status.standby is not None:
        return OverallHealth("ok", "Standby", "Another process polls, and its data is served here.")
    return OverallHealth("ok", "Working", "Every window is fresh.")


def _health_without_data(status: Status, wait: str) -> OverallHealth:
    if status.standby is not None:
        return OverallHealth("warn", "Standby, no data", "The other process has no data yet.")
    if status.numbers.polls == 0 and status.numbers.last_failure is None:
        return OverallHealth(
            "warn", "Starting", "The first poll has not ended: no data is served yet."
        )
    return OverallHealth("bad", "No data", f"Nothing is served.{wait}")


def _names(windows: list[str]) -> str:
    return " and ".join([", ".join(windows[:-1]), windows[-1]] if windows[1:] else windows)
