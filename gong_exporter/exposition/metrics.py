"""The exporter's own numbers: plain ones behind a lock, copied out together when asked for.

The client library's ``Counter`` and ``Histogram`` would emit ``_created`` series and live in a
global registry; these are passed in, and anybody's registry can collect them.
"""

from __future__ import annotations

import platform
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from gong_exporter import __version__
from gong_exporter.exposition.numbers import BUCKETS, Failure, Numbers, families_of
from gong_exporter.gong.errors import REASONS
from gong_exporter.gong.records import Exchange

KNOWN_CODES: tuple[str, ...] = (
    *("200", "400", "401", "403", "404", "429", "500", "502", "503", "504"),
    "none",
)
"""Values of ``code`` that are there from the start: documented, or seen from the edge."""

MAX_CODES = 40
"""Distinct values of ``code``; what a broken proxy invents beyond them counts as ``other``."""

_TOO_MANY_REQUESTS = 429


class ExporterMetrics:
    """Implements gong's Observer and the client library's Collector. Safe for many threads.

    Args:
        now: Unix time in seconds, to know when a poll ended and a Retry-After is over.
        version: the exporter's.
    """

    def __init__(self, now: Callable[[], float] = time.time, version: str = __version__) -> None:
        self._now = now
        self._version = version
        self._lock = threading.Lock()
        self._requests = dict.fromkeys(KNOWN_CODES, 0)
        self._errors = dict.fromkeys(REASONS, 0)
        self._durations = [0] * (len(BUCKETS) + 1)
        self._duration_sum = 0.0
        self._rate_limited = 0
        self._rate_limited_until = 0.0
        self._throttled = 0.0
        self._polls = 0
        self._poll_failures = 0
        self._state_errors: Callable[[], int] = lambda: 0
        self._up: bool | None = None
        self._polling_since: float | None = None
        self._last_poll: float | None = None
        self._poll_duration: float | None = None
        self._next_poll: float | None = None
        self._interval: float | None = None
        self._last_success: dict[str, float] = {}
        self._quota_used: Callable[[], int | None] = lambda: None
        self._quota_limit: int | None = None
        self._config_accepted: bool | None = None
        self._config_accepted_at: float | None = None
        self._last_failure: Failure | None = None

    # gong's Observer

    def exchanged(self, exchange: Exchange) -> None:
        """See Observer."""
        code = "none" if exchange.code is None else str(exchange.code)
        with self._lock:
            if code not in self._requests and len(self._requests) >= MAX_CODES:
                code = "other"
            self._requests[code] = self._requests.get(code, 0) + 1
            if exchange.reason in self._errors:
                self._errors[exchange.reason] += 1
            if exchange.code == _TOO_MANY_REQUESTS:
                self._rate_limited += 1
            self._durations[bisect_left(BUCKETS, exchange.duration)] += 1
            self._duration_sum += exchange.duration

    def throttled(self, seconds: float) -> None:
        """See Observer."""
        with self._lock:
            self._throttled += seconds

    def rate_limited_until(self, until: float) -> None:
        """See Observer."""
        with self._lock:
            self._rate_limited_until = until

    # The poller, and those around it

    def poll_started(self, at: float) -> None:
        """A poll began at Unix time ``at``."""
        with self._lock:
            self._polling_since = at

    def poll_finished(self, *, duration: float, failed: bool) -> None:
        """A poll ended now, after ``duration`` seconds.

        It failed if it left a window without new data, whatever kept it from it.
        """
        at = self._now()
        with self._lock:
            self._polling_since = None
            self._polls += 1
            self._poll_failures += failed
            self._last_poll = at
            self._poll_duration = duration
            self._up = not failed

    def poll_abandoned(self) -> None:
        """A poll was stopped halfway because the process or its configuration is going."""
        with self._lock:
            self._polling_since = None

    def window_succeeded(self, window: str, at: float) -> None:
        """A window was whole at Unix time ``at``; also for what a state file brought back."""
        with self._lock:
            self._last_success[window] = at

    def keep_windows(self, windows: Iterable[str]) -> None:
        """Forget the successes of windows other than these: they are no longer configured."""
        kept = frozenset(windows)
        with self._lock:
            self._last_success = {w: at for w, at in self._last_success.items() if w in kept}

    def set_next_poll(self, at: float | None) -> None:
        """The next poll is due at Unix time ``at``; None while nobody can say."""
        with self._lock:
            self._next_poll = at

    def set_interval(self, seconds: float) -> None:
        """The interval in effect, stretched or not, in seconds."""
        with self._lock:
            self._interval = seconds

    def set_quota(self, used: Callable[[], int | None], limit: int) -> None:
        """Where the quota can be read.

        Args:
            used: calls in the last 24 hours; None when it cannot say. Asked at scrapes, in their
                thread: it answers at once and does not raise.
            limit: ``gong.requests_per_day``.
        """
        with self._lock:
            self._quota_used, self._quota_limit = used, limit

    def config_read(self, *, accepted: bool, at: float) -> None:
        """The configuration was read at Unix time ``at``, at the start or for a reload."""
        with self._lock:
            self._config_accepted = accepted
            if accepted:
                self._config_accepted_at = at

    def set_state_errors(self, count: Callable[[], int]) -> None:
        """Where to read how often the state file could not be read or written.

        Asked at scrapes, in their thread: it answers at once and does not raise.
        """
        with self._lock:
            self._state_errors = count

    def failed(self, failure: Failure) -> None:
        """Something worth showing on the status page went wrong."""
        with self._lock:
            self._last_failure = failure

    # Who asks

    def numbers(self) -> Numbers:
        """All of it, as of one moment."""
        with self._lock:
            ask_used, ask_errors = self._quota_used, self._state_errors
        quota_used, state_errors = ask_used(), ask_errors()  # others' locks, so not under ours
        now = self._now()
        with self._lock:
            return Numbers(
                version=self._version,
                python=platform.python_version(),
                up=self._up,
                polling_since=self._polling_since,
                last_poll=self._last_poll,
                poll_duration=self._poll_duration,
                next_poll=self._next_poll,
                interval=self._interval,
                last_success=dict(self._last_success),
                polls=self._polls,
                poll_failures=self._poll_failures,
                requests=dict(self._requests),
                errors=dict(self._errors),
                durations=tuple(self._durations),
                duration_sum=self._duration_sum,
                rate_limited=self._rate_limited,
                rate_limited_until=self._rate_limited_until
                if self._rate_limited_until > now
                else 0.0,
                throttled=self._throttled,
                quota_used=quota_used,
                quota_limit=self._quota_limit,
                state_errors=state_errors,
                config_accepted=self._config_accepted,
                config_accepted_at=self._config_accepted_at,
                last_failure=self._last_failure,
            )

    def collect(self) -> Iterable[Metric]:
        """The client library's Collector."""
        return families_of(self.numbers())
