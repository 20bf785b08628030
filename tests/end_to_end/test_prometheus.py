"""A real Prometheus scrapes the real process; what it reads is what the company did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import Process, exporter, write_config
from tests.support.servers import Prometheus, prometheus_scraping, promtool, until
from tests.support.simulator import running_simulator
from tests.support.truth import NAMES, expected, published, today_in, trailing, windows_of

ZONE = ZoneInfo("US/Pacific")
COMPANY = FixtureCompany(users=20, silent=(3,), time_zone=ZONE)

pytestmark = pytest.mark.server("prometheus")


@dataclass
class Stage:
    exporter: Process
    leaving: Process
    prometheus: Prometheus

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """A query in which ``$E`` stands for the selector of the exporter that stays."""
        selector = f'instance="{self.exporter.address}"'
        return self.prometheus.query(expression.replace("$E", selector))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two exporters after their first polls, and a Prometheus that has scraped those."""
    folder: Path = tmp_path_factory.mktemp("stage")
    other = tmp_path_factory.mktemp("leaving")
    with (
        running_simulator(COMPANY, now=utc_now) as simulator,
        exporter(write_config(folder, simulator.url)) as running,
        exporter(write_config(other, simulator.url)) as leaving,
        prometheus_scraping(running.address, leaving.address, directory=folder) as prometheus,
    ):
        until(lambda: len(prometheus.query("gong_up == 1")) == 2, "both polls are scraped")
        yield Stage(running, leaving, prometheus)


def test_every_number_matches_the_company_for_the_machines_date(stage: Stage) -> None:
    days = {today_in(ZONE)}
    read = {
        (labels["user"], labels["email"], labels["metric"], labels["window"]): value
        for labels, value in stage.query("gong_user_activity{$E}")
    }
    days.add(today_in(ZONE))  # midnight may have passed
    assert len(read) == 19 * len(NAMES) * 3
    assert any(read == expected(COMPANY, trailing(day, 1, 7, 28)) for day in days)


def test_the_window_timestamps_match_the_counted_days(stage: Stage) -> None:
    samples = stage.exporter.samples()
    windows = windows_of(samples, ZONE)
    assert published(samples) == expected(COMPANY, windows)
    _, today = windows["1d"]
    assert windows == trailing(today, 1, 7, 28)


def test_prometheus_sees_the_target_and_gong_up(stage: Stage) -> None:
    instance = {"job": "gong", "instance": stage.exporter.address}
    for name in ("up", "gong_up"):
        assert stage.query(name + "{$E}") == [({"__name__": name, **instance}, 1.0)]


def test_no_sample_has_a_timestamp(stage: Stage) -> None:
    before = time.time()
    until(
        lambda: min(value for _, value in stage.query("timestamp(gong_up{$E})")) > before,
        "a scrape at its own time",
    )


def test_everybody_is_active_inactive_or_unknown(stage: Stage) -> None:
    users = stage.query('sum by (window) (gong_activity_users{$E, state!="unknown"})')
    assert {labels["window"]: value for labels, value in users} == {"1d": 19, "7d": 19, "28d": 19}


def test_promtool_accepts_the_text_without_warnings(stage: Stage) -> None:
    text = stage.exporter.ask("/metrics", headers={"Accept": "text/plain"}).text
    checked = promtool("check", "metrics", text=text.encode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_openmetrics_parses_to_the_same_samples(stage: Stage) -> None:
    answer = stage.exporter.ask(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in _openmetrics(answer.text)}
    samples = {
        (s.labels["user"], s.labels["email"], s.labels["metric"], s.labels["window"]): s.value
        for s in families["gong_user_activity"].samples
    }
    assert samples == published(stage.exporter.samples())


def test_every_counter_exists_from_the_start_without_created_series(stage: Stage) -> None:
    samples = stage.exporter.samples()
    errors = samples.by("reason", "gong_exporter_api_request_errors_total")
    assert errors == dict.fromkeys(errors, 0) and len(errors) == 10  # noqa: PT018  # one sentence
    assert samples.by("code", "gong_exporter_api_requests_total")["none"] == 0
    assert samples.value("gong_exporter_poll_failures_total") == 0
    assert samples.value("gong_exporter_state_errors_total") == 0
    assert "_created" not in samples.text


def test_series_go_stale_when_the_exporter_stops(stage: Stage) -> None:
    instance = f'{{instance="{stage.leaving.address}"}}'
    assert len(stage.prometheus.query(f"gong_user_activity{instance}")) == 19 * len(NAMES) * 3
    stage.leaving.stop()
    assert stage.leaving.process.returncode == 0
    until(lambda: not stage.prometheus.query(f"gong_user_activity{instance}"), "no series is left")
    assert [value for _, value in stage.prometheus.query(f"up{instance}")] == [0]


def _openmetrics(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # has none
