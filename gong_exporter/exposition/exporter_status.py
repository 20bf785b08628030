"""The exporter's own numbers at one moment, as the status page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last thing that went wrong, for the status page.

    Attributes:
        at: Unix seconds.
        reason: one of gong's REASONS, or ``defect``.
        message: for people; contains no secret and no e-mail address.
        request_id: Gong's ``requestId``; None if the response had none.
    """

    at: float
    reason: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterStatus:
    """The exporter's own numbers at one moment. Times are Unix seconds; None means not known.

    Attributes:
        up: whether the last poll got every window.
        polling_since: when the running poll began; None between polls.
        last_poll: when the last poll ended.
        poll_duration: seconds that it took.
        next_poll: when the next poll is due.
        interval: seconds between scheduled polls in effect.
        last_success: when each window last arrived whole.
        polls: polls that ended.
        poll_failures: polls that left a window without new data.
        requests: exchanges with Gong by status code.
        errors: failed exchanges by reason.
        rate_limited_until: end of a running Retry-After; 0 when none is in force.
        quota_used: calls in the last 24 hours.
        quota_limit: ``gong.requests_per_day``.
        roster_rows_skipped: rows of the roster file that could not be used.
        config_accepted: whether the configuration was accepted when it was last read.
        config_accepted_at: when a configuration was last accepted.
        last_failure: what went wrong last, fixed or not.
        clock_offset: seconds by which Gong's clock was ahead of ours at the last response.
        history_ratio: share of the day history that is known; None without a history.
        history_end: when the newest known day ended; None likewise, and without a known day.
    """

    up: bool | None = None
    polling_since: float | None = None
    last_poll: float | None = None
    poll_duration: float | None = None
    next_poll: float | None = None
    interval: float | None = None
    last_success: Mapping[str, float] = field(default_factory=dict)
    polls: int = 0
    poll_failures: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    rate_limited_until: float = 0.0
    quota_used: int | None = None
    quota_limit: int | None = None
    roster_rows_skipped: int = 0
    config_accepted: bool | None = None
    config_accepted_at: float | None = None
    last_failure: Failure | None = None
    clock_offset: float | None = None
    history_ratio: float | None = None
    history_end: float | None = None
