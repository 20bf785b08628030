"""A planted slump, from the simulated API to a scrape; the history over kills and on a standby."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, pvariance
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import parse_event
from tests.support.bench import bench
from tests.support.companies import FixtureCompany
from tests.support.exporter import Process, Samples, exporter, run, write_config
from tests.support.servers import promtool, until
from tests.support.simulator import running_simulator

ZONE = ZoneInfo("US/Pacific")
NOW = datetime(2026, 3, 11, 18, 0, tzinfo=UTC)
RATIO = "gong_activity_history_ratio"


def slumping(days: int) -> tuple[SimulatedCompany, str]:
    """A company with a slump of its steadiest busy host, and that person's id.

    Others may have a low week of their own, and the slump of an uneven person proves nothing.
    """
    today = NOW.astimezone(ZONE).date()
    before = SimulatedCompany(48, 20, ZONE, today)
    weeks = [today - timedelta(days=7 * back) for back in range(12, 0, -1)]
    hosted: dict[str, list[int]] = {}
    for start in weeks:
        for user in before.activity(start, start + timedelta(days=7)):
            hosted.setdefault(user.user_id, []).append(user.counters["callsAsHost"])
    busy = {
        user: pvariance(counts) / mean(counts)
        for user, counts in hosted.items()
        if len(counts) == len(weeks) and mean(counts) >= 12
    }
    steadiest = min(busy, key=lambda user: busy[user])
    event = parse_event(f"slump:{steadiest}:{days}")
    return SimulatedCompany(48, 20, ZONE, today, [event]), steadiest


def test_the_person_who_slumps_has_evidence_and_the_others_have_less(tmp_path: Path) -> None:
    company, who = slumping(14)
    with bench(tmp_path, company, now=NOW, sections={"drops": {"enabled": True}}) as loop:
        loop.run()
        for _ in range(200):
            loop.turn()
            if loop.value(RATIO) == 1:
                break
        loop.turn()
        samples = Samples(b"".join(loop.exposition.body(None, None).chunks).decode())
    evidence = {
        labels["user"]: value
        for labels, value in samples.of("gong_user_drop_evidence")
        if labels["metric"] == "own_activity"
    }
    assert max(evidence, key=lambda user: evidence[user]) == who
    assert evidence.pop(who) > 4.7  # 24 years, in a usual company
    assert max(evidence.values()) < 3.7  # 9 years
    reasons = {
        labels["user"]: labels["reason"] for labels, _ in samples.of("gong_user_drop_reason")
    }
    assert reasons[who] in {"activity_down", "hosting_down"}
    week = {
        name: value
        for name in ("observed", "expected")
        for labels, value in samples.of(f"gong_user_{name}_activity")
        if labels["user"] == who and (labels["metric"], labels["window"]) == ("own_activity", "7d")
    }
    assert week["observed"] < week["expected"] / 2
    periods = {
        labels["user"]: value / 86_400 / 365.25
        for labels, value in samples.of("gong_user_drop_return_period_seconds")
        if labels["metric"] == "own_activity"
    }
    assert periods[who] > 20


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running_simulator(FixtureCompany(users=6), now=utc_now) as running:
        yield running


def with_history(folder: Path, simulator: Simulator, rate: float = 200.0) -> Path:
    return write_config(
        folder,
        simulator.url,
        drops={"enabled": True},
        gong={"requests_per_second": rate},
    )


def await_history(running: Process) -> Samples:
    """The first scrape with the whole history, and what it says."""

    def complete() -> bool:
        samples = running.samples()  # the detector may still compare fewer days
        usual = samples.value("gong_company_usual_activity", window="7d")
        return samples.value(RATIO) == 1 and usual is not None

    until(complete, f"the history is complete: {running.log()}", 60)
    return running.samples()


def single_days(simulator: Simulator) -> list[str]:
    return [
        entry.body["filter"]["fromDate"]
        for entry in simulator.journal.entries()
        if len(entry.body["filter"]) == 2
    ]


def test_a_killed_exporter_continues_its_history_and_a_standby_serves_it(
    tmp_path: Path, simulator: Simulator
) -> None:
    config = with_history(tmp_path, simulator, rate=20.0)
    with exporter(config) as first:
        until(lambda: len(single_days(simulator)) > 20, "some days", 60)
        first.kill()
    config = with_history(tmp_path, simulator)
    with exporter(config) as first:
        whole = await_history(first)
        days = single_days(simulator)
        # Only what the kill interrupted is asked twice, and the two windows of the polls.
        assert len(days) <= len(set(days)) + 4
        shown = {user["user"] for user, _ in whole.of("gong_user_info")}
        presence = whole.of("gong_user_presence_ratio")
        assert {labels["user"] for labels, _ in presence} == shown
        assert len(whole.of("gong_user_last_active_timestamp_seconds")) == len(shown)
        with exporter(config) as second:
            second.await_said("not polling")
            calls = len(simulator.journal.entries())
            samples = await_history(second)
            assert samples.of("gong_user_presence_ratio") == presence
            assert len(simulator.journal.entries()) == calls
        assert first.stop() < 5


@pytest.mark.server("promtool")
def test_once_fetches_the_history_and_promtool_accepts_it(
    tmp_path: Path, simulator: Simulator
) -> None:
    config = with_history(tmp_path, simulator)
    done = run("--once", f"--config.file={config}")
    assert done.returncode == 0, done.stderr
    samples = Samples(done.stdout)
    assert samples.value(RATIO) == 1
    assert samples.of("gong_user_presence_ratio")
    checked = promtool("check", "metrics", text=done.stdout.encode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
