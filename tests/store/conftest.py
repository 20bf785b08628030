"""A state file's place, and a scene to open it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.store_samples import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"
