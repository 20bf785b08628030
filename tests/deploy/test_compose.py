"""The compose set-up: everything in it that can be checked without an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from tests.support.deploy_compose import COMPOSE, ROOT, SERVICES, compose, mounts, script
from tests.support.servers import need, promtool

PLACES = {
    "gong-exporter": {"/etc/gong-exporter", "/var/lib/gong-exporter"},
    "prom/prometheus": {"/etc/prometheus", "/prometheus", "/var/lib/gong-exporter"},
    "prom/alertmanager": {"/etc/alertmanager", "/alertmanager"},
    "grafana/grafana": {"/etc/grafana", "/var/lib/grafana"},
}
"""Where each image looks, by its own documentation; and the exporter's state, for its past."""


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def test_it_is_a_compose_file() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_port_is_open_on_loopback_only(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_no_service_has_more_rights_than_it_needs(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (service["image"] == "gong-exporter")
    assert not {"privileged", "network_mode", "pid"} & service.keys()


def test_a_crash_leaves_no_copy_of_the_memory_which_holds_the_keys(service: dict[str, Any]) -> None:
    assert service.get("ulimits") == ({"core": 0} if service["image"] == "gong-exporter" else None)


def test_every_foreign_image_is_of_one_version(service: dict[str, Any]) -> None:
    assert service["image"] == "gong-exporter" or re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_the_exporter_s_image_is_built_here_and_asked_for_in_no_registry() -> None:
    ours = [service for service in SERVICES.values() if service["image"] == "gong-exporter"]
    assert ours
    assert [(x["build"], x["pull_policy"]) for x in ours] == [("../..", "build")] * len(ours)


def test_no_volume_of_the_image_is_left_without_a_name(service: dict[str, Any]) -> None:
    """Such a volume stays behind at every `down`."""
    state = "/var/lib/gong-exporter"
    if service["image"] == "gong-exporter":
        places = [*service.get("tmpfs", []), *(target for _, target in mounts(service))]
        assert state in places


def test_what_is_mounted_exists_and_lies_where_the_image_looks(service: dict[str, Any]) -> None:
    volumes = compose()["volumes"]
    for source, target in mounts(service):
        assert source in volumes or (COMPOSE / source).exists(), source
        places = PLACES[service["image"].partition(":")[0]]
        assert any(target == place or target.startswith(place + "/") for place in places), target


def test_the_script_that_a_service_starts_as_is_mounted(service: dict[str, Any]) -> None:
    for program in service.get("entrypoint", [])[1:]:
        assert (f"./{Path(program).name}", program) in mounts(service)


def test_what_starts_after_another_starts_with_it(service: dict[str, Any]) -> None:
    for other in service.get("depends_on", []):
        assert SERVICES[other].get("profiles", service["profiles"]) == service["profiles"]


def test_each_profile_has_one_exporter_that_prometheus_finds() -> None:
    config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    ((target,),) = [static["targets"] for static in job["static_configs"]]
    name, port = target.split(":")
    for profile in ("gong", "demo"):
        found = [
            service
            for key, service in SERVICES.items()
            if profile in service.get("profiles", [])
            and name in (key, *service.get("networks", {}).get("default", {}).get("aliases", []))
        ]
        assert len(found) == 1, profile
        assert found[0]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (alerts,) = config["alerting"]["alertmanagers"]
    assert alerts["static_configs"] == [{"targets": ["alertmanager:9093"]}]


@pytest.mark.server("promtool")
def test_promtool_takes_the_configuration_and_its_rules(tmp_path: Path) -> None:
    need("promtool")
    shutil.copy(COMPOSE / "prometheus.yml", tmp_path)
    for source, target in mounts(SERVICES["prometheus"]):
        if target == "/etc/prometheus/rules":
            shutil.copytree(COMPOSE / source, tmp_path / "rules")
    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    rules = len(list((tmp_path / "rules").iterdir()))
    assert f"{rules} rule files found".encode() in done.stdout


@pytest.mark.parametrize(
    ("name", "program"),
    [("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")],
)
@pytest.mark.server("prometheus")
def test_the_servers_have_the_flags(name: str, program: str) -> None:
    known = subprocess.run([need(program), "--help"], capture_output=True, text=True, check=True)
    for flag in SERVICES[name]["command"]:
        assert flag.partition("=")[0] in known.stdout + known.stderr


def flags(name: str) -> dict[str, str]:
    """A service's flags."""
    return dict(flag.split("=", 1) for flag in SERVICES[name]["command"])


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_links_in_alerts_lead_to_the_published_port(name: str) -> None:
    host, port, _ = SERVICES[name]["ports"][0].split(":")
    assert host == "127.0.0.1"
    assert flags(name)["--web.external-url"] == f"http://localhost:{port}"


def test_the_alertmanager_remembers_for_longer_than_it_waits_to_repeat() -> None:
    text = (COMPOSE / "alertmanager.yml").read_text()
    days = [int(found) for found in re.findall(r"repeat_interval: (\d+)d", text)]
    retention = flags("alertmanager")["--data.retention"]
    assert days
    assert max(days) * 24 < int(retention.removesuffix("h"))


@pytest.mark.server("amtool")
def test_amtool_takes_the_alertmanager_s_configuration() -> None:
    done = subprocess.run(
        [need("amtool"), "check-config", COMPOSE / "alertmanager.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_are_routed_as_in_the_example_and_sent_nowhere() -> None:
    """When this fails: tools/copies.sh."""
    ours = yaml.safe_load((COMPOSE / "alertmanager.yml").read_text())
    example = yaml.safe_load((ROOT / "prometheus" / "alertmanager.example.yml").read_text())
    receivers = example.pop("receivers")
    del example["global"]  # how to send mail
    assert ours.pop("receivers") == [{"name": receiver["name"]} for receiver in receivers]
    assert ours == example


def test_grafana_is_provisioned_with_what_is_mounted() -> None:
    grafana = SERVICES["grafana"]
    where = {target: (COMPOSE / source).resolve() for source, target in mounts(grafana)}
    provisioning = "/etc/grafana/provisioning"
    # Over the whole folder a mount would hide the image's empty ones, and Grafana logs errors.
    assert provisioning not in where
    sources = [
        source
        for path in where[f"{provisioning}/datasources"].glob("*.y*ml")
        for source in yaml.safe_load(path.read_text())["datasources"]
    ]
    (url,) = [source["url"] for source in sources]
    variables = grafana["environment"]
    assert variables[url.removeprefix("$")] == "http://prometheus:9090"
    providers = [
        provider
        for path in where[f"{provisioning}/dashboards"].glob("*.y*ml")
        for provider in yaml.safe_load(path.read_text())["providers"]
    ]
    folders = [where[provider["options"]["path"]] for provider in providers]
    boards = [path.name for folder in folders for path in folder.glob("*.json")]
    home = variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).name in boards
    assert str(Path(home).parent) in [provider["options"]["path"] for provider in providers]


def exporter_config(name: str, folder: Path) -> Config:
    """A configuration as the exporter reads it, its secrets in files of this test."""
    (folder / "access-key").write_text("key")
    (folder / "access-key-secret").write_text("secret")
    (folder / "roster.csv").write_text("id,team\n1,EMEA\n")
    text = (COMPOSE / name).read_text().replace("/run/secrets/", f"{folder}/")
    text = text.replace(str(script("demo").ROSTER), f"{folder}/roster.csv")
    (folder / name).write_text(text)
    return load_config(str(folder / name), {})


@pytest.mark.parametrize(
    ("name", "service"), [("config.yaml", "gong-exporter"), ("config.demo.yaml", "demo-exporter")]
)
def test_the_exporter_takes_its_configuration(name: str, service: str, tmp_path: Path) -> None:
    config = exporter_config(name, tmp_path)
    assert str(config.state.file) == "/var/lib/gong-exporter/gong-exporter.db"
    assert (f"./{name}", "/etc/gong-exporter/config.yaml") in mounts(SERVICES[service])


def test_the_secrets_are_those_that_the_exporter_reads() -> None:
    text = (COMPOSE / "config.yaml").read_text()
    assert set(re.findall(r"/run/secrets/(\S+)", text)) == set(SERVICES["gong-exporter"]["secrets"])
    assert set(SERVICES["gong-exporter"]["secrets"]) == compose()["secrets"].keys()


def test_the_commands_are_the_exporter_s() -> None:
    commands = [
        service["command"]
        for service in SERVICES.values()
        if service["image"] == "gong-exporter" and "command" in service
    ]
    assert commands
    for name, *arguments in commands:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_context(name, list(arguments), obj={})


@pytest.mark.parametrize("status", [0, 1])
def test_make_says_at_once_where_docker_compose_is_missing(tmp_path: Path, status: int) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/calls"\nexit {status}\n')
    docker.chmod(0o755)
    done = subprocess.run(
        [need("make"), "--no-print-directory", "demo-compose"],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = (tmp_path / "calls").read_text().splitlines()
    if status:
        assert calls == ["compose version"]
        assert done.returncode != 0
        assert "This needs Docker with Compose. Without: make demo" in done.stderr
    else:
        assert calls[1:] == ["compose --file deploy/compose/compose.yaml --profile demo up"]
        assert done.returncode == 0
