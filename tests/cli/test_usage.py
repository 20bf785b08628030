"""The command line: where options may stand, what is refused, and with which exit status."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gong_exporter import __version__
from gong_exporter.simulator.api.simulator import utc_now
from tests.support.exporter import environment, exporter, run, run_here, write_config
from tests.support.servers import until
from tests.support.simulator import running_simulator

GONG = "http://127.0.0.1:9"
"""No request is made in these tests."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, GONG)


def test_version_and_help() -> None:
    version = run("--version")
    assert (version.returncode, version.stdout) == (0, f"gong-exporter {__version__}\n")
    shown = run_here("--help")
    assert shown.returncode == 0
    for flag in (
        "--config.file",
        "--web.listen-address",
        "--web.telemetry-path",
        "--web.enable-lifecycle",
        "--config.check",
        "--once",
        "--log.level",
        "--log.format",
        "--version",
        "--help",
    ):
        assert flag in shown.stdout
    for command in ("check", "demo", "simulate", "healthcheck"):
        assert f"\n  {command} " in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--web.listen-adress=:0"], "No such option"),
        (["serve"], "No such command 'serve'"),
        (["chek"], "No such command 'chek'; did you mean 'check'?"),
        (["--log.level=loud"], "'loud' is not one of"),
        (["check", "--log.format=xml"], "'xml' is not one of"),
        (["--config.file=/nowhere/config.yaml"], "/nowhere/config.yaml: cannot be read: No such"),
        (["--once", "--config.file=/nowhere/config.yaml"], "cannot be read"),
        (["simulate", "--fault=hangs"], "unknown fault 'hangs'"),
        (["simulate", "--time-zone=Mars/Base"], "is not a known time zone"),
        (["simulate", "--event=slump"], "slump"),
        (["simulate", "--requests-per-second=nan"], "requests_per_second must be more than"),
        (["simulate", "--requests-per-second=1e-320"], "requests_per_second must be more than"),
        (["demo", "--requests-per-second=nan"], "requests_per_second must be more than"),
        (["simulate", "--fault=reset:nan"], "must be from 0 to 1"),
        (["demo", "--event=slump:nobody@nowhere.example:9"], "nobody@nowhere.example"),
    ],
)
def test_bad_usage_is_refused_in_words(arguments: list[str], words: str) -> None:
    done = run_here(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("flag", "status", "words"),
    [
        ("--web.listen-address=localhost", 2, "expected HOST:PORT"),
        ("--web.listen-address=:70000", 2, "the port must be 0 to 65535"),
        ("--web.telemetry-path=metrics", 2, "must start with /"),
        ("--web.listen-address=192.0.2.1:0", 1, "this machine has no such address"),
    ],
)
def test_an_address_or_path_that_cannot_be_served(
    config: Path, flag: str, status: int, words: str
) -> None:
    done = run_here(f"--config.file={config}", flag)
    assert done.returncode == status
    assert words in done.stderr


def test_a_taken_port_is_said(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(f"--config.file={config}", f"--web.listen-address={address}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"cannot listen on {address}: the port is already in use" in done.stderr


def test_options_stand_before_or_after_a_commands_name(config: Path) -> None:
    before = run_here(f"--config.file={config}", "--log.level=error", "check")
    after = run_here("check", f"--config.file={config}", "--log.level=error")
    assert (before.returncode, before.stdout) == (0, after.stdout)
    assert f"{config}: valid" in after.stdout
    both = run_here("--config.file=/nowhere", "check", f"--config.file={config}")
    assert both.stdout == after.stdout  # the nearer one counts


def test_where_the_configuration_is_looked_for(tmp_path: Path, config: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = run("check", environ=environment(GONG_EXPORTER_CONFIG_FILE=str(config)), cwd=elsewhere)
    assert (named.returncode, named.stdout.splitlines()[0]) == (0, f"{config}: valid")
    here = run("check", cwd=tmp_path)
    assert here.stdout.splitlines()[0] == f"{config}: valid"
    nowhere = run("check", cwd=elsewhere)
    assert nowhere.returncode == 2
    assert "config.yaml: cannot be read: No such file or directory" in nowhere.stderr
    assert "--config.file" in nowhere.stderr


def test_a_tilde_in_a_path_is_the_home_folder(tmp_path: Path, config: Path) -> None:
    home = environment(HOME=str(tmp_path))
    config.rename(tmp_path / "moved.yaml")
    (tmp_path / "web.yml").write_text("{}")
    flags = ("--config.file=~/moved.yaml", "--web.config.file=~/web.yml")
    checked = run(*flags, "check", environ=home)
    assert checked.stdout.splitlines()[0] == f"{tmp_path}/moved.yaml: valid"
    named = run("check", environ=home | {"GONG_EXPORTER_CONFIG_FILE": "~/moved.yaml"})
    assert named.returncode == 0
    days = ("--from=2026-01-01", "--to=2026-01-02")
    refused = run("backfill", flags[0], *days, "--output=~", "--yes", environ=home)
    assert f"'{tmp_path}' is a directory" in refused.stderr


def test_several_addresses_are_served_and_port_0_is_logged(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        flags = ("--web.listen-address=[::1]:0", "--web.telemetry-path=/gong/metrics")
        with exporter(config, *flags) as running:
            until(lambda: len(running.said("listening")) == 2, "it has said both addresses")
            addresses = [str(line["address"]) for line in running.said("listening")]
            assert not any(address.endswith(":0") for address in addresses)
            for running.url in (f"http://{address}" for address in addresses):
                assert running.ask("/gong/metrics").status == 200
                assert running.ask("/metrics").status == 404
                assert 'href="gong/metrics"' in running.ask("/").text


def test_the_log_takes_json_and_logfmt(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            running.await_polls(1)
            running.stop()
            for line in running.lines():  # parsed: every line of it is JSON
                assert {"ts", "level", "msg"} <= line.keys()
            assert {line["level"] for line in running.lines()} == {"debug", "info"}
        once = run(f"--config.file={config}", "--once", "--log.format=logfmt")
    assert once.returncode == 0
    first = once.stderr.splitlines()[0]
    assert first.startswith("ts=")
    assert ' level=info msg="poll ended" ' in first


@pytest.mark.parametrize(
    "keys",
    [
        "access_key_secret_file: schlüssel.txt",
        "access_key_secret: a-secret\n  ca_file: schlüssel.pem",
    ],
)
def test_a_name_that_the_locale_cannot_say_is_no_traceback(keys: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        f"gong:\n  access_key: a-key\n  {keys}\n", encoding="utf-8"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    refused = run("check", cwd=tmp_path, environ=environment(**plain))
    assert refused.returncode == 2
    assert "the locale has no such characters; set LC_ALL=C.UTF-8" in refused.stderr
    assert "Traceback" not in refused.stderr
