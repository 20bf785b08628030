"""The parts put together, with the real scheduler and clock and intervals too short for a file."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.runtime.app import Exporter
from gong_exporter.simulator.api.simulator import utc_now
from gong_exporter.simulator.records import ApiUserActivity
from gong_exporter.web.routes import Options
from gong_exporter.web.sockets import bind
from tests.support.bench import changed
from tests.support.companies import FixtureCompany
from tests.support.exporter import write_config
from tests.support.servers import until
from tests.support.simulator import running_simulator


class SlowCompany(FixtureCompany):
    """Takes a while to think of each listing."""

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        time.sleep(0.1)
        return super().activity(start, end)


@contextmanager
def exporting(
    folder: Path, url: str, sections: dict[str, Any], **changes: Any
) -> Iterator[tuple[Exporter, io.StringIO]]:
    """A running exporter of this process, and its log; no quota stretches its interval."""
    config = load_config(write_config(folder, url, state={"file": None}, **sections), {})
    sink, redactor = io.StringIO(), Redactor()
    exporter = Exporter(
        config=changed(config, requests_per_day=10**9, **changes),
        load=lambda: config,
        sockets=[bind("127.0.0.1:0")],
        options=Options(),
        log=make_log("debug", "json", sink, redactor),
        redactor=redactor,
    )
    exporter.start()
    try:
        yield exporter, sink
    finally:
        exporter.stop()


def messages(sink: io.StringIO, *wanted: str) -> list[str]:
    lines = [json.loads(line)["msg"] for line in sink.getvalue().splitlines()]
    return [message for message in lines if message in wanted]


def test_the_real_scheduler_polls_at_the_interval(tmp_path: Path) -> None:
    with (
        running_simulator(now=utc_now) as simulator,
        exporting(tmp_path, simulator.url, {"activity": {"windows": ["7d"]}}, interval=0.5) as (
            exporter,
            sink,
        ),
    ):
        began = time.monotonic()
        until(lambda: messages(sink, "poll ended").count("poll ended") >= 4, "four polls")
        assert time.monotonic() - began >= 3 * 0.5 - 0.05
        assert exporter.first_poll_over
        assert exporter.serving
        assert exporter.runner.parts.metrics.status().up


def test_polls_slower_than_their_schedule_never_overlap(tmp_path: Path) -> None:
    sections = {"activity": {"windows": [f"{n}d" for n in range(1, 21)]}}
    with (
        running_simulator(SlowCompany(), now=utc_now) as simulator,
        exporting(tmp_path, simulator.url, sections, interval=0.2, requests_per_second=100.0) as (
            _,
            sink,
        ),
    ):
        until(lambda: len(messages(sink, "poll ended")) >= 2, "two polls", 60)
        shown = messages(sink, "poll begins", "poll ended")
        assert shown[:4] == ["poll begins", "poll ended"] * 2
        arrived = [entry.arrived for entry in simulator.journal.entries()]
        assert arrived == sorted(arrived)
