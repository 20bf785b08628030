"""The Dockerfile, without building it; tools/image-test.sh builds and runs it."""

from __future__ import annotations

import fnmatch
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gong_exporter.config.load import load_config
from tests.support.deploy_chart import render

ROOT = Path(__file__).parents[2]
_TEXT = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
STEPS = re.sub(r"\\\n", " ", _TEXT).splitlines()


def steps(instruction: str) -> list[str]:
    """What follows an instruction, each time it is there."""
    return [s.removeprefix(instruction).strip() for s in STEPS if s.startswith(f"{instruction} ")]


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_a_user_with_a_number_that_the_chart_and_the_volume_know() -> None:
    (user,) = steps("USER")
    assert user == "65532:65532"
    pod = render({}).pod()["securityContext"]
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == user
    assert pod["fsGroup"] == pod["runAsGroup"]


def test_the_state_folder_is_writable_for_the_user_and_for_any_user_in_group_0() -> None:
    made = [step for step in steps("RUN") if "install -d" in step]
    assert len(made) == 1
    assert re.search(r"install -d -o 65532 -g 0 -m 0770 /var/lib/gong-exporter$", made[0])
    assert steps("VOLUME") == ["/var/lib/gong-exporter"]


def test_it_needs_no_shell_to_run() -> None:
    assert steps("ENTRYPOINT") == ['["gong-exporter"]']
    (check,) = steps("HEALTHCHECK")
    assert check.endswith('CMD ["gong-exporter", "healthcheck"]')


def test_whatever_is_installed_is_checked_against_a_hash() -> None:
    installs = re.findall(r"pip [^&]*?install [^&]*", " ".join(steps("RUN")))
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install


def test_every_stage_stands_on_the_one_base() -> None:
    assert steps("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    (base,) = [step for step in steps("ARG") if step.startswith("PYTHON_IMAGE")]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim", base)


def test_what_it_copies_reaches_the_engine_and_nothing_else_does() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for step in steps("COPY")
        if "--from" not in step
        for source in shlex.split(step)[:-1]
    }
    for source in copied:
        assert (ROOT / source).exists()
        assert any(source == entry or source.startswith(f"{entry}/") for entry in allowed), source
    for entry in allowed:
        assert any(source == entry or source.startswith(f"{entry}/") for source in copied), entry
    assert not any(fnmatch.fnmatch("deploy/compose/secrets/access-key", e + "*") for e in allowed)


def test_the_image_s_own_configuration_needs_only_credentials() -> None:
    given = {"GONG_ACCESS_KEY": "key", "GONG_ACCESS_KEY_SECRET": "secret"}
    path = ROOT / "deploy" / "container" / "config.yaml"
    config = load_config(str(path), given)
    assert str(config.state.file) == "/var/lib/gong-exporter/gong-exporter.db"
    assert yaml.safe_load(path.read_text()).keys() == {"state"}


@pytest.mark.parametrize("path", sorted((ROOT / "tools").glob("*.sh")), ids=lambda path: path.name)
def test_a_shell_script_can_be_parsed(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)
