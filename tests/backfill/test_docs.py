"""The walk-through of docs/backfill.md, walked: its commands, one after the other."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_exporter.activity.windows import company_today
from tests.docs.pages import Block, blocks
from tests.support.backfill_servers import KEEP, everything, stored
from tests.support.companies import FixtureCompany, zone_where_it_is_morning
from tests.support.exporter import ROOT, environment, write_config
from tests.support.servers import WAIT_TIMEOUT, Prometheus, answers, need, prometheus, until
from tests.support.simulator import running_simulator
from tests.support.victoria import victoria_metrics

pytestmark = pytest.mark.server("prometheus", "promtool", "victoria-metrics")

PAGE = ROOT / "docs" / "backfill.md"
HERE = "tools/demo_history.py"
IN_CONTAINERS = ("docker", "kubectl")


def commands() -> list[Block]:
    return [block for block in blocks(PAGE) if block.language == "sh"]


def test_the_commands_of_the_page_bring_the_past_into_both_servers(tmp_path: Path) -> None:
    company = FixtureCompany(time_zone=zone_where_it_is_morning())
    today = company_today(datetime.now(UTC).timestamp(), company.time_zone)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gong-exporter").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m gong_exporter "$@" < /dev/null\n'
    )
    (programs / "gong-exporter").chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "vm").mkdir()
    with (
        running_simulator(company, now=lambda: datetime.now(UTC)) as simulator,
        victoria_metrics(tmp_path / "vm", "-retentionPeriod=2y") as victoria,
    ):
        write_config(tmp_path, simulator.url, activity={"windows": ["7d"]})
        text = "".join(
            block.text for block in commands() if not block.text.startswith(IN_CONTAINERS)
        )
        for written, here in {
            "--from=2026-01-01": f"--yes --from={today - timedelta(2)}",
            "--to=2026-04-30": f"--to={today}",
            "/var/lib/prometheus/metrics2": "data",
            "http://localhost:8428": victoria.url,
            "curl ": f"{need('curl')} --fail --no-progress-meter ",
        }.items():
            assert written in text
            text = text.replace(written, here)
        done = subprocess.run(
            [need("bash"), "-euo", "pipefail", "-c", text],
            cwd=tmp_path,
            env=environment(PATH=f"{programs}:{environment()['PATH']}", PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        found = {}

        def imported() -> bool:
            found.update(stored(victoria, "gong_user_activity"))
            return len(found) == 45

        until(imported, "VictoriaMetrics shows what it imported")
    with prometheus(tmp_path, {}, KEEP) as server:
        samples = everything(server, "gong_user_activity", 5, datetime.now(UTC).timestamp())
    assert samples == found
    assert {len(times) for times in samples.values()} == {3}
    assert {dict(labels)["instance"] + " " + dict(labels)["job"] for _, labels in samples} == {
        "localhost:14664 gong"
    }


def test_the_demo_with_a_past_shows_it_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    need("prometheus")
    assert "`make demo-history`" in PAGE.read_text()
    process = subprocess.Popen(
        [sys.executable, HERE, "--days=2", "--users=8"],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path), PYTHONPATH=str(ROOT)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = ""
        assert process.stdout is not None
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        pages = re.findall(r"^  \w.* (http://\S+)", said, re.MULTILINE)
        assert len(pages) == 4
        where = re.search(r"Prometheus +http://(\S+)/graph", said)
        assert where is not None
        server = Prometheus(f"http://{where[1]}")
        version = server.get("/api/v1/status/buildinfo")["data"]["version"]
        # Debian builds Prometheus 3 without any pages.
        assert all(map(answers, pages if version.startswith("2.") else pages[2:]))
        query = re.search(r"days:\n((?:    .*\n)+)", said)
        assert query is not None
        teams = server.query(query[1])
        assert teams
        assert all(labels["team"] for labels, _ in teams)
        server.await_scrape()
        past = everything(server, "gong_user_info", 3, datetime.now(UTC).timestamp())
        assert all(len(times) >= 1 for times in past.values())
        groups = server.get("/api/v1/rules")["data"]["groups"]
        assert groups
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=4 * WAIT_TIMEOUT)
    assert process.returncode == 0, said + rest
    assert [path.name for path in tmp_path.iterdir()] == []
