"""Where the backfilled past meets what a live exporter serves: the real parts, right now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_exporter.activity.windows import company_today, day_start
from tests.support.backfill_servers import KEEP, everything, make_blocks
from tests.support.companies import FixtureCompany, zone_where_it_is_morning
from tests.support.exporter import exporter, run, write_config
from tests.support.servers import prometheus, scrape_config, until
from tests.support.simulator import running_simulator

pytestmark = pytest.mark.server("prometheus", "promtool")

SERIES = 3 * 2 * 15


def test_between_backfilled_and_live_data_there_is_no_gap_and_no_double(tmp_path: Path) -> None:
    company = FixtureCompany(time_zone=zone_where_it_is_morning())
    now = datetime.now(UTC)
    today = company_today(now.timestamp(), company.time_zone)
    with running_simulator(company, now=lambda: datetime.now(UTC)) as simulator:
        config = write_config(
            tmp_path,
            simulator.url,
            gong={"time_zone": company.time_zone.key},
            activity={"windows": ["1d", "7d"]},
        )
        with exporter(config) as live_exporter:
            live_exporter.await_polls(1)
            # While the exporter runs, with its state file and its share of the calls.
            output = tmp_path / "past.om"
            done = run(
                "backfill",
                f"--config.file={config}",
                "--yes",
                f"--from={today - timedelta(2)}",
                f"--to={today}",
                f"--output={output}",
                "--label=job=gong",
                f"--label=instance={live_exporter.address}",
            )
            assert done.returncode == 0, done.stderr
            assert 429 not in {entry.status for entry in simulator.journal.entries()}
            make_blocks(output, tmp_path / "data")
            with prometheus(tmp_path, scrape_config(live_exporter.address), KEEP) as server:
                live = "gong_user_activity"
                until(lambda: len(server.query(live)) == SERIES, "a scrape of every series")
                end = datetime.now(UTC).timestamp()
                first, opened = (
                    day_start(day, company.time_zone) for day in (today - timedelta(2), today)
                )

                counts = {
                    at: server.query(f"count(last_over_time({live}[26h]))", at)[0][1]
                    for at in [*range(int(first), int(end), 3600), end]
                }
                assert set(counts.values()) == {SERIES}

                samples = everything(server, live, 5, end)
                assert len(samples) == SERIES
                for times in samples.values():
                    past = [at for at in sorted(times) if at <= opened]
                    assert past == [first, first + 86_400, opened]
                    # The newest backfilled value is what the live exporter goes on with.
                    rest = {value for at, value in times.items() if at >= opened}
                    assert len(times) > len(past)
                    assert len(rest) == 1

                for family in ("gong_user_info", "gong_activity_window_end_timestamp_seconds"):
                    assert len(everything(server, family, 5, end)) == len(server.query(family))
