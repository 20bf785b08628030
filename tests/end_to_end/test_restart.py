"""What an exporter knew, it knows again after a restart, however the last one ended."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gong_exporter.activity.snapshot import WindowData
from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import Process, Samples, exporter, write_config
from tests.support.saved_state import edit_windows, of_the_day_before, older, state_at
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.truth import published

LAST_SUCCESS = "gong_exporter_last_success_timestamp_seconds"


def first_run(config: Path) -> Samples:
    """One poll, and a stop."""
    with exporter(config) as running:
        samples = running.await_polls(1)
        running.stop()
    return samples


def activity_lines(samples: Samples) -> list[str]:
    """Everything a poll brought, as text: windows, users, numbers."""
    return [
        line
        for line in samples.text.splitlines()
        if line.startswith(("gong_activity_", "gong_user_", LAST_SUCCESS))
    ]


def count(simulator: Simulator) -> int:
    return len(simulator.journal.entries())


def database(config: Path) -> Path:
    return config.with_name("gong-exporter.db")


def test_a_restart_serves_fresh_data_at_once_and_does_not_poll(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        before = first_run(config)
        calls = count(simulator)
        assert calls == 4
        with exporter(config) as running:
            running.await_said("the data is fresh: no poll now")
            assert running.ask("/-/ready").status == 200
            after = running.samples()
            assert activity_lines(after) == activity_lines(before)
            assert after.value("gong_up") is None
            assert after.value("gong_exporter_polls_total") == 0
            assert after.value("gong_exporter_api_quota_used") == calls
            due = after.value("gong_exporter_next_poll_timestamp_seconds")
            assert due is not None
            oldest = min(after.by("window", LAST_SUCCESS).values())
            assert due <= oldest + 3600.001
            assert "fresh" in running.ask("/").text
        assert count(simulator) == calls


@pytest.mark.parametrize("as_stated", [True, False])
def test_a_range_stated_by_gong_is_fresh_but_not_in_another_time_zone(
    tmp_path: Path, *, as_stated: bool
) -> None:
    def eight_hours_off(data: WindowData) -> WindowData:
        start, end = data.start_timestamp - 28_800, data.end_timestamp - 28_800
        return replace(data, start_timestamp=start, end_timestamp=end, as_stated=as_stated)

    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        first_run(config)
        calls = count(simulator)
        edit_windows(database(config), simulator.url, eight_hours_off)
        with exporter(config) as running:
            if as_stated:
                running.await_said("the data is fresh: no poll now")
            else:
                running.await_polls(1)
        assert count(simulator) == (calls if as_stated else calls + 3)


def test_a_restart_polls_at_once_when_the_data_is_older_than_the_interval(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        first_run(config)
        edit_windows(database(config), simulator.url, older(3601))
        with exporter(config) as running:
            samples = running.await_polls(1)
            assert samples.value("gong_up") == 1
        assert count(simulator) == 4 + 3  # the zone is known


def test_a_restart_after_a_night_serves_the_old_days_with_their_times_and_polls(
    tmp_path: Path,
) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, poll={"interval": "25h"})
        first = first_run(config)
        edit_windows(database(config), simulator.url, of_the_day_before)
        simulator.set_faults("hang")
        with exporter(config) as running:
            until(lambda: count(simulator) > 4, "it polls")
            samples = running.samples()
            assert published(samples) == published(first)
            for name in (
                "gong_activity_window_start_timestamp_seconds",
                "gong_activity_window_end_timestamp_seconds",
                LAST_SUCCESS,
            ):
                now, then = samples.by("window", name), first.by("window", name)
                assert now == {window: at - 86_400 for window, at in then.items()}
            assert samples.value("gong_up") is None


def test_data_that_becomes_too_old_is_dropped_while_a_poll_hangs(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(
            tmp_path,
            simulator.url,
            gong={"timeout": "60s"},
            poll={"interval": "1m", "stale_after": "10m"},
        )
        first_run(config)
        edit_windows(database(config), simulator.url, older(585))
        simulator.set_faults("hang")
        with exporter(config) as running:
            until(lambda: running.ask("/-/ready").status == 503, "every window is too old", 60)
            assert running.said("data too old to serve")  # so it was served before
            samples = running.samples()
            assert activity_lines(samples) == [
                line for line in samples.text.splitlines() if line.startswith(LAST_SUCCESS)
            ]
            assert samples.value("gong_exporter_polls_total") == 0
            assert len(samples.by("window", LAST_SUCCESS)) == 3


def test_data_too_old_for_stale_after_is_not_served_after_a_restart(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        first_run(config)
        edit_windows(database(config), simulator.url, older(26 * 3600))
        simulator.set_faults("hang")
        with exporter(config) as running:
            assert running.ask("/-/ready").status == 503
            assert not published(running.samples())


def test_numbers_of_another_request_are_not_served(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        first_run(write_config(tmp_path, simulator.url))
        simulator.set_faults("hang")
        other = write_config(tmp_path, simulator.url, activity={"users": ["7000"]})
        with exporter(other) as running:
            assert running.ask("/-/ready").status == 503
            assert not published(running.samples())


NO_POLL = "no poll yet: a Retry-After of Gong is in force, or the quota is used up"


def start_and_kill(config: Path, simulator: Simulator) -> Process:
    """Kill an exporter once it has made a call, or found that it may make none."""
    before = count(simulator)
    with exporter(config) as running:
        until(lambda: count(simulator) > before or running.said(NO_POLL), "it calls, or may not")
        running.kill()
    return running


def test_a_crash_loop_does_not_spend_the_quota_twice(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(
            tmp_path, simulator.url, gong={"requests_per_day": 6, "timeout": "100ms"}
        )
        simulator.set_faults("hang")
        for _ in range(10):
            start_and_kill(config, simulator)
        arrived = count(simulator)
        assert 3 <= arrived <= 6  # a kill may come between a call's entry in the ledger and itself
        simulator.set_faults()
        with exporter(config) as running:
            running.await_said(NO_POLL)
            samples = running.samples()
            assert samples.value("gong_up") is None
            assert samples.value("gong_exporter_api_quota_used") == 6
            assert samples.value("gong_exporter_api_quota_limit") == 6
            assert samples.value("gong_exporter_polls_total") == 0
            due = samples.value("gong_exporter_next_poll_timestamp_seconds")
            assert due == pytest.approx(time.time() + 86_400, abs=300)
        assert count(simulator) == arrived


def test_a_retry_after_is_kept_by_the_next_process_too(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        simulator.set_faults("rate-limited-long")
        with exporter(config) as running:
            running.await_said("poll ended")
            running.kill()
        simulator.set_faults()
        with exporter(config) as running:
            next_poll = "gong_exporter_next_poll_timestamp_seconds"
            until(lambda: running.samples().value(next_poll), "the next poll is known")
            samples = running.samples()
            until_then = samples.value("gong_exporter_api_rate_limited_until_timestamp_seconds")
            assert until_then == pytest.approx(time.time() + 7200, abs=120)
            assert samples.value(next_poll) == pytest.approx((until_then or 0) + 1, abs=1)
            assert samples.value("gong_exporter_polls_total") == 0
            assert running.ask("/-/healthy").status == 200
        assert count(simulator) == 1


def test_a_kill_during_a_poll_loses_no_data(tmp_path: Path) -> None:
    company = FixtureCompany(users=250)
    with running_simulator(company, now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        first = first_run(config)
        calls = count(simulator)
        edit_windows(database(config), simulator.url, older(3601))
        start_and_kill(config, simulator)
        simulator.set_faults("hang")
        with exporter(config) as running:
            assert published(running.samples()) == published(first)
        with state_at(database(config)) as state:
            assert state.load(simulator.url).company_state is not None
        assert count(simulator) > calls
