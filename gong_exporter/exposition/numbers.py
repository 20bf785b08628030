"""The exporter's own numbers at one moment, as a record and as families of the client library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gong_exporter.exposition import names
from gong_exporter.exposition.names import Family, format_value, label_value

BUCKETS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request durations, in seconds; +Inf comes on top."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """All of the metrics at one moment. Times are Unix seconds; None is not known (yet).

    Attributes:
        version: the exporter's.
        python: of the interpreter.
        up: whether the last poll got every window.
        polling_since: when the running poll began; None between polls.
        last_poll: when the last poll ended.
        poll_duration: seconds that it took.
        next_poll: when the next one is due.
        interval: seconds between scheduled polls in effect.
        last_success: when each window last arrived whole.
        polls: polls that ended.
        poll_failures: those of them that left a window without new data.
        requests: exchanges with Gong by code.
        errors: exchanges that ended in an error by reason.
        durations: exchanges by the place of their duration in BUCKETS, those above it last.
        duration_sum: seconds of all exchanges.
        rate_limited: answers with status 429.
        rate_limited_until: end of a running Retry-After; 0 when none runs.
        throttled: seconds that calls waited for our own limiter.
        quota_used: calls in the last 24 hours.
        quota_limit: of those, how many there may be.
        state_errors: failures to read or write the state file.
        config_accepted: whether the configuration was accepted when last read.
        config_accepted_at: when one last was.
        last_failure: what went wrong last, over or not.
    """

    version: str
    python: str
    up: bool | None
    polling_since: float | None
    last_poll: float | None
    poll_duration: float | None
    next_poll: float | None
    interval: float | None
    last_success: Mapping[str, float]
    polls: int
    poll_failures: int
    requests: Mapping[str, int]
    errors: Mapping[str, int]
    durations: tuple[int, ...]
    duration_sum: float
    rate_limited: int
    rate_limited_until: float
    throttled: float
    quota_used: int | None
    quota_limit: int | None
    state_errors: int
    config_accepted: bool | None
    config_accepted_at: float | None
    last_failure: Failure | None


def families_of(n: Numbers) -> Iterator[Metric]:
    """Fresh families in the order of the table; one without a sample is left out."""
    yield from _gauge(names.UP, n.up)
    yield from _by_label(names.LAST_SUCCESS.gauge(), n.last_success)
    yield from _gauge(names.POLL_DURATION, n.poll_duration)
    yield from _gauge(names.NEXT_POLL, n.next_poll)
    yield from _gauge(names.POLL_INTERVAL, n.interval)
    yield names.POLLS.counter(n.polls)
    yield names.POLL_FAILURES.counter(n.poll_failures)
    yield from _by_label(names.API_REQUESTS.counter(), n.requests)
    yield from _by_label(names.API_ERRORS.counter(), n.errors)
    yield _durations(n)
    yield names.RATE_LIMITED.counter(n.rate_limited)
    yield names.RATE_LIMITED_UNTIL.gauge(n.rate_limited_until)
    yield names.THROTTLE.counter(n.throttled)
    yield from _gauge(names.QUOTA_USED, n.quota_used)
    yield from _gauge(names.QUOTA_LIMIT, n.quota_limit)
    yield names.STATE_ERRORS.counter(n.state_errors)
    yield from _gauge(names.RELOAD_SUCCESSFUL, n.config_accepted)
    yield from _gauge(names.RELOAD_TIMESTAMP, n.config_accepted_at)
    build = names.BUILD_INFO.gauge()
    build.add_metric((n.version, n.python), 1)
    yield build


def _durations(numbers: Numbers) -> Metric:
    family = names.API_DURATION.histogram()
    counts = accumulate(numbers.durations)
    bounds = (*BUCKETS, float("inf"))
    buckets = [(format_value(bound), count) for bound, count in zip(bounds, counts, strict=True)]
    family.add_metric((), buckets, numbers.duration_sum)
    return family


def _gauge(family: Family, value: float | None) -> Iterator[Metric]:
    """The family, unless there is nothing to say: absent is not 0."""
    if value is not None:
        yield family.gauge(value)


def _by_label(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]
) -> Iterator[Metric]:
    for label, value in values.items():
        family.add_metric((label_value(label),), value)
    if family.samples:
        yield family
