"""The commands of docs/operations.md for an exporter that Prometheus cannot reach."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.simulator.api.simulator import utc_now
from tests.docs.not_run import PUSHES
from tests.docs.pages import ROOT, Block, blocks
from tests.support.companies import FixtureCompany
from tests.support.exporter import Samples, environment, exporter, run, write_config
from tests.support.servers import Prometheus, free_port, need, prometheus, promtool, running, until
from tests.support.simulator import running_simulator
from tests.support.truth import END, expected, published, windows_of
from tests.support.victoria import victoria_metrics

COMPANY = FixtureCompany(users=5)
RECEIVER = "http://prometheus:9090"
EXPORTER = "localhost:14664"
WINDOWS = 3  # of the default configuration


def documented(text: str) -> Block:
    """The block of the page that has this text."""
    (found,) = [block for block in blocks(ROOT / "docs" / "operations.md") if text in block.text]
    return found


def received(server: Prometheus) -> Samples:
    """The company's series that a server has, as an exposition."""
    families: dict[str, list[str]] = {}
    for labels, value in server.query('{job="gong", __name__=~"gong_(user|activity)_.*"}'):
        rest = {k: v for k, v in labels.items() if k not in {"__name__", "job", "instance"}}
        inner = ",".join(f'{name}="{text}"' for name, text in rest.items())
        name = labels["__name__"]
        families.setdefault(name, [f"# TYPE {name} gauge"]).append(f"{name}{{{inner}}} {value!r}")
    return Samples("".join(f"{line}\n" for lines in families.values() for line in lines))


def assert_has_the_truth(server: Prometheus) -> None:
    """Every number of every window arrives, and is the company's."""
    until(lambda: len(received(server).by("window", END)) == WINDOWS, "every window arrives")
    windows = windows_of(received(server), COMPANY.time_zone)
    truth = expected(COMPANY, windows)
    until(lambda: len(published(received(server))) == len(truth), "every series arrives")
    assert published(received(server)) == truth


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        yield write_config(tmp_path, simulator.url)


@pytest.mark.server("prometheus", "promtool")
@pytest.mark.parametrize("written", PUSHES)
def test_promtool_pushes_every_number_into_prometheus(
    written: str, config: Path, tmp_path: Path
) -> None:
    if promtool("push", "metrics", "--help").returncode:
        pytest.skip("promtool 2 cannot push")
    folder = tmp_path / "user"
    folder.mkdir()
    config.rename(folder / "config.yaml")
    shim = folder / "gong-exporter"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m gong_exporter "$@"\n')
    shim.chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(need("promtool")).parent), os.environ["PATH"]])
    here = environment(PATH=path, PYTHONPATH=str(ROOT))
    if "gong.prom" in written:
        (folder / "gong.prom").write_text(run("--once", environ=here, cwd=folder).stdout)

    with prometheus(tmp_path, {}, "--web.enable-remote-write-receiver") as server:
        text = documented(written).text.replace(RECEIVER, server.url)
        done = subprocess.run(
            [need("bash"), "-euo", "pipefail", "-c", text],
            cwd=folder, env=here, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert_has_the_truth(server)


def _prometheus(folder: Path) -> Any:
    return prometheus(folder, {}, "--web.enable-remote-write-receiver")


@pytest.mark.server("prometheus", "victoria-metrics", "vmagent")
@pytest.mark.parametrize("receiver", [_prometheus, victoria_metrics], ids=["prometheus", "vm"])
def test_vmagent_sends_every_number_on(
    receiver: Callable[[Path], Any], config: Path, tmp_path: Path
) -> None:
    agent = tmp_path / "vmagent"
    agent.mkdir()
    with exporter(config) as running_exporter, receiver(tmp_path) as server:
        scraping = documented(EXPORTER).text.replace(EXPORTER, running_exporter.address)
        (agent / "vmagent.yml").write_text(scraping.replace("1m", "1s"))
        address = f"127.0.0.1:{free_port()}"
        program, *flags = documented("vmagent -").text.replace(RECEIVER, server.url).split()
        flags += [f"-httpListenAddr={address}", f"-remoteWrite.tmpDataPath={agent}"]
        flags = [flag.replace("vmagent.yml", str(agent / "vmagent.yml")) for flag in flags]
        with running([need(program), *flags], f"http://{address}/health", agent / "log"):
            until(lambda: server.query('up{job="gong"} == 1'), "a scrape arrives")
            assert_has_the_truth(server)
