"""The exporter's own numbers: plain ones behind a lock, turned into families when collected.

The client library's ``Counter`` and ``Histogram`` would emit ``_created`` series and live in a
global registry; these are passed in, and anybody's registry can collect them.
"""

from __future__ import annotations

import platform
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gong_exporter import __version__
from gong_exporter.exposition import families
from gong_exporter.exposition.families import Family, label_value, written
from gong_exporter.gong.errors import REASONS
from gong_exporter.gong.records import Exchange

KNOWN_CODES: tuple[str, ...] = (
    *("200", "400", "401", "403", "404", "429", "500", "502", "503", "504"),
    "none",
)
"""Values of ``code`` that are there from the start: documented, or seen from the edge."""

MAX_CODES = 40
"""Distinct values of ``code``; what a broken proxy invents beyond them counts as ``other``."""

BUCKETS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request durations, in seconds; +Inf comes on top."""

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong last, for the status page.

    Attributes:
        at: Unix seconds.
        reason: one of gong's REASONS, or a word of the poller's own.
        message: for people; no secret and nobody's address in it.
        request_id: Gong's ``requestId``, None where it gave none.
    """

    at: float
    reason: str
    message: str
    request_id: str | None = None


class Telemetry:
    """Implements gong's Observer and the client library's Collector. Safe for many threads.

    Args:
        now: Unix time in seconds, to know whether a Retry-After is over.
        version: the exporter's.
    """

    def __init__(self, now: Callable[[], float] = time.time, version: str = __version__) -> None:
        self._now = now
        self._build = (version, platform.python_version())
        self._lock = threading.Lock()
        self._codes = dict.fromkeys(KNOWN_CODES, 0)
        self._reasons = dict.fromkeys(REASONS, 0)
        self._durations = [0] * (len(BUCKETS) + 1)
        self._duration_sum = 0.0
        self._rate_limited = 0
        self._rate_limited_until = 0.0
        self._throttled = 0.0
        self._polls = 0
        self._poll_failures = 0
        self._state_errors = 0
        self._polling_since: float | None = None
        self._up: bool | None = None
        self._poll_duration: float | None = None
        self._next_poll: float | None = None
        self._interval: float | None = None
        self._last_success: dict[str, float] = {}
        self._quota_used: Callable[[], int | None] = lambda: None
        self._quota_limit: int | None = None
        self._reload: bool | None = None
        self._reloaded_at: float | None = None
        self._last_failure: Failure | None = None

    # gong's Observer

    def exchanged(self, exchange: Exchange) -> None:
        """See Observer."""
        code = "none" if exchange.code is None else str(exchange.code)
        with self._lock:
            if code not in self._codes and len(self._codes) >= MAX_CODES:
                code = "other"
            self._codes[code] = self._codes.get(code, 0) + 1
            if exchange.reason in self._reasons:
                self._reasons[exchange.reason] += 1
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
        self._rate_limited_until = until

    # For the poller and those around it

    def poll_started(self, at: float) -> None:
        """A poll began at Unix time ``at``."""
        self._polling_since = at

    def poll_finished(self, *, duration: float, failed: bool) -> None:
        """A poll ended after ``duration`` seconds; it failed if a window got no new data."""
        with self._lock:
            self._polling_since = None
            self._polls += 1
            self._poll_failures += failed
            self._poll_duration = duration
            self._up = not failed

    def window_succeeded(self, window: str, at: float) -> None:
        """A window was whole at Unix time ``at``; also for what a state file brought back."""
        with self._lock:
            self._last_success[window] = at

    def keep_windows(self, windows: Iterable[str]) -> None:
        """Forget the successes of windows that are no longer configured."""
        kept = frozenset(windows)
        with self._lock:
            self._last_success = {w: at for w, at in self._last_success.items() if w in kept}

    def set_next_poll(self, at: float | None) -> None:
        """The next poll is due at Unix time ``at``; None while nobody can say."""
        self._next_poll = at

    def set_interval(self, seconds: float | None) -> None:
        """The interval in effect, stretched or not, in seconds."""
        self._interval = seconds

    def set_quota(self, used: Callable[[], int | None], limit: int) -> None:
        """Where the quota can be read.

        Args:
            used: calls in the last 24 hours; None when it cannot say. Asked at scrapes, in their
                thread: it answers at once.
            limit: ``gong.requests_per_day``.
        """
        with self._lock:
            self._quota_used, self._quota_limit = used, limit

    def config_read(self, *, accepted: bool, at: float) -> None:
        """The configuration was read at Unix time ``at``, at the start or for a reload."""
        with self._lock:
            self._reload = accepted
            if accepted:
                self._reloaded_at = at

    def state_error(self) -> None:
        """The state file could not be read or written."""
        with self._lock:
            self._state_errors += 1

    def failed(self, failure: Failure) -> None:
        """Something worth showing on the status page went wrong."""
        self._last_failure = failure

    # For the status page

    @property
    def last_failure(self) -> Failure | None:
        """What went wrong last; None if nothing has."""
        return self._last_failure

    @property
    def up(self) -> bool | None:
        """Whether the last poll got every window; None before the first one ended."""
        return self._up

    @property
    def next_poll(self) -> float | None:
        """Unix time of the next poll."""
        return self._next_poll

    @property
    def polling_since(self) -> float | None:
        """Unix time at which the running poll began; None between polls."""
        return self._polling_since

    def quota(self) -> tuple[int | None, int | None]:
        """Calls in the last 24 hours and the limit; None for what is not known."""
        with self._lock:
            used, limit = self._quota_used, self._quota_limit
        return used(), limit

    def limited_until(self) -> float:
        """Unix time until which Gong asked for no calls; 0 when it did not, or that is over."""
        until = self._rate_limited_until
        return until if until > self._now() else 0.0

    # The client library's Collector

    def collect(self) -> Iterator[Metric]:
        """Fresh families in the order of the table; one without a sample is left out."""
        quota_used, quota_limit = self.quota()
        with self._lock:
            return iter(
                [
                    *_gauge(families.UP, self._up),
                    *_by_label(families.LAST_SUCCESS.gauge(), self._last_success),
                    *_gauge(families.POLL_DURATION, self._poll_duration),
                    *_gauge(families.NEXT_POLL, self._next_poll),
                    *_gauge(families.POLL_INTERVAL, self._interval),
                    families.POLLS.counter(self._polls),
                    families.POLL_FAILURES.counter(self._poll_failures),
                    *_by_label(families.API_REQUESTS.counter(), self._codes),
                    *_by_label(families.API_ERRORS.counter(), self._reasons),
                    self._histogram(),
                    families.RATE_LIMITED.counter(self._rate_limited),
                    families.RATE_LIMITED_UNTIL.gauge(self.limited_until()),
                    families.THROTTLE.counter(self._throttled),
                    *_gauge(families.QUOTA_USED, quota_used),
                    *_gauge(families.QUOTA_LIMIT, quota_limit),
                    families.STATE_ERRORS.counter(self._state_errors),
                    *_gauge(families.RELOAD_SUCCESSFUL, self._reload),
                    *_gauge(families.RELOAD_TIMESTAMP, self._reloaded_at),
                    self._build_info(),
                ]
            )

    def _histogram(self) -> Metric:
        family = families.API_DURATION.histogram()
        below = 0
        buckets = []
        for bound, count in zip((*BUCKETS, float("inf")), self._durations, strict=True):
            below += count
            buckets.append((written(bound), below))
        family.add_metric((), buckets, self._duration_sum)
        return family

    def _build_info(self) -> Metric:
        family = families.BUILD_INFO.gauge()
        family.add_metric(self._build, 1)
        return family


def _gauge(family: Family, value: float | None) -> Iterator[Metric]:
    """The family, unless there is nothing to say: absent is not 0."""
    if value is not None:
        yield family.gauge(value)


def _by_label(
    family: GaugeMetricFamily | CounterMetricFamily, values: dict[str, float] | dict[str, int]
) -> Iterator[Metric]:
    for label, value in values.items():
        family.add_metric((label_value(label),), value)
    if family.samples:
        yield family
