"""The exporter's own numbers: the client library's metrics on a registry that is passed in.

A library gauge without labels reads 0 as soon as it exists, and 0 does not mean "unknown". So the
values that can be absent (``gong_up`` before the first poll, a window that was removed) are kept in
one frozen record, and a small collector yields those that are known.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import Metric

from gong_exporter import __version__
from gong_exporter.exposition import names
from gong_exporter.exposition.exporter_status import ExporterStatus, Failure
from gong_exporter.exposition.family import Families, Family, label_value
from gong_exporter.gong.errors import REASONS
from gong_exporter.gong.records import Exchange

BUCKETS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request durations, in seconds; the library adds +Inf."""

KNOWN_CODES: tuple[str, ...] = (
    *("200", "400", "401", "403", "404", "429", "500", "502", "503", "504"),
    "none",
)
"""Values of ``code`` that exist from the start: documented by Gong, or seen from its edge."""

_TOO_MANY_REQUESTS = 429


class ExporterMetrics:
    """Counts what the exporter does. Implements gong's Observer. Safe for many threads.

    Switches off the client library's ``_created`` series, for the whole process.

    Args:
        registry: the metrics are registered here, and its ``collect()`` yields them.
        now: Unix time in seconds.
        quota_used: calls in the last 24 hours; None when unknown. It is called at every scrape,
            in the scrape's thread, so it must return at once and not raise.
        state_errors: failures to read or write the state file; called likewise.

    Attributes:
        registry: as given.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        now: Callable[[], float] = time.time,
        *,
        quota_used: Callable[[], int | None] = lambda: None,
        state_errors: Callable[[], int] = lambda: 0,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self.registry = registry
        self._now = now
        self._quota_used = quota_used
        self._state_errors = state_errors
        self._lock = threading.Lock()
        self._status = ExporterStatus()

        def counter(family: Family) -> Counter:
            return Counter(family.name, family.help, family.labels, registry=registry)

        registry.register(Families(self._optional_values))
        self._polls = counter(names.POLLS)
        self._poll_failures = counter(names.POLL_FAILURES)
        self._requests = counter(names.API_REQUESTS)
        self._errors = counter(names.API_ERRORS)
        self._rate_limited = counter(names.RATE_LIMITED)
        self._throttled = counter(names.THROTTLE)
        self._history_failures = counter(names.HISTORY_FETCH_FAILURES)
        self._roster_refreshes = counter(names.ROSTER_REFRESHES)
        self._roster_failures = counter(names.ROSTER_REFRESH_FAILURES)
        self._durations = Histogram(
            names.API_DURATION.name, names.API_DURATION.help, registry=registry, buckets=BUCKETS
        )
        build = Gauge(
            names.BUILD_INFO.name, names.BUILD_INFO.help, names.BUILD_INFO.labels, registry=registry
        )
        build.labels(__version__, platform.python_version()).set(1)
        for code in KNOWN_CODES:
            self._requests.labels(code)
        for reason in REASONS:
            self._errors.labels(reason)

    # gong's Observer

    def exchanged(self, exchange: Exchange) -> None:
        """See Observer."""
        code = "none" if exchange.code is None else str(exchange.code)
        self._requests.labels(code).inc()
        if exchange.reason in REASONS:
            self._errors.labels(exchange.reason).inc()
        if exchange.code == _TOO_MANY_REQUESTS:
            self._rate_limited.inc()
        self._durations.observe(exchange.duration)
        if exchange.clock_offset is not None:
            self._set(clock_offset=exchange.clock_offset)

    def throttled(self, seconds: float) -> None:
        """See Observer."""
        self._throttled.inc(seconds)

    def rate_limited_until(self, until: float) -> None:
        """See Observer."""
        self._set(rate_limited_until=until)

    # runtime

    def poll_started(self, at: float) -> None:
        """A poll began at Unix time ``at``."""
        self._set(polling_since=at)

    def poll_finished(self, *, duration: float, failed: bool) -> None:
        """A poll ended now, after ``duration`` seconds.

        It failed if it left a window without new data, whatever the reason.
        """
        self._polls.inc()
        if failed:
            self._poll_failures.inc()
        self._set(polling_since=None, last_poll=self._now(), poll_duration=duration, up=not failed)

    def poll_abandoned(self) -> None:
        """A poll was interrupted because the process stops or its configuration changes."""
        self._set(polling_since=None)

    def window_succeeded(self, window: str, at: float) -> None:
        """A window arrived whole at Unix time ``at``, in this process or an earlier one."""
        with self._lock:
            known = {**self._status.last_success, window: at}
            self._status = replace(self._status, last_success=known)

    def keep_windows(self, windows: Iterable[str]) -> None:
        """Forget the successes of windows that are no longer configured."""
        kept = frozenset(windows)
        with self._lock:
            known = {w: at for w, at in self._status.last_success.items() if w in kept}
            self._status = replace(self._status, last_success=known)

    def set_next_poll(self, at: float | None) -> None:
        """The next poll is due at Unix time ``at``; None when it is not known."""
        self._set(next_poll=at)

    def set_interval(self, seconds: float) -> None:
        """The interval in effect, stretched or not, in seconds."""
        self._set(interval=seconds)

    def set_roster_rows_skipped(self, rows: int) -> None:
        """How many rows of the roster file in force could not be used."""
        self._set(roster_rows_skipped=rows)

    def set_quota_limit(self, limit: int) -> None:
        """``gong.requests_per_day`` of the configuration in force."""
        self._set(quota_limit=limit)

    def config_read(self, *, accepted: bool, at: float) -> None:
        """The configuration was read at Unix time ``at``, at the start or by a reload."""
        if accepted:
            self._set(config_accepted=True, config_accepted_at=at)
        else:
            self._set(config_accepted=False)

    def set_history(self, ratio: float | None, end: float | None) -> None:
        """How much of the day history is known; None without a history."""
        self._set(history_ratio=ratio, history_end=end)

    def roster_refreshed(self, *, failed: bool) -> None:
        """The roster was fetched from Gong, or could not be."""
        self._roster_refreshes.inc()
        if failed:
            self._roster_failures.inc()

    def history_fetch_failed(self) -> None:
        """A day of the history could not be fetched."""
        self._history_failures.inc()

    def failed(self, failure: Failure) -> None:
        """Keep a failure for the status page."""
        self._set(last_failure=failure)

    # readers

    def status(self) -> ExporterStatus:
        """All numbers that the status page shows."""
        return replace(
            self._current(),
            polls=int(_values(self._polls).get("", 0)),
            poll_failures=int(_values(self._poll_failures).get("", 0)),
            requests={code: int(n) for code, n in _values(self._requests).items()},
            errors={reason: int(n) for reason, n in _values(self._errors).items()},
        )

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)

    def _current(self) -> ExporterStatus:
        status = self._status
        over = status.rate_limited_until <= self._now()
        return replace(
            status,
            quota_used=self._quota_used(),
            rate_limited_until=0.0 if over else status.rate_limited_until,
        )

    def _optional_values(self) -> Iterator[Metric]:
        """The families of the record, without those that have no sample."""
        status = self._current()
        for family, value in (
            (names.UP, status.up),
            (names.POLL_DURATION, status.poll_duration),
            (names.NEXT_POLL, status.next_poll),
            (names.POLL_INTERVAL, status.interval),
            (names.RATE_LIMITED_UNTIL, status.rate_limited_until),
            (names.QUOTA_USED, status.quota_used),
            (names.QUOTA_LIMIT, status.quota_limit),
            (names.ROSTER_ROWS_SKIPPED, status.roster_rows_skipped),
            (names.RELOAD_SUCCESSFUL, status.config_accepted),
            (names.RELOAD_TIMESTAMP, status.config_accepted_at),
            (names.HISTORY_RATIO, status.history_ratio),
            (names.HISTORY_END, status.history_end),
        ):
            if value is not None:
                yield family.gauge(value)
        if status.last_success:
            last_success = names.LAST_SUCCESS.gauge()
            for window, at in status.last_success.items():
                last_success.add_metric((label_value(window),), at)
            yield last_success
        yield names.STATE_ERRORS.counter(self._state_errors())


def _values(counter: Counter) -> dict[str, float]:
    """A counter's values by its only label's value; by an empty text if it has no label."""
    return {
        next(iter(sample.labels.values()), ""): sample.value
        for family in counter.collect()
        for sample in family.samples
    }
