"""The probes of the Helm chart's pod, asked of a real exporter with the pod's flags."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import bcrypt
import pytest

from tests.support.deploy_chart import render
from tests.support.deploy_values import MATRIX
from tests.support.exporter import Process, exporter, run_here, write_config
from tests.support.simulator import running_simulator

CONTAINER = render(MATRIX["passwords"]).container()


@pytest.fixture
def protected(tmp_path: Path) -> Iterator[Process]:
    """An exporter with data, as the pod runs it, on a port that requires a password."""
    password = bcrypt.hashpw(b"a made-up password", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web-config.yml"
    web.write_text(f"basic_auth_users:\n  prometheus: {password}\n")
    given_by_fixture = ("--config.file=", "--log.")
    flags = [
        flag.replace("/etc/gong-exporter/web/", f"{tmp_path}/")
        for flag in CONTAINER["args"]
        if not flag.startswith(given_by_fixture)
    ]
    assert f"--web.config.file={web}" in flags
    with running_simulator(now=lambda: datetime.now(UTC)) as simulator:
        config = write_config(tmp_path, simulator.url, activity={"windows": ["7d"]})
        with exporter(config, *flags) as process:
            process.await_said("poll ended")
            yield process


def test_http_probes_pass_on_a_protected_port_and_nothing_else_is_open(protected: Process) -> None:
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = CONTAINER[name]["httpGet"]
        assert probe["scheme"] == "HTTP"
        assert protected.ask(probe["path"]).status == 200, name
    for path in ("/metrics", "/", "/-/reload", "/-/healthy/", "/-/ready/../../metrics"):
        assert protected.ask(path).status == 401, path


def test_the_pod_of_helm_test_passes_on_a_protected_port(protected: Process) -> None:
    done = run_here("healthcheck", f"--web.listen-address={protected.address}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "password" not in done.stdout
