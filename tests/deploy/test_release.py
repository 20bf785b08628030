"""tools/release.sh: one commit gives one set of files, each with its sum, and a list of parts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gong_exporter import __version__
from tests.docs.pages import blocks
from tests.support.deploy_sdist import COMMITTED, ROOT, build_sdist, commit, unpack
from tests.support.servers import need


def release(tree: Path, environ: Mapping[str, str]) -> dict[str, bytes]:
    """What ``tools/release.sh dist`` leaves in ``dist``, by name."""
    given = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [need("bash"), "tools/release.sh", "dist"],
        cwd=tree, env={**given, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted((tree / "dist").iterdir())}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def clone(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = unpack(sdist, tmp_path_factory.mktemp("clone"))
    commit(tree)
    return tree


@pytest.fixture(scope="module")
def released(clone: Path) -> dict[str, bytes]:
    return release(clone, {"TZ": "UTC"})


def test_a_release_is_sdist_wheel_chart_list_of_parts_and_sums(
    released: dict[str, bytes],
) -> None:
    assert set(released) == {
        f"gong_exporter-{__version__}.tar.gz",
        f"gong_exporter-{__version__}-py3-none-any.whl",
        f"gong-exporter-{__version__}.tgz",
        "gong-exporter.cdx.json",
        "SHA256SUMS",
    }


def test_every_file_has_its_sum(clone: Path, released: dict[str, bytes]) -> None:
    named = {line.split("  ", 1)[1] for line in released["SHA256SUMS"].decode().splitlines()}
    check = [need("sha256sum"), "--check", "--strict", "--quiet", "SHA256SUMS"]

    assert named == set(released) - {"SHA256SUMS"}
    subprocess.run(check, cwd=clone / "dist", check=True)


def test_the_list_of_parts_is_of_this_version_and_the_commit_s_date(
    released: dict[str, bytes],
) -> None:
    text = released["gong-exporter.cdx.json"].decode()

    assert f'"bom-ref": "gong-exporter@{__version__}"' in text
    assert f'"timestamp": "{COMMITTED}"' in text


def test_the_same_commit_gives_the_same_files_at_any_time_and_place(
    sdist: Path, released: dict[str, bytes], tmp_path: Path
) -> None:
    tree = unpack(sdist, tmp_path)
    commit(tree)
    for path in tree.rglob("*"):
        if ".git" not in path.parts:
            os.utime(path, (1_800_000_000, 1_800_000_000))

    again = release(tree, {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"})

    assert {name for name in released if again.get(name) != released[name]} == set()


def test_an_unpacked_sdist_without_git_gives_them_too(
    sdist: Path, released: dict[str, bytes], tmp_path: Path
) -> None:
    again = release(unpack(sdist, tmp_path), {})

    assert {name for name in released if again.get(name) != released[name]} == set()


def test_a_download_is_checked_as_the_page_says(released: dict[str, bytes], tmp_path: Path) -> None:
    (command,) = [
        block.text for block in blocks(ROOT / "SECURITY.md") if not block.first.startswith("gh ")
    ]
    wheel = f"gong_exporter-{__version__}-py3-none-any.whl"
    for name in (wheel, "SHA256SUMS"):
        (tmp_path / name).write_bytes(released[name])

    def check() -> tuple[int, str]:
        done = subprocess.run(
            [need("bash"), "-euo", "pipefail", "-c", command],
            cwd=tmp_path, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    assert check() == (0, f"{wheel}: OK\n")
    (tmp_path / wheel).write_bytes(released[wheel] + b"\0")
    assert check() == (1, f"{wheel}: FAILED\n")
