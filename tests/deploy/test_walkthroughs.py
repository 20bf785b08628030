"""The commands of docs/deploy.md, docs/backfill.md and the READMEs of deploy/ name what exists.

The commands themselves are run by tools/systemd-test.sh (the page's own blocks) and, with the same
options, by tools/image-test.sh.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
import yaml

from gong_exporter.cli.main import cli
from tests.docs.pages import ROOT, Block, blocks
from tests.support.deploy_chart import CHART, KUBERNETES, problems, render

PAGES = [
    ROOT / "docs" / "deploy.md",
    ROOT / "docs" / "backfill.md",
    *sorted((ROOT / "deploy").rglob("README.md")),
]
ALL = [block for page in PAGES for block in blocks(page)]


def commands(block: Block) -> Iterator[list[str]]:
    """Every command of a block, in words, continued lines joined."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


LINES = [words for block in ALL if block.language == "sh" for words in commands(block)]


def test_every_file_that_a_command_names_is_there() -> None:
    named = {
        word
        for words in LINES
        for word in words
        if re.match(r"deploy/|requirements|prometheus/", word)
    }
    assert len(named) >= 5
    assert {word for word in named if not (ROOT / word).exists()} == set()


def test_every_make_target_of_the_page_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)`", page.read_text())}
    assert used
    assert used <= targets


def test_every_command_of_the_exporter_is_one() -> None:
    found = 0
    for words in LINES:
        if "gong-exporter" not in words:
            continue
        last = len(words) - 1 - words[::-1].index("gong-exporter")
        name, *arguments = [*words[last + 1 :], "--none"]
        if command := cli.get_command(click.Context(cli), name):
            command.make_context(name, [a for a in arguments if a != "--none"], obj={})
            found += 1
    assert found >= 2


def test_the_container_is_run_as_the_image_test_runs_it() -> None:
    image_test = (ROOT / "tools" / "image-test.sh").read_text()
    runs = [words for words in LINES if words[:3] == ["docker", "run", "-d"]]
    assert runs
    for words in runs:
        text = " ".join(words)
        assert "--read-only --cap-drop ALL --security-opt no-new-privileges" in text
        assert "-p 127.0.0.1:14664:14664" in text
        assert "-v gong-exporter:/var/lib/gong-exporter" in text
    for option in ("--read-only", "--cap-drop all", "--security-opt no-new-privileges"):
        assert option in image_test


def test_kubernetes_takes_what_the_page_s_values_make() -> None:
    (values,) = [
        yaml.safe_load(block.text)
        for block in ALL
        if block.language == "yaml" and block.first == "# values.yaml"
    ]
    release = render(values, name="gong-exporter", namespace="gong")
    assert [fault for x in release.objects for fault in problems(x, KUBERNETES[-1])] == []
    assert release.one("Deployment")["metadata"]["name"] == "gong-exporter"
    # The Secret that the page has people make is the one that is mounted, key by key.
    (secret,) = [words for words in LINES if words[:1] == ["kubectl"] and "secret" in words]
    (volume,) = [v for v in release.pod()["volumes"] if v["name"] == "credentials"]
    assert volume["secret"]["secretName"] in secret
    assert {f"--from-file={item['key']}" for item in volume["secret"]["items"]} <= set(secret)


ALREADY = [block for block in ALL if block.first.startswith("# values.yaml, for ")]


def test_the_page_has_values_for_what_people_already_run() -> None:
    kinds = {block.first.removeprefix("# values.yaml, for ") for block in ALREADY}
    assert kinds == {"Argo CD", "OpenShift", "kube-prometheus-stack", "the Grafana Operator"}


@pytest.mark.parametrize("block", ALREADY, ids=lambda block: block.first)
def test_kubernetes_accepts_the_values_for_what_people_already_run(block: Block) -> None:
    release = render(yaml.safe_load(block.text), namespace="gong")
    assert [text for x in release.objects for text in problems(x, KUBERNETES[-1])] == []


@pytest.mark.parametrize("words", [w for w in LINES if w[0] == "helm"], ids=" ".join)
def test_helm_is_asked_for_the_chart(words: list[str]) -> None:
    assert words[1] in {"upgrade", "test"}
    if words[1] == "upgrade":
        assert ROOT / words[words.index("gong-exporter") + 1] == CHART


def test_compose_is_started_with_profiles_that_it_has() -> None:
    whole = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())
    known = {name for service in whole["services"].values() for name in service.get("profiles", [])}
    used = {
        words[words.index("--profile") + 1]
        for words in LINES
        if words[:2] == ["docker", "compose"] and "--profile" in words
    }
    assert used == known


def test_the_credentials_of_compose_are_the_files_that_its_readme_writes() -> None:
    whole = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())
    written = {
        words[-1] for words in LINES if words[0] == "printf" and words[-1].startswith("secrets/")
    }
    assert written == {secret["file"] for secret in whole["secrets"].values()}
