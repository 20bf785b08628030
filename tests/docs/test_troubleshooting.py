"""docs/troubleshooting.md explains what the exporter logs as a warning or an error."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.support.exporter import run, write_config
from tests.support.simulator import running_simulator

PAGE = ROOT / "docs" / "troubleshooting.md"
LEVELS = {"warning", "error", "exception"}
COMMANDS = {"cli", "simulator", "backfill"}
"""Packages of commands that a person watches; their messages need no page."""

TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "gong_exporter").rglob("*.py"))
}

DEFECT = ": a defect, please report it"
"""The end of messages that share a row of the page."""


def _rows() -> list[str]:
    """The messages in the table of log lines."""
    _, _, part = PAGE.read_text(encoding="utf-8").partition("\n## By log line\n")
    cells = re.findall(r"^\| (`.*?) \| ", part, re.MULTILINE)
    return [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]


def _text(node: ast.expr) -> str | None:
    """A text with ``...`` for each value that is put in; None if the node is not a text."""
    match node:
        case ast.Constant(value=str(text)):
            return text.replace("%s", "...")
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "..." for part in parts)
    return None


def _logged() -> Iterator[str]:
    """The message of every call such as ``log.warning("message")``."""
    for path, tree in TREES.items():
        if path.relative_to(ROOT / "gong_exporter").parts[0] in COMMANDS:
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value, level), args=[message, *_]) if (
                    level in LEVELS and "log" in ast.unparse(value) and (text := _text(message))
                ):
                    yield text


LOGGED = set(_logged())
TEXTS = {
    node.value
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


@pytest.mark.parametrize("text", sorted(LOGGED))
def test_a_warning_or_error_is_explained(text: str) -> None:
    if text.endswith(DEFECT):
        assert any(row.endswith(DEFECT) for row in _rows())
    else:
        assert text in _rows()


@pytest.mark.parametrize("row", _rows())
def test_an_explained_message_is_in_the_source(row: str) -> None:
    assert row in TEXTS


@pytest.mark.parametrize("fault", ["no-scope", "wrong-total"])
def test_what_a_failing_poll_says_is_explained(fault: str, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with running_simulator(now=lambda: datetime.now(UTC)) as simulator:
        simulator.set_faults(fault)
        config = write_config(tmp_path, simulator.url, activity={"windows": ["7d"]})
        done = run("--once", f"--config.file={config}", "--log.format=json")

    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    failed = [line for line in lines if line["level"] in {"warn", "error"}]
    assert failed
    for line in failed:
        assert line["msg"] in _rows()
    for reason in {line["reason"] for line in failed if line["msg"] == "no new data from Gong"}:
        assert f"| `{reason}` |" in page
