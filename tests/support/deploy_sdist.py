"""A source tree as the sdist unpacks it, with the tools of this environment."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from gong_exporter import __version__
from tests.support.servers import need

ROOT = Path(__file__).parents[2]
COMMITTED = "2026-03-04T05:06:07+00:00"


def build_sdist(folder: Path) -> Path:
    """The sources, as a distribution that bears the commit's date."""
    epoch = str(int(datetime.fromisoformat(COMMITTED).timestamp()))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder, "-t", "sdist"],
        cwd=ROOT, env=os.environ | {"SOURCE_DATE_EPOCH": epoch}, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.tar.gz")
    return built


def unpack(sdist: Path, folder: Path) -> Path:
    """The tree of the sdist."""
    subprocess.run(["tar", "-xf", sdist, "-C", folder], check=True)
    tree = folder / f"gong_exporter-{__version__}"
    tools = tree / ".venv" / "bin"
    tools.mkdir(parents=True)
    # Not a link: Python would look for its packages beside that.
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    return tree


def commit(tree: Path) -> None:
    """Make a repository of it, with one commit."""
    who = {
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": COMMITTED,
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
        "GIT_COMMITTER_DATE": COMMITTED, "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "release"]):
        subprocess.run([need("git"), *arguments], cwd=tree, env=os.environ | who, check=True)
