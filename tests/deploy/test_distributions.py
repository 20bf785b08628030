"""The sdist and the wheel: what is in them, and that what is in them works on its own."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from gong_exporter import __version__

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Built:
    """Both distributions.

    Attributes:
        sdist, wheel: where they are.
        sources: the files in the sdist, without its folder.
        installed: the files in the wheel.
    """

    sdist: Path
    wheel: Path
    sources: frozenset[str]
    installed: frozenset[str]

    def metadata(self) -> email.message.Message:
        """The wheel's own description."""
        with zipfile.ZipFile(self.wheel) as archive:
            text = archive.read(f"gong_exporter-{__version__}.dist-info/METADATA").decode()
        return email.message_from_string(text)


def build(project: Path, where: Path, *kinds: str) -> None:
    """What `pip` and `build` do in the end."""
    targets = [argument for kind in kinds for argument in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", where, *targets],
        cwd=project,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist of this tree, and the wheel that comes of that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist")
    (sdist,) = folder.glob("*.tar.gz")
    subprocess.run(["tar", "-xf", sdist, "-C", folder], check=True)
    unpacked = folder / f"gong_exporter-{__version__}"
    build(unpacked, folder, "wheel")
    (wheel,) = folder.glob("*.whl")
    sources = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        return Built(sdist, wheel, frozenset(sources), frozenset(archive.namelist()))


def tracked() -> set[str]:
    """The files that the project consists of."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def test_the_version_is_in_one_place(built: Built) -> None:
    assert built.sdist.name == f"gong_exporter-{__version__}.tar.gz"
    assert built.wheel.name == f"gong_exporter-{__version__}-py3-none-any.whl"
    assert "version" not in re.findall(
        r"^(\w+) = ", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )


def test_the_changelog_knows_the_version_or_what_comes() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", heading) for heading in headings[1:])
    if len(headings) > 1:
        assert headings[1] == __version__


def test_the_wheel_holds_the_package_its_types_and_its_licence_and_nothing_else(
    built: Built,
) -> None:
    about = f"gong_exporter-{__version__}.dist-info"
    package = {name for name in tracked() if name.startswith("gong_exporter/")}
    inside = {name for name in built.installed if not name.startswith(f"{about}/")}
    assert package - inside == set()
    assert {name for name in inside - package if not name.endswith(".py")} == set()
    assert "gong_exporter/py.typed" in inside
    assert f"{about}/licenses/LICENSE" in built.installed


def test_the_sdist_holds_all_that_is_tracked(built: Built) -> None:
    left_out = {".ci/", ".github/"}
    missing = {
        name
        for name in tracked() - built.sources
        if not any(name.startswith(folder) for folder in left_out)
    }
    assert missing == set()


def test_keys_that_lie_about_are_in_no_distribution(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in (
        ".gitignore",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "gong_exporter/__init__.py",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    keys = ["deploy/compose/secrets/access-key", "config.yaml", "gong-exporter.db"]
    for name in keys:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret")
    build(project, tmp_path, "sdist", "wheel")
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    assert names
    assert [name for name in names for key in keys if name.endswith(f"/{key}")] == []


def test_the_metadata_says_what_people_look_for(built: Built) -> None:
    about = built.metadata()
    assert about["Name"] == "gong-exporter"
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    classifiers = about.get_all("Classifier") or []
    supported = [
        name.removeprefix("Programming Language :: Python :: ")
        for name in classifiers
        if re.search(r":: 3\.\d+$", name)
    ]
    assert supported == ["3.11", "3.12", "3.13", "3.14"]
    assert "Typing :: Typed" in classifiers


def test_the_lock_has_every_requirement(built: Built) -> None:
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    wanted = {
        re.split(r"[^A-Za-z0-9-]", text)[0].lower()
        for text in built.metadata().get_all("Requires-Dist") or []
    }
    assert wanted
    assert wanted <= locked


def test_the_installed_wheel_runs_without_the_source(built: Built, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-compile",
    ]
    subprocess.run([*pip, "--no-deps", "--no-index", str(built.wheel)], check=True)
    # What the exporter requires, from this environment; a path here does not read its .pth files,
    # so the editable installation of the source is not found.
    packages = next(home.glob("lib/python3*/site-packages"))
    (packages / "required.pth").write_text(sysconfig.get_path("purelib"))
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    where = subprocess.run(
        [python, "-c", "import gong_exporter; print(gong_exporter.__file__)"],
        cwd=tmp_path, env=clean, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(packages))
    said = subprocess.run(
        [home / "bin" / "gong-exporter", "--version"],
        cwd=tmp_path, env=clean, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout == f"gong-exporter {__version__}\n"
