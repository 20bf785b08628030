"""A machine whose clock differs from Gong's says so in the log and on the status page."""

from __future__ import annotations

import html
from datetime import datetime, timedelta
from pathlib import Path

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.exporter import exporter, write_config
from tests.support.simulator import running_simulator


def an_hour_ahead() -> datetime:
    return utc_now() + timedelta(hours=1)


def test_a_clock_an_hour_behind_gongs_is_in_the_log_and_on_the_page(tmp_path: Path) -> None:
    with running_simulator(now=an_hour_ahead) as simulator:
        config = write_config(tmp_path, simulator.url, activity={"windows": ["7d"]})
        with exporter(config) as running:
            running.await_said("poll ended")
            (line,) = running.said(
                "this machine's clock differs from Gong's by more than five minutes"
            )
            assert -3605 <= line["ahead_seconds"] <= -3595
            page = html.unescape(running.ask("/").text)
            assert "this machine's clock differs from Gong's by 3" in page
            assert running.samples().value("gong_up") == 1
