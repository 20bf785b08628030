"""docs/deploy.md on Kubernetes, as tools/cluster-test.sh reads it; to walk it needs a cluster."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK = ROOT / "tools" / "cluster-test.sh"


def block(language: str, number: int) -> str:
    """What the walk reads from the page, by its own function."""
    found = re.search(r"^block\(\) \{\n.*?^\}\n", WALK.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    program = f'{found[0]}\npage=docs/deploy.md namespace=walk chart=/chart\nblock "$@"'
    command = ["bash", "-euo", "pipefail", "-c", program, "walk", language, str(number)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("language", "number"), [("sh", 1), ("yaml", 1), ("sh", 2)])
def test_the_walk_finds_the_page_s_blocks_and_puts_its_own_names_in(
    language: str, number: int
) -> None:
    text = block(language, number)
    assert text
    assert "YOUR-" not in text
    assert re.search(r"namespace gong\b", text) is None
    assert "deploy/kubernetes" not in text


def test_the_walk_has_no_more_blocks_to_find() -> None:
    assert (block("sh", 3), block("yaml", 2)) == ("", "")


def test_the_walk_puts_its_values_behind_the_page_s() -> None:
    (line,) = [line for line in WALK.read_text().splitlines() if "values here.yaml/" in line]
    assert "s/--values values.yaml/" in line
    assert block("sh", 2).count("--values values.yaml") == 1


def test_the_page_waits_for_the_pod_before_it_asks_it() -> None:
    """`helm upgrade` is back before there is a pod to exec in, or to test."""
    install, wait, *asking = block("sh", 2).splitlines()
    assert install.startswith("helm upgrade --install")
    assert wait.startswith("kubectl --namespace walk rollout status deployment/gong-exporter")
    assert [line.split()[0] for line in asking] == ["kubectl", "helm"]
