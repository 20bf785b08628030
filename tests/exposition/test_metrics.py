"""The exporter's own numbers."""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from gong_exporter import __version__
from gong_exporter.exposition.exporter_status import Failure
from gong_exporter.exposition.metrics import KNOWN_CODES, ExporterMetrics
from gong_exporter.gong.errors import REASONS
from gong_exporter.gong.records import Observer
from tests.support.exposition_metrics import NOW, busy_metrics, exchange

Labels = Mapping[str, str]


def values(metrics: ExporterMetrics, name: str) -> dict[frozenset[tuple[str, str]], float]:
    return {
        frozenset(sample.labels.items()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


def value(metrics: ExporterMetrics, name: str, **labels: str) -> float | None:
    return values(metrics, name).get(frozenset(labels.items()))


@pytest.fixture
def metrics() -> ExporterMetrics:
    return ExporterMetrics(CollectorRegistry(), lambda: NOW)


def test_every_counter_is_zero_from_the_start_with_every_known_label_value(
    metrics: ExporterMetrics,
) -> None:
    def zeros(label: str, known: tuple[str, ...]) -> dict[frozenset[tuple[str, str]], float]:
        return {frozenset({(label, name)}): 0.0 for name in known}

    assert values(metrics, "gong_exporter_api_requests_total") == zeros("code", KNOWN_CODES)
    assert values(metrics, "gong_exporter_api_request_errors_total") == zeros("reason", REASONS)
    for name in (
        *("polls", "poll_failures", "state_errors"),
        *("api_rate_limited", "api_throttle_seconds"),
    ):
        assert value(metrics, f"gong_exporter_{name}_total") == 0
    assert value(metrics, "gong_exporter_api_request_duration_seconds_count") == 0
    assert value(metrics, "gong_exporter_api_request_duration_seconds_bucket", le="+Inf") == 0


def test_a_503_that_asks_to_wait_is_a_server_error_and_no_429(metrics: ExporterMetrics) -> None:
    metrics.exchanged(exchange(503, "server_error"))
    metrics.rate_limited_until(NOW + 40)

    assert value(metrics, "gong_exporter_api_rate_limited_total") == 0
    assert value(metrics, "gong_exporter_api_request_errors_total", reason="server_error") == 1
    until = "gong_exporter_api_rate_limited_until_timestamp_seconds"
    assert value(metrics, until) == NOW + 40


def test_the_offset_of_gongs_clock_is_that_of_the_last_response_that_had_a_date(
    metrics: ExporterMetrics,
) -> None:
    assert metrics.status().clock_offset is None
    metrics.exchanged(replace(exchange(), clock_offset=-900.0))
    metrics.exchanged(exchange())
    assert metrics.status().clock_offset == -900.0


def test_the_documented_statuses_and_no_answer_are_known_codes() -> None:
    assert {"200", "400", "401", "403", "404", "429", "500", "none"} <= set(KNOWN_CODES)


@pytest.mark.parametrize(
    "name",
    [
        "gong_up",
        "gong_exporter_last_success_timestamp_seconds",
        "gong_exporter_poll_duration_seconds",
        "gong_exporter_next_poll_timestamp_seconds",
        "gong_exporter_poll_interval_seconds",
        "gong_exporter_api_quota_used",
        "gong_exporter_config_last_reload_successful",
    ],
)
def test_a_value_that_is_not_known_yet_is_absent_and_not_zero(
    metrics: ExporterMetrics, name: str
) -> None:
    assert values(metrics, name) == {}
    assert name not in {family.name for family in metrics.registry.collect()}


def test_up_appears_when_the_first_poll_ends_and_follows_each(metrics: ExporterMetrics) -> None:
    metrics.poll_started(NOW)
    assert value(metrics, "gong_up") is None
    metrics.poll_finished(duration=3.5, failed=False)
    assert value(metrics, "gong_up") == 1
    metrics.poll_finished(duration=4.5, failed=True)
    assert value(metrics, "gong_up") == 0
    assert value(metrics, "gong_exporter_poll_duration_seconds") == 4.5
    assert value(metrics, "gong_exporter_polls_total") == 2
    assert value(metrics, "gong_exporter_poll_failures_total") == 1


def test_an_abandoned_poll_is_not_counted(metrics: ExporterMetrics) -> None:
    metrics.poll_started(NOW)
    assert metrics.status().polling_since == NOW
    metrics.poll_abandoned()
    assert metrics.status().polling_since is None
    assert value(metrics, "gong_exporter_polls_total") == 0


def test_exchanges_are_counted_by_code_and_reason(metrics: ExporterMetrics) -> None:
    metrics.exchanged(exchange(200))
    metrics.exchanged(exchange(200))
    metrics.exchanged(exchange(429, "rate_limited"))
    metrics.exchanged(exchange(None, "connection"))
    metrics.exchanged(exchange(418, "bad_request"))
    name = "gong_exporter_api_requests_total"
    assert value(metrics, name, code="200") == 2
    assert value(metrics, name, code="429") == 1
    assert value(metrics, name, code="none") == 1
    assert value(metrics, name, code="418") == 1
    assert value(metrics, "gong_exporter_api_rate_limited_total") == 1
    errors = values(metrics, "gong_exporter_api_request_errors_total")
    assert {dict(labels)["reason"]: count for labels, count in errors.items() if count} == {
        "rate_limited": 1,
        "connection": 1,
        "bad_request": 1,
    }


def test_durations_fall_into_cumulative_buckets_bounds_included(metrics: ExporterMetrics) -> None:
    for duration in (0.0, 0.05, 0.051, 30.0, 30.1):
        metrics.exchanged(exchange(duration=duration))
    name = "gong_exporter_api_request_duration_seconds"
    assert value(metrics, f"{name}_bucket", le="0.05") == 2
    assert value(metrics, f"{name}_bucket", le="0.1") == 3
    assert value(metrics, f"{name}_bucket", le="30.0") == 4
    assert value(metrics, f"{name}_bucket", le="+Inf") == 5
    assert value(metrics, f"{name}_count") == 5
    assert value(metrics, f"{name}_sum") == pytest.approx(60.201)


def test_throttling_adds_up(metrics: ExporterMetrics) -> None:
    metrics.throttled(0.5)
    metrics.throttled(0.25)
    assert value(metrics, "gong_exporter_api_throttle_seconds_total") == 0.75


def test_a_retry_after_that_is_over_reads_zero() -> None:
    now = [NOW]
    metrics = ExporterMetrics(CollectorRegistry(), lambda: now[0])
    name = "gong_exporter_api_rate_limited_until_timestamp_seconds"
    assert value(metrics, name) == 0
    metrics.rate_limited_until(NOW + 30)
    assert value(metrics, name) == NOW + 30
    now[0] = NOW + 30
    assert value(metrics, name) == 0


def test_successes_of_windows_that_are_no_longer_configured_vanish(
    metrics: ExporterMetrics,
) -> None:
    metrics.window_succeeded("7d", NOW)
    metrics.window_succeeded("90d", NOW)
    metrics.keep_windows(["1d", "7d"])
    name = "gong_exporter_last_success_timestamp_seconds"
    assert values(metrics, name) == {frozenset({("window", "7d")}): NOW}


def test_the_quota_is_read_at_each_collection() -> None:
    used = [0]
    metrics = ExporterMetrics(CollectorRegistry(), quota_used=lambda: used[0])
    metrics.set_quota_limit(5000)
    assert value(metrics, "gong_exporter_api_quota_used") == 0
    used[0] = 12
    assert value(metrics, "gong_exporter_api_quota_used") == 12
    assert value(metrics, "gong_exporter_api_quota_limit") == 5000


def test_a_quota_that_cannot_be_read_is_absent_and_its_limit_stays() -> None:
    metrics = ExporterMetrics(CollectorRegistry(), quota_used=lambda: None)
    metrics.set_quota_limit(5000)
    assert value(metrics, "gong_exporter_api_quota_used") is None
    assert value(metrics, "gong_exporter_api_quota_limit") == 5000


def test_state_errors_are_read_at_each_collection() -> None:
    metrics = ExporterMetrics(CollectorRegistry(), state_errors=lambda: 3)
    assert value(metrics, "gong_exporter_state_errors_total") == 3


def test_the_end_of_the_last_poll_is_kept(metrics: ExporterMetrics) -> None:
    metrics.poll_finished(duration=2.0, failed=False)
    assert metrics.status().last_poll == NOW


def test_a_refused_reload_keeps_the_time_of_the_last_good_one(metrics: ExporterMetrics) -> None:
    metrics.config_read(accepted=True, at=NOW)
    metrics.config_read(accepted=False, at=NOW + 60)
    assert value(metrics, "gong_exporter_config_last_reload_successful") == 0
    name = "gong_exporter_config_last_reload_success_timestamp_seconds"
    assert value(metrics, name) == NOW


def test_the_build_names_both_versions(metrics: ExporterMetrics) -> None:
    name = "gong_exporter_build_info"
    assert value(metrics, name, version=__version__, python=platform.python_version()) == 1


def test_the_last_failure_is_kept(metrics: ExporterMetrics) -> None:
    assert metrics.status().last_failure is None
    failure = Failure(at=NOW, reason="unauthorized", message="Gong answered 401", request_id="4al0")
    metrics.failed(failure)
    assert metrics.status().last_failure == failure


def test_it_never_emits_created_series_or_timestamps() -> None:
    registry = busy_metrics().registry
    text = generate_latest(registry).decode()
    text += generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]
    assert "_created" not in text
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert samples
    assert all(sample.timestamp is None for sample in samples)


def test_two_exporters_in_one_process_count_apart() -> None:
    first, second = busy_metrics(), busy_metrics()
    first.poll_finished(duration=1.0, failed=False)
    assert first.registry.get_sample_value("gong_exporter_polls_total") == 2
    assert second.registry.get_sample_value("gong_exporter_polls_total") == 1


def test_it_is_an_observer_of_gongs() -> None:
    observer: Observer = busy_metrics()
    observer.throttled(0.0)


def test_no_count_is_lost_between_threads(metrics: ExporterMetrics) -> None:
    def work() -> None:
        for _ in range(500):
            metrics.exchanged(exchange(duration=1.0))
            metrics.throttled(1.0)
            metrics.poll_finished(duration=1.0, failed=True)
            list(metrics.registry.collect())

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert metrics.status().requests["200"] == 1500
    assert value(metrics, "gong_exporter_api_request_duration_seconds_sum") == 1500
    assert value(metrics, "gong_exporter_api_throttle_seconds_total") == 1500
    assert metrics.status().poll_failures == 1500
