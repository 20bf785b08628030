"""docs/troubleshooting.md explains every warning, error and advice, and nothing else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs.messages import Message, messages
from tests.docs.pages import ROOT
from tests.support.exporter import run, write_config
from tests.support.simulator import running_simulator

PAGE = ROOT / "docs" / "troubleshooting.md"
MESSAGES = messages()


def _spans(text: str) -> list[str]:
    return [span.strip() for _, span in re.findall(r"(`+)(.+?)\1", text)]


def _rows() -> list[str]:
    """The first cells of the tables of log lines."""
    _, _, part = PAGE.read_text(encoding="utf-8").partition("\n## By log line\n")
    cells = re.findall(r"^\| (`.*?`) \| ", part, re.MULTILINE)
    return [span for cell in cells for span in _spans(cell)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.source)
def test_what_may_be_logged_is_explained(message: Message) -> None:
    spans = _spans(PAGE.read_text(encoding="utf-8"))

    assert any(message.pattern.fullmatch(span) for span in spans), message.shown


@pytest.mark.parametrize("row", _rows())
def test_what_is_explained_may_be_logged(row: str) -> None:
    assert any(message.pattern.fullmatch(row) for message in MESSAGES)


def test_the_messages_are_found_in_the_source() -> None:
    shown = {message.shown for message in MESSAGES}

    assert shown >= {
        "no new data from Gong",
        "...; trying again",
        "the disk is full",
        "check activity.users",
        "Gong answered ...",
    }


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
    """Whether a text is an entry's, whose ``...`` stands for anything."""
    return bool(re.fullmatch(".+".join(map(re.escape, span.split("..."))), text))
