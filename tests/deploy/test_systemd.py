"""The systemd units, as systemd itself reads them; tools/systemd-test.sh boots them."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from tests.support.servers import need

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICE = "gong-exporter.service"

EXPOSED = 1.5
"""Of 10, by systemd-analyze: up to here it says OK. What is left is the network it is there for."""


class _Unit(configparser.RawConfigParser):
    """Keeps the case of keys; a key that is repeated has its last value, as an ExecStart has."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(name: str) -> _Unit:
    """A unit file, by section and key."""
    found = _Unit(strict=False, interpolation=None)
    found.read(UNITS / name)
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(
        [need("systemd-analyze"), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a program in the exporter's place that is on this machine."""
    folder = tmp_path / "system"
    shutil.copytree(UNITS, folder)
    for path in [*folder.glob("*.service"), *folder.glob("*.d/*.conf")]:
        text = path.read_text()
        path.write_text(text.replace("/opt/gong-exporter/bin/gong-exporter", "/bin/sh"))
    return folder


@pytest.mark.server("systemd-analyze")
@pytest.mark.parametrize("drop_in", [True, False], ids=["with a socket", "without"])
def test_systemd_has_nothing_to_say_of_the_units(installed: Path, *, drop_in: bool) -> None:
    names = [str(installed / SERVICE)]
    if drop_in:
        names.append(str(installed / "gong-exporter.socket"))
    else:
        shutil.rmtree(installed / f"{SERVICE}.d")
    done = analyze("verify", "--man=no", *names)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.server("systemd-analyze")
def test_systemd_finds_a_mistake_in_them(installed: Path) -> None:
    path = installed / SERVICE
    path.write_text(path.read_text().replace("LoadCredential=", "LoadCredentials="))
    assert "LoadCredentials" in analyze("verify", "--man=no", str(path)).stderr


@pytest.mark.server("systemd-analyze")
def test_the_service_is_little_exposed(installed: Path) -> None:
    done = analyze(
        "security", "--offline=yes", f"--threshold={EXPOSED * 10:.0f}", str(installed / SERVICE)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_is_in_the_environment_and_the_configuration_reads_the_credentials(
    tmp_path: Path,
) -> None:
    service = unit(SERVICE)["Service"]
    assert not {"Environment", "EnvironmentFile", "PassEnvironment", "SetCredential"} & set(service)
    text = (UNITS / SERVICE).read_text()
    given = {
        line.removeprefix("LoadCredential=").split(":")[0]
        for line in text.splitlines()
        if line.startswith("LoadCredential=")
    }
    folder = f"/run/credentials/{SERVICE}/"
    config = (UNITS / "config.yaml").read_text()
    assert (
        {name for name in given if folder + name in config}
        == given
        == {
            "access-key",
            "access-key-secret",
        }
    )
    for name in given:
        (tmp_path / name).write_text("a-secret")
    (tmp_path / "config.yaml").write_text(config.replace(folder, f"{tmp_path}/"))
    loaded = load_config(str(tmp_path / "config.yaml"), {})
    assert str(loaded.state.file) == f"/var/lib/{service['StateDirectory']}/gong-exporter.db"


def test_a_crash_leaves_no_copy_of_the_memory_which_holds_the_keys() -> None:
    assert unit(SERVICE)["Service"]["LimitCORE"] == "0"


@pytest.mark.parametrize("name", [SERVICE, f"{SERVICE}.d/socket.conf"])
def test_the_exporter_has_the_flags(name: str) -> None:
    _program, *flags = shlex.split(unit(name)["Service"]["ExecStart"])
    cli.make_context("gong-exporter", flags)


def test_a_bad_configuration_is_not_tried_again_and_again() -> None:
    service = unit(SERVICE)["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"


def test_the_socket_is_the_one_that_the_exporter_would_open() -> None:
    assert unit("gong-exporter.socket")["Socket"]["ListenStream"] == "14664"
    assert "Accept" not in unit("gong-exporter.socket")["Socket"]
