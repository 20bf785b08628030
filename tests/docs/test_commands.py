"""Every command in the README and the docs that can run here does run, and ends with 0."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from tests.docs.conftest import Demo
from tests.docs.not_run import COMMANDS, DRY, OTHERS, reason
from tests.docs.pages import ROOT, Block, blocks, lines, name, pages
from tests.support.exporter import KEY, SECRET, environment, run, write_config
from tests.support.servers import Prometheus, need

ALL = [block for page in pages() for block in blocks(page)]
SHELL = [block for block in ALL if block.language in {"sh", "bash", "shell", "console"}]
RUN = [block for block in SHELL if reason(block) is None]
INLINE = re.compile(r"`(gong-exporter [^`]+)`")


@pytest.fixture
def folder(tmp_path: Path, demo: Demo) -> Path:
    """A user's folder: a configuration, its state, and the programs that the pages name."""
    write_config(tmp_path, demo.api, activity={"windows": ["7d"]})
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert example.count("base_url: https://api.gong.io") == 1
    (tmp_path / "config.example.yaml").write_text(
        example.replace("base_url: https://api.gong.io", f"base_url: {demo.api}"), encoding="utf-8"
    )
    (tmp_path / "gong-exporter.db").touch()
    for programs in (tmp_path / ".venv" / "bin", tmp_path / "bin"):
        programs.mkdir(parents=True)
        _script(programs / "gong-exporter", f"{sys.executable} {ROOT}/tests/docs/shim.py")
        _script(programs / "python", sys.executable)
        for program in DRY:
            _script(programs / program, f"{need(program)} -n -C {ROOT}")
    return tmp_path


def _script(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


@pytest.mark.server("prometheus")
@pytest.mark.parametrize("block", RUN, ids=lambda block: f"{block.page}:{block.line}")
def test_a_command_of_the_docs_runs(
    block: Block, folder: Path, demo: Demo, demo_prometheus: Prometheus
) -> None:
    for program in ("sqlite3", "curl"):
        if re.search(rf"^{program} ", block.text, re.MULTILINE):
            need(program)
    text = block.text
    for written, here in {
        "GONG_ACCESS_KEY=...": f"GONG_ACCESS_KEY={KEY}",
        "GONG_ACCESS_KEY_SECRET=...": f"GONG_ACCESS_KEY_SECRET={SECRET}",
        "http://127.0.0.1:8066": demo.api,
        "http://localhost:14664": f"http://{demo.address}",
        "http://localhost:9090": demo_prometheus.url,
        "curl ": "curl --fail --no-progress-meter ",
    }.items():
        text = text.replace(written, here)
    path = f"{folder / 'bin'}:{environment()['PATH']}"

    done = subprocess.run(
        [need("bash"), "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment(PATH=path, PYTHONPATH=str(ROOT)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


def test_there_are_commands_in_the_readme_and_the_docs() -> None:
    assert {block.page for block in RUN} >= {"README.md", "docs/operations.md", "docs/behaviour.md"}


def test_the_list_of_what_is_not_run_holds_nothing_that_is_gone() -> None:
    written = {line for block in SHELL for line in block.text.splitlines()}

    assert [line for line in COMMANDS if line not in written] == []
    assert not {"README.md", "docs/operations.md", "docs/people.md"} & OTHERS.keys()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_block_of_commands_says_that_it_is_one(page: Path) -> None:
    """One without a language would not be run."""
    programs = ("gong-exporter", "make", "curl", "pip", "docker", "kubectl", "helm", ".venv/bin/")

    silent = [
        f"{block.page}:{block.line}"
        for block in blocks(page)
        if not block.language and block.first.startswith(tuple(f"{p} " for p in programs))
    ]

    assert silent == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_command_line_in_a_sentence_is_one_that_is_taken(page: Path) -> None:
    for number, line, language in lines(page):
        for written in INLINE.findall(line) if language is None else ():
            words = shlex.split(re.split(r" [>|;&]", written)[0])[1:]
            filled = ["2026-01-01" if word == "..." else word for word in words]

            with cli.make_context("gong-exporter", filled, resilient_parsing=True) as context:
                rest = [*context._protected_args, *context.args]
            command = cli.get_command(context, rest[0]) if rest else cli

            assert command is not None, f"{name(page)}:{number}: {written}"


@pytest.mark.parametrize(
    "block",
    [block for block in ALL if block.language == "yaml"],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_a_configuration_in_the_docs_is_one_that_is_taken(block: Block, tmp_path: Path) -> None:
    document = yaml.safe_load(block.text)
    if not isinstance(document, dict) or not document.keys() <= {
        "gong",
        "activity",
        "poll",
        "state",
    }:
        return
    text = re.sub(r"/run/secrets/[\w-]+", str(tmp_path / "secret"), block.text)
    (tmp_path / "secret").write_text("made-up\n")
    (tmp_path / "roster.csv").write_text("id,team\n1,West\n")
    (tmp_path / "email-hash-key").write_text("0123456789abcdef" * 4)
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    given = "access_key" in document.get("gong", {}) or "access_key_file" in document.get(
        "gong", {}
    )
    secrets = {} if given else {"GONG_ACCESS_KEY": "made-up", "GONG_ACCESS_KEY_SECRET": "made-up"}

    assert load_config(path, secrets).warnings == ()


def test_the_documented_errors_are_what_a_bad_file_gets(tmp_path: Path) -> None:
    page = ROOT / "docs" / "configuration.md"
    first = "gong-exporter: config.yaml:3: "
    shown = next(block for block in blocks(page) if block.text.startswith(first))
    (tmp_path / "config.yaml").write_text(
        "gong:\n  time_zone: US/Pacific\n  acces_key: made-up\n  access_key_secret: made-up\n"
        "activity:\n  users: all\n  windows: [7days]\n"
    )

    refused = run("check", cwd=tmp_path)

    assert refused.returncode == 2
    assert set(shown.text.splitlines()) <= set(refused.stderr.splitlines())


def test_make_knows_every_target_that_is_named_anywhere() -> None:
    named = {
        target
        for page in [
            *pages(),
            *(ROOT / ".github" / "workflows").glob("*.yml"),
            ROOT / ".ci" / "run",
        ]
        for target in re.findall(
            r"(?:`|run: |sudo |^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    done = subprocess.run(
        [need("make"), "-n", "-C", ROOT, *sorted(named), "DASHBOARD_PREVIEW=true"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"demo", "test", "install", "dist", "image-test", "soak"} <= named
    assert done.returncode == 0, done.stderr
