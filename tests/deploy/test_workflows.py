"""GitHub's workflows: they run the Makefile, and hand nobody more than needed."""

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
    used = set(re.findall(r"\bmake ([a-z-]+)", runs))
    assert used
    assert used <= targets
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
    assert writers == (
        {"publish": {"contents": "write", **attests}, "publish-image": attests}
        if path.stem == "release"
        else {}
    )
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


def used(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """What is given to an action, each time that a job uses it."""
    return [
        step.get("with", {})
        for step in job["steps"]
        if step.get("uses", "").startswith(f"actions/{action}@")
    ]


WRITERS = ("publish", "publish-image")
writer = pytest.mark.parametrize("name", WRITERS)


@writer
def test_what_may_write_runs_nothing_of_the_project_s(name: str) -> None:
    """What went bad among the dependencies runs where the sources are built, without rights."""
    job = release()[name]
    actions = {step["uses"].split("@")[0] for step in job["steps"] if "uses" in step}
    programs = {
        word
        for step in job["steps"]
        for line in step.get("run", "").replace("\\\n", " ").splitlines()
        for command in re.split(r"\||&&|;|\$\(", line)
        for word in re.findall(r"^\s*(?:[A-Za-z_]+=\S*\s+)*([\w./-]+)(?=\s|$)", command)
    }
    docker = {
        word for step in job["steps"] for word in re.findall(r"docker (\w+)", step.get("run", ""))
    }

    assert actions == {"actions/download-artifact", "actions/attest"}
    assert programs <= {"cd", "sha256sum", "gh", "docker", "printf", "echo"}
    assert docker <= {"load", "login", "push", "logout", "image"}


def test_only_what_publishes_knows_a_secret() -> None:
    knowing = {
        name
        for name, job in release().items()
        if re.search(r"secrets\.|github\.token", json.dumps(job))
    }
    assert knowing == set(WRITERS)


def test_what_one_job_hands_over_the_next_one_takes() -> None:
    jobs = release()
    given = {
        artifact["name"]: name
        for name, job in jobs.items()
        for artifact in used(job, "upload-artifact")
    }
    taken = {
        (artifact["name"], name)
        for name, job in jobs.items()
        for artifact in used(job, "download-artifact")
    }

    assert {artifact for artifact, _ in taken} == given.keys()
    for artifact, name in taken:
        assert given[artifact] in needs(jobs, name)
    for job in jobs.values():
        for artifact in used(job, "upload-artifact"):
            assert artifact["if-no-files-found"] == "error"


def needs(jobs: dict[str, Any], name: str) -> set[str]:
    """Every job that has to have ended well before one begins."""
    named = jobs[name].get("needs", [])
    direct = {named} if isinstance(named, str) else set(named)
    return direct | {each for job in direct for each in needs(jobs, job)}


def test_every_file_of_a_release_is_attested_before_it_is_public() -> None:
    job = release()["publish"]
    kinds = ["sbom" if "sbom-path" in each else "provenance" for each in used(job, "attest")]
    (create,) = [i for i, step in enumerate(job["steps"]) if "gh release" in step.get("run", "")]
    (check,) = [i for i, step in enumerate(job["steps"]) if "sha256sum" in step.get("run", "")]
    attest = [i for i, step in enumerate(job["steps"]) if "actions/attest@" in step.get("uses", "")]

    assert kinds == ["provenance", "sbom"]
    assert used(job, "attest")[0] == {"subject-path": "dist/*"}
    assert check < min(attest)
    assert max(attest) < create
    assert "dist/*" in job["steps"][create]["run"]


def test_an_image_is_attested_by_what_was_pushed() -> None:
    job = release()["publish-image"]
    provenance, parts = used(job, "attest")
    image = {
        "subject-name": "${{ vars.IMAGE_REPOSITORY }}",
        "subject-digest": "${{ steps.push.outputs.digest }}",
    }
    (push,) = [step for step in job["steps"] if step.get("id") == "push"]

    assert provenance == image
    assert parts == {**image, "sbom-path": "dist/gong-exporter.cdx.json"}
    assert "docker push" in push["run"]
    assert "docker logout" in push["run"]  # the password is gone before the next step
    assert "publish" in needs(release(), "publish-image")


def test_the_list_of_parts_is_the_one_that_is_built() -> None:
    attested = {
        each["sbom-path"]
        for name in WRITERS
        for each in used(release()[name], "attest")
        if "sbom-path" in each
    }
    built = re.findall(r"-m tools\.sbom (\S+)", (ROOT / "tools" / "release.sh").read_text())

    assert attested == set(built)


def test_every_supported_python_is_tested() -> None:
    supported = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text())
    (ci,) = [path for path in WORKFLOWS if path.stem == "ci"]
    assert read(ci)["jobs"]["test"]["strategy"]["matrix"]["python"] == supported
