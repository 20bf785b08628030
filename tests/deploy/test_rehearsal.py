"""A release rehearsed: every job's scripts, with stand-ins for Docker, Helm and GitHub."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gong_exporter import __version__
from tests.support.deploy_sdist import ROOT, build_sdist, commit, unpack
from tests.support.deploy_workflow import ScriptFailed, Workflow

RELEASE = ROOT / ".github" / "workflows" / "release.yml"

# No workflow is part of an sdist.
pytestmark = pytest.mark.skipif(not RELEASE.exists(), reason="an sdist has no workflows")

REGISTRY = "registry.example"
DIGEST = "sha256:" + "5" * 64
SECRETS = {
    "secrets.IMAGE_REGISTRY_USER": "robot",
    "secrets.IMAGE_REGISTRY_PASSWORD": "s3cret-of-the-registry",
    "github.token": "s3cret-of-github",
}
VARIABLES = {
    "vars.IMAGE_REPOSITORY": f"{REGISTRY}/sales/gong-exporter",
    "vars.IMAGE_REGISTRY": REGISTRY,
    "vars.PUBLISH_TO_PYPI": "true",
}
WHEEL = f"gong_exporter-{__version__}-py3-none-any.whl"
SDIST = f"gong_exporter-{__version__}.tar.gz"
CHART = f"gong-exporter-{__version__}.tgz"

TOOLS = {
    # Builds for real; only the environment is there already.
    "make": '[ "$*" = dist ] && exec bash tools/release.sh dist',
    "gh": "",
    "helm": f"""
case $1 in
push) echo "Pushed: ${{3#oci://}}/gong-exporter:{__version__}" >&2; echo "Digest: {DIGEST}" >&2 ;;
registry) [ "$2" = logout ] || cat >/dev/null ;;
esac""",
    "docker": f"""
case $1 in
image) echo "${{*: -1}}" | sed 's/:.*/@{DIGEST}/' ;;
save) echo image > "$3" ;;
load) [ "$(cat "$3")" = image ] ;;
login) cat >/dev/null ;;
esac""",
}
"""Each first writes down how it was called."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, as if what is not released yet were the release."""
    folder = tmp_path_factory.mktemp("source")
    tree = unpack(build_sdist(folder), folder)
    changelog = tree / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if f"## {__version__} " not in text:
        changelog.write_text(text.replace("## Unreleased", f"## {__version__} (2026-03-04)"))
    commit(tree)
    return tree


class Rehearsal:
    """A run of the release workflow.

    Args:
        source: the repository.
        folder: an empty one.
        variables: the repository's.
        tag: that was pushed.
        tools: stand-ins in place of TOOLS.
    """

    def __init__(
        self,
        source: Path,
        folder: Path,
        variables: dict[str, str],
        tag: str = f"v{__version__}",
        tools: dict[str, str] | None = None,
    ) -> None:
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        self._log = folder / "calls"
        for name, body in {**TOOLS, **(tools or {})}.items():
            path = bin_folder / name
            path.write_text(f'#!/bin/bash\necho "{name} $*" >> {self._log}\n{body}\n')
            path.chmod(0o755)
        github = {"github.ref_name": tag, "github.repository": "gong-exporter/gong-exporter"}
        values = {**variables, **SECRETS, **github}
        self.workflow = Workflow(RELEASE, source, folder, bin_folder, values)

    def calls(self) -> list[str]:
        """How the stand-ins were called."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def called(self, pattern: str) -> list[str]:
        """The calls that match from their beginning."""
        return [call for call in self.calls() if re.match(pattern, call)]


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A release with everything switched on."""
    rehearsal = Rehearsal(source, tmp_path_factory.mktemp("whole"), VARIABLES)
    ran = rehearsal.workflow.run()
    assert set(ran) == {
        *("distributions", "image", "publish"),
        *("publish-image", "publish-chart", "publish-wheel"),
    }
    return rehearsal


def attested(rehearsal: Rehearsal, job: str) -> list[dict[str, str]]:
    """What is attested, without the list of parts and with it."""
    actions = rehearsal.workflow.actions[job]
    return [inputs for action, inputs in actions if action == "actions/attest"]


