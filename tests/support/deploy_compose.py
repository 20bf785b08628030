"""The compose set-up as data, and the scripts that it mounts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"


def compose() -> dict[str, Any]:
    """The file, its anchors and merges resolved."""
    whole: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return whole


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Sources and targets."""
    return [(text.split(":")[0], text.split(":")[1]) for text in service.get("volumes", [])]


def script(name: str) -> ModuleType:
    """One of the scripts beside the file."""
    spec = importlib.util.spec_from_file_location(name, COMPOSE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
