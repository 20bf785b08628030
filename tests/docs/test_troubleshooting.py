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


def _spans(text: str) -> list[str]:
    return [span.strip() for _, span in re.findall(r"(`+)(.+?)\1", text)]


def _rows() -> list[str]:
    """The first cells of the tables of log lines."""
    _, _, part = PAGE.read_text(encoding="utf-8").partition("\n## By log line\n")
    cells = re.findall(r"^\| (`.*?`) \| ", part, re.MULTILINE)
    return [span for cell in cells for span in _spans(cell)]


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


def _texts() -> Iterator[str]:
    """Every text of the source but the docstrings."""
    for tree in TREES.values():
        nodes = list(ast.walk(tree))
        docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.expr) and node not in docstrings and (text := _text(node)):
                yield text


TEXTS = set(_texts())


@pytest.mark.parametrize("text", sorted(set(_logged())))
def test_a_warning_or_error_is_explained(text: str) -> None:
    spans = _spans(PAGE.read_text(encoding="utf-8"))

    assert any(_explains(span, text) for span in spans)


@pytest.mark.parametrize("row", _rows())
def test_an_explained_message_is_in_the_source(row: str) -> None:
    parts = [part.strip() for part in row.split("...") if part.strip()]
    whole = any(
        _explains(text, row)
        for text in TEXTS
        if "..." in text and len(row) < 2 * len(text.replace("...", "")) < 2 * len(row)
    )

    assert whole or all(any(part in text for text in TEXTS) for part in parts)


@pytest.mark.parametrize("fault", ["no-scope", "wrong-total"])
def test_what_a_failing_poll_says_is_explained(fault: str, tmp_path: Path) -> None:
    spans = _spans(PAGE.read_text(encoding="utf-8"))
    with running_simulator(now=lambda: datetime.now(UTC)) as simulator:
        simulator.set_faults(fault)
        config = write_config(tmp_path, simulator.url, activity={"windows": ["7d"]})
        done = run("--once", f"--config.file={config}", "--log.format=json")

    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    worse = [line for line in lines if line["level"] in {"warn", "error"}]
    assert worse
    for line in worse:
        for text in (line["msg"], line.get("advice"), line.get("reason")):
            assert text is None or any(_explains(span, text) for span in spans), text


def _explains(span: str, text: str) -> bool:
    """Whether a text is one of a span, whose ``...`` stands for anything."""
    return bool(re.fullmatch(".+".join(map(re.escape, span.split("..."))), text))
