"""What the routes need to know of the program behind them: one protocol and frozen records.

Every instant is in Unix seconds (float); a name that ends in ``_seconds`` is a duration. ``None``
means "not known" or "not so", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

WindowState = Literal["fresh", "stale", "absent"]
"""``fresh``: its newest data came with the last poll. ``stale``: older data is still served.
``absent``: nothing is served."""


@dataclass(frozen=True, slots=True)
class Body:
    """An answer that is ready to send.

    Attributes:
        content_type: the whole ``Content-Type`` value.
        content_encoding: ``gzip``, or None for plain bytes.
        chunks: the bytes, in the order in which they go out. Shared, never copied.
    """

    content_type: str
    content_encoding: str | None
    chunks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to a question with yes or no.

    Attributes:
        ok: whether the answer is yes.
        reason: one sentence for a person, also when it is yes.
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
        end_day: the company day before which they end (exclusive, as ``toDate`` is).
        start: when ``first_day`` began.
        end: when ``end_day`` began, which is where the numbers end.
        last_success: when the newest data of this window arrived.
        active: users that Gong named.
        inactive: users that are known and that Gong left out: zero everywhere.
        unknown: users that are configured and that Gong has never named.
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
    """What went wrong last.

    Attributes:
        at: when.
        reason: as in ``gong_exporter_api_request_errors_total``: ``rate_limited``, ``timeout`` ...
        message: for a person; may quote Gong, so it is never trusted.
        request_id: Gong's ``requestId``, which its support asks for.
        over: whether a later poll went well.
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
        schedule: as configured: ``1h``, or a cron expression.
        interval_seconds: the interval in effect, stretched or not.
        stretched: why the interval in effect is longer than the configured one.
        running: whether a poll is going on now.
        next_poll: when the next one starts.
        last_poll: when the last one ended.
        last_seconds: how long it took.
        last_ok: whether it got every window.
        polls: how many were run since the start.
        failures: how many of them left a window without new data.
    """

    schedule: str
    interval_seconds: float
    stretched: str | None = None
    running: bool = False
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
        quota_used: calls in the last 24 hours by the ledger.
        quota_limit: this exporter's share, ``requests_per_day``.
        rate_limited_until: end of a running Retry-After.
        requests: exchanges since the start by HTTP code (``none`` where no answer came).
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
    """Everything that the status page shows, but for the table of users.

    Attributes:
        version: of the program.
        now: when this record was made; the page computes every age from it.
        started_at: when the process started.
        time_zone: the company's, an IANA name; None until Gong told it.
        polling: the poll loop.
        api: the traffic with Gong.
        windows: in the order of the configuration.
        failure: the last one, over or not.
        unknown_users: ids and addresses as configured (``email_label`` already applied).
        warnings: sentences about what is not right: the state file, a refused reload, a second
            poller.
    """

    version: str
    now: float
    started_at: float
    time_zone: str | None
    polling: Polling
    api: Api
    windows: tuple[WindowStatus, ...]
    failure: Failure | None = None
    unknown_users: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user in one window.

    Attributes:
        user_id: Gong's id.
        email: as ``email_label`` says: plain, hashed or empty.
        counters: aligned with ``ActivityTable.metrics``; None where Gong sent no number.
    """

    user_id: str
    email: str
    counters: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class ActivityTable:
    """The users of one window, in any order.

    Attributes:
        window: its name.
        metrics: the column names, as in the label ``metric``.
        rows: one for each known user.
    """

    window: str
    metrics: tuple[str, ...]
    rows: Sequence[UserRow]


class Site(Protocol):
    """The program as its HTTP side sees it. No method ever waits for Gong."""

    def metrics(self, accept: str, accept_encoding: str) -> Body:
        """The exposition that suits the two headers (empty when they were not sent).

        Called on the event loop at each scrape, so it must only hand out what is rendered.
        """
        ...

    def healthy(self) -> Health:
        """Whether the poll loop is alive."""
        ...

    def ready(self) -> Health:
        """Whether there is data to serve."""
        ...

    def reload(self) -> Health:
        """Read the configuration again; not ok leaves the old one in force.

        May take seconds: called in a thread of its own, never twice at a time.
        """
        ...

    def status(self) -> Status:
        """What the status page shows above its table. Called in a thread."""
        ...

    def activity(self, window: str) -> ActivityTable | None:
        """The table of one window; None when nothing is served for it. Called in a thread."""
        ...
