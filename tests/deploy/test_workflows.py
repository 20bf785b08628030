"""GitHub's workflows: they run the Makefile, with no more permissions than needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# No workflow is part of an sdist.
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="an sdist has no workflows")


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    whole: dict[str, Any] = yaml.safe_load(path.read_text())
    return whole


def steps(path: Path) -> list[dict[str, Any]]:
    """Every step of every job."""
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


@each
def test_it_is_a_workflow(path: Path) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.github-workflows", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@each
def test_every_target_and_tool_that_it_runs_is_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    runs = "\n".join(step.get("run", "") for step in steps(path))
    assert set(re.findall(r"\bmake ([a-z-]+)", runs)) <= targets
    assert all((ROOT / tool).is_file() for tool in re.findall(r"tools/[a-z-]+\.sh", runs))


@each
def test_it_may_do_no_more_than_it_has_to(path: Path) -> None:
    attests = {"id-token": "write", "attestations": "write"}
    writers = {
        name: job["permissions"]
        for name, job in read(path)["jobs"].items()
        if job.get("permissions", {"contents": "read"}) != {"contents": "read"}
    }

    assert read(path)["permissions"] == {"contents": "read"}
    expected = {
        "release": {
            "publish": {"contents": "write", **attests},
            "publish-image": attests,
            "publish-chart": attests,
            "publish-wheel": {"id-token": "write"},
        },
        "scorecard": {"scorecard": {"contents": "read", "id-token": "write"}},
    }
    assert writers == expected.get(path.stem, {})
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}
        # What others named (a branch, a tag) is data in the environment, never part of a script.
        assert "${{" not in step.get("run", "")


@each
def test_every_action_is_one_commit_and_says_which_version_that_is(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())
    assert len(used) == sum("uses" in step for step in steps(path))
    for action in used:
        # A tag can be moved to other code, which would then run with the release's rights.
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def release() -> dict[str, Any]:
    """The jobs of a release, by name."""
    (path,) = [path for path in WORKFLOWS if path.stem == "release"]
    jobs: dict[str, Any] = read(path)["jobs"]
    return jobs


WRITERS = ("publish", "publish-image", "publish-chart")


def test_only_what_publishes_knows_a_secret() -> None:
    knowing = {
        name
        for name, job in release().items()
        if re.search(r"secrets\.|github\.token", json.dumps(job))
    }
    assert knowing == set(WRITERS)
