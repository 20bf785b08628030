"""The demo of compose: its simulator, its roster and its past."""

from __future__ import annotations

import csv
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gong_exporter.cli.simulate import simulate
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.support.deploy_compose import COMPOSE, SERVICES, script
from tests.support.servers import need, prometheus, promtool
from tests.support.simulator import running_simulator

PROGRAMS = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def test_the_demo_polls_the_simulator_with_its_keys() -> None:
    gong = yaml.safe_load((COMPOSE / "config.demo.yaml").read_text())["gong"]
    assert gong["base_url"] == "http://simulator:8066"
    published = SimulatorOptions()
    assert gong["access_key"] == published.access_key
    assert gong["access_key_secret"] == published.access_key_secret


def test_the_demo_s_exporter_knows_the_teams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = script("demo")
    config = yaml.safe_load((COMPOSE / "config.demo.yaml").read_text())
    assert config["activity"]["roster_file"] == str(demo.ROSTER)
    assert SERVICES["demo-exporter"]["entrypoint"] == ["python", "/etc/gong-exporter/demo.py"]
    became: list[list[str]] = []
    monkeypatch.setattr(demo, "ROSTER", tmp_path / "roster.csv")
    monkeypatch.setattr(os, "execvp", lambda _file, words: became.append(words))
    monkeypatch.setenv("PATH", PROGRAMS)

    demo.main()

    with (tmp_path / "roster.csv").open(newline="") as file:
        teams = {row["team"] for row in csv.DictReader(file)}
    asked = simulate.make_context("simulate", list(SERVICES["simulator"]["command"][1:]), obj={})
    assert asked.params["demo"]
    assert len(teams) > 5
    assert became == [["gong-exporter"]]


@pytest.mark.server("prometheus")
def test_the_demo_s_past_is_fetched_once_and_joins_the_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("promtool")
    past = script("past")
    file = tmp_path / "past.om"
    monkeypatch.setattr(past, "FILE", file)
    monkeypatch.setattr(past, "DAYS", 2)
    with running_simulator(now=lambda: datetime.now(UTC)) as api:
        demo = yaml.safe_load((COMPOSE / "config.demo.yaml").read_text())
        demo["gong"]["base_url"] = api.url
        demo["state"]["file"] = str(tmp_path / "state.db")
        demo["activity"]["roster_file"] = str(tmp_path / "roster.csv")
        (tmp_path / "roster.csv").write_text("id,team\n1,EMEA\n")
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(demo))
        monkeypatch.setenv("GONG_EXPORTER_CONFIG_FILE", str(tmp_path / "config.yaml"))
        monkeypatch.setenv("PATH", PROGRAMS)
        past.main()
    assert file.stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob("*.work"))
    past.main()  # the API is gone: nothing is asked again

    blocks = tmp_path / "data"
    done = promtool("tsdb", "create-blocks-from", "openmetrics", str(file), str(blocks))
    assert done.returncode == 0, done.stdout + done.stderr
    with prometheus(tmp_path, {}, "--storage.tsdb.retention.time=400d") as server:
        found = server.query('max_over_time(gong_user_activity{window="28d"}[5d])')
        assert found
        for labels, _ in found:
            assert (labels["job"], labels["instance"]) == ("gong", "gong-exporter:14664")