def test_the_release_has_the_files_and_the_notes(whole: Rehearsal) -> None:
    (created,) = whole.called("gh ")
    begin = f"gh release create v{__version__} --verify-tag --title v{__version__}"
    assert created.startswith(f"{begin} --notes-file notes.md dist/")
    for name in (WHEEL, SDIST, CHART, "SHA256SUMS", "gong-exporter.cdx.json"):
        assert f"dist/{name}" in created.split()
    notes = (whole.workflow.folder / "jobs" / "publish" / "notes.md").read_text()
    assert notes.strip()
    assert "\n## " not in notes
    assert attested(whole, "publish") == [
        {"subject-path": "dist/*"},
        {"subject-path": "dist/*.whl", "sbom-path": "dist/gong-exporter.cdx.json"},
    ]


@pytest.mark.parametrize(
    ("job", "name"),
    [("publish-image", "gong-exporter"), ("publish-chart", "charts/gong-exporter")],
)
def test_image_and_chart_are_attested_where_they_were_pushed(
    whole: Rehearsal, job: str, name: str
) -> None:
    subject = {
        "subject-name": f"{REGISTRY}/sales/{name}",
        "subject-digest": DIGEST,
        "push-to-registry": "True",
    }
    parts = {**subject, "sbom-path": "dist/gong-exporter.cdx.json"}
    assert attested(whole, job) == [subject, parts]


def test_the_image_is_the_one_that_was_built(whole: Rehearsal) -> None:
    image = f"{REGISTRY}/sales/gong-exporter:{__version__}"
    assert whole.called(rf"docker build --tag {image} .*VERSION={__version__}")
    assert whole.called("docker (save|load|push)") == [
        f"docker save --output image.tar {image}",
        "docker load --input image.tar",
        f"docker push {image}",
    ]


def test_the_chart_is_pushed_beside_the_image(whole: Rehearsal) -> None:
    assert whole.called("helm push") == [f"helm push dist/{CHART} oci://{REGISTRY}/sales/charts"]


def test_the_package_index_gets_the_wheel_and_the_sdist(whole: Rehearsal) -> None:
    packages = whole.workflow.folder / "jobs" / "publish-wheel" / "packages"
    assert {path.name for path in packages.iterdir()} == {WHEEL, SDIST}


def test_no_secret_is_on_a_command_line_and_every_login_ends(whole: Rehearsal) -> None:
    assert "s3cret" not in "\n".join(whole.calls())
    assert len(whole.called("docker login")) == len(whole.called("docker logout")) == 2
    assert len(whole.called("helm registry login")) == len(whole.called("helm registry logout"))


def test_the_page_has_the_names_of_what_is_published(whole: Rehearsal) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (given,) = re.findall(r"^export GONG_REGISTRY=(\S+) GONG_VERSION=(\S+)$", page, re.MULTILINE)
    assert given == (f"{REGISTRY}/sales", __version__)
    for job in ("publish-image", "publish-chart"):
        name = attested(whole, job)[0]["subject-name"].replace(given[0], "$GONG_REGISTRY")
        assert f'"oci://{name}:$GONG_VERSION"' in page


def test_without_variables_only_github_gets_a_release(source: Path, tmp_path: Path) -> None:
    rehearsal = Rehearsal(source, tmp_path, {})
    assert rehearsal.workflow.run() == ["distributions", "publish"]
    assert {call.split()[0] for call in rehearsal.calls()} == {"make", "gh"}


def test_another_tag_than_the_version_publishes_nothing(source: Path, tmp_path: Path) -> None:
    rehearsal = Rehearsal(source, tmp_path, VARIABLES, "v99.0.0")
    with pytest.raises(ScriptFailed, match=r"the tag is v99\.0\.0"):
        rehearsal.workflow.run()
    assert rehearsal.calls() == []


def test_files_that_changed_on_the_way_are_not_published(source: Path, tmp_path: Path) -> None:
    build = f"bash tools/release.sh dist && echo more >> dist/{WHEEL}"
    rehearsal = Rehearsal(source, tmp_path, {}, tools={"make": build})
    with pytest.raises(ScriptFailed, match=f"{WHEEL}: FAILED"):
        rehearsal.workflow.run()
    assert not rehearsal.called("gh ")


def test_a_chart_that_cannot_be_pushed_fails_and_logs_out(source: Path, tmp_path: Path) -> None:
    refused = 'case $1 in push) echo "Error: 403" >&2; exit 1 ;; esac'
    rehearsal = Rehearsal(source, tmp_path, VARIABLES, tools={"helm": refused})
    with pytest.raises(ScriptFailed, match="Error: 403"):
        rehearsal.workflow.run()
    assert "helm registry logout registry.example" in rehearsal.calls()
