"""The compose set-up: everything in it that can be checked without an engine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.simulator.options import SimulatorOptions
from tests.support.servers import need, prometheus, promtool
from tests.support.simulator import running_simulator

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"

PLACES = {
    "gong-exporter": {"/etc/gong-exporter", "/var/lib/gong-exporter"},
    "prom/prometheus": {"/etc/prometheus", "/prometheus", "/var/lib/gong-exporter"},
    "prom/alertmanager": {"/etc/alertmanager", "/alertmanager"},
    "grafana/grafana": {"/etc/grafana", "/var/lib/grafana"},
}
"""Where each image looks, by its own documentation; and the exporter's state, for its past."""


def compose() -> dict[str, Any]:
    """The file, its anchors and merges resolved."""
    whole: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return whole


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Sources and targets."""
    return [(text.split(":")[0], text.split(":")[1]) for text in service.get("volumes", [])]


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


def test_every_foreign_image_is_of_one_version(service: dict[str, Any]) -> None:
    assert service["image"] == "gong-exporter" or re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_what_is_mounted_exists_and_lies_where_the_image_looks(service: dict[str, Any]) -> None:
    volumes = compose()["volumes"]
    for source, target in mounts(service):
        assert source in volumes or (COMPOSE / source).exists(), source
        places = PLACES[service["image"].partition(":")[0]]
        assert any(target == place or target.startswith(place + "/") for place in places), target


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


@pytest.mark.server("prometheus")
def test_prometheus_has_the_flags() -> None:
    known = subprocess.run(
        [need("prometheus"), "--help"], capture_output=True, text=True, check=True
    )
    for flag in SERVICES["prometheus"]["command"]:
        assert flag.partition("=")[0] in known.stdout + known.stderr


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
    assert ours.pop("receivers") == [{"name": receiver["name"]} for receiver in receivers]
    assert ours == example


def test_grafana_is_provisioned_with_what_is_mounted() -> None:
    grafana = SERVICES["grafana"]
    where = {target: (COMPOSE / source).resolve() for source, target in mounts(grafana)}
    provisioning = where["/etc/grafana/provisioning"]
    sources = [
        source
        for path in (provisioning / "datasources").glob("*.y*ml")
        for source in yaml.safe_load(path.read_text())["datasources"]
    ]
    (url,) = [source["url"] for source in sources]
    variables = grafana["environment"]
    assert variables[url.removeprefix("$")] == "http://prometheus:9090"
    providers = [
        provider
        for path in (provisioning / "dashboards").glob("*.y*ml")
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
    text = (COMPOSE / name).read_text().replace("/run/secrets/", f"{folder}/")
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


def test_the_demo_polls_the_simulator_with_its_keys(tmp_path: Path) -> None:
    gong = exporter_config("config.demo.yaml", tmp_path).gong
    assert gong.base_url == "http://simulator:8066"
    raw = yaml.safe_load((COMPOSE / "config.demo.yaml").read_text())["gong"]
    published = SimulatorOptions()
    assert raw["access_key"] == published.access_key
    assert raw["access_key_secret"] == published.access_key_secret


def test_the_commands_are_the_exporter_s() -> None:
    commands = [
        service["command"]
        for service in SERVICES.values()
        if service["image"] == "gong-exporter" and "command" in service
    ]
    assert commands
    for name, *arguments in commands:
        cli.commands[name].make_context(name, list(arguments), obj={})


def past() -> ModuleType:
    """The script that fetches the demo's past."""
    spec = importlib.util.spec_from_file_location("past", COMPOSE / "past.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.server("prometheus")
def test_the_demo_s_past_is_fetched_once_and_joins_the_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("promtool")
    script = past()
    file = tmp_path / "past.om"
    monkeypatch.setattr(script, "FILE", file)
    monkeypatch.setattr(script, "DAYS", 2)
    with running_simulator(now=lambda: datetime.now(UTC)) as api:
        demo = yaml.safe_load((COMPOSE / "config.demo.yaml").read_text())
        demo["gong"]["base_url"] = api.url
        demo["state"]["file"] = str(tmp_path / "state.db")
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(demo))
        monkeypatch.setenv("GONG_EXPORTER_CONFIG_FILE", str(tmp_path / "config.yaml"))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
        script.main()
    assert file.stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob("*.work"))
    script.main()  # the API is gone: nothing is asked again

    blocks = tmp_path / "data"
    done = promtool("tsdb", "create-blocks-from", "openmetrics", str(file), str(blocks))
    assert done.returncode == 0, done.stdout + done.stderr
    with prometheus(tmp_path, {}, "--storage.tsdb.retention.time=400d") as server:
        found = server.query('max_over_time(gong_user_activity{window="28d"}[5d])')
        assert found
        for labels, _ in found:
            assert (labels["job"], labels["instance"]) == ("gong", "gong-exporter:14664")
