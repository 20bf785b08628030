"""The exporter as its HTTP side sees it: one protocol, and the records that the page shows.

Every instant is in Unix seconds. A name that ends in ``_seconds`` is a duration. ``None`` means
"not known" or "does not apply", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from gong_exporter.activity.snapshot import EMPTY, Snapshot
from gong_exporter.exposition.body import Body

WindowState = Literal["fresh", "stale", "absent"]
"""``fresh``: the last poll brought its newest data. ``stale``: older data is still served.
``absent``: nothing is served."""


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
        state: see ``WindowState``.
        first_day: the first company day that the numbers cover.
        end_day: the company day before which they end (exclusive, as Gong's ``toDate`` is).
        start: when ``first_day`` began.
        end: when ``end_day`` began, which is where the numbers end.
        last_success: when the newest data of this window arrived.
        active: users that Gong named.
        inactive: known users that Gong left out: all their counters are 0.
        unknown: configured users that Gong has never named.
    """

    name: str
    state: WindowState
    first_day: date | None = None
    end_day: date | None = None
    start: float | None = None
    end: float | None = None
    last_success: float | None = None
    active: int | None = None
    inactive: int | None = None
    unknown: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure.

    Attributes:
        at: when it happened.
        reason: as in ``gong_exporter_api_request_errors_total``: ``rate_limited``, ``timeout`` ...
        message: for a person. It may quote Gong, so it is never trusted.
        request_id: Gong's ``requestId``, which its support asks for.
        over: whether a later poll succeeded.
    """

    at: float
    reason: str
    message: str
    request_id: str | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Polling:
    """The poll loop.

    Attributes:
        schedule: as configured: ``every 1h``, or a cron expression.
        interval_seconds: the interval in effect, stretched or not.
        stretched: why the interval in effect is longer than the configured one.
        running: whether a poll is running now.
        standby: why this exporter does not poll; None when it does.
        next_poll: when the next one starts.
        last_poll: when the last one ended.
        last_seconds: how long it took.
        last_ok: whether it got every window.
        polls: how many have run since the start.
        failures: how many of them left a window without new data.
    """

    schedule: str
    interval_seconds: float
    stretched: str | None = None
    running: bool = False
    standby: str | None = None
    next_poll: float | None = None
    last_poll: float | None = None
    last_seconds: float | None = None
    last_ok: bool | None = None
    polls: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Api:
    """The traffic with Gong.

    Attributes:
        base_url: where the calls go, without credentials.
        quota_used: calls in the last 24 hours, by the ledger.
        quota_limit: this exporter's share, ``requests_per_day``.
        rate_limited_until: the end of a running Retry-After.
        requests: exchanges since the start by HTTP status code (``none`` without a response).
        errors: failed exchanges since the start by reason.
    """

    base_url: str
    quota_used: int
    quota_limit: int
    rate_limited_until: float | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the status page shows.

    Attributes:
        version: of the program.
        now: when this record was made. The page computes every age from it.
        started_at: when the process started.
        time_zone: the company's IANA name; None until Gong's first response.
        polling: the poll loop.
        api: the traffic with Gong.
        windows: in the order of the configuration.
        snapshot: what is served, for the search for people.
        failure: the last one, over or not.
        unknown_users: IDs and addresses as configured (``email_label`` is already applied).
        warnings: sentences about problems: the state file, a refused reload.
        history_ratio: share of the day history that is known; None without one.
        history_end: when its newest known day ended.
    """

    version: str
    now: float
    started_at: float
    time_zone: str | None
    polling: Polling
    api: Api
    windows: tuple[WindowStatus, ...]
    snapshot: Snapshot = EMPTY
    failure: Failure | None = None
    unknown_users: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    history_ratio: float | None = None
    history_end: float | None = None


class Site(Protocol):
    """The exporter as its HTTP side sees it. No method ever waits for Gong."""

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
