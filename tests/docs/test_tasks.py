"""Twelve tasks are two clicks from the README: docs/README.md, then a section with the steps."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ROOT, headings, links

INDEX = ROOT / "docs" / "README.md"
ROW = re.compile(r"^\| (.+?) \| \[[^\]]+\]\((\S+)\) \|$", re.MULTILINE)

TASKS = {
    "rotate a key": "access_key_file",
    "add TLS": "tls_server_config",
    "exclude a person": "exclude_users",
    "add teams": "roster",
    "backfill last quarter": "gong-exporter backfill --from",
    "run two companies": "job_name",
    "Slack by team": "team",
    "hash or omit addresses": "email_label: hashed",
    "upgrade": r"sqlite3 .*\.backup",
    "restore the state": "stop the exporter",
    "why a person is 0": r"status page \(`/\?q=",
    "why there is no data": "curl .*/-/ready",
}
"""By words of the task in the index: a pattern that its section has to contain."""


def _section(target: str) -> str:
    """The text of a heading's section, with the sections below it."""
    path, anchor = target.split("#")
    page = INDEX.parent / path
    text = page.read_text(encoding="utf-8")
    wanted = list(headings(page)).index(anchor)
    found = list(re.finditer(r"^(#+) .*$", _without_blocks(text), re.MULTILINE))
    heading = found[wanted]
    ends = [later.start() for later in found[wanted + 1 :] if len(later[1]) <= len(heading[1])]
    return text[heading.start() : ends[0] if ends else len(text)]


def _without_blocks(text: str) -> str:
    """The same length of text, with the fenced blocks blank: a comment in one is not a heading."""
    return re.sub(
        r"^```.*?^```$",
        lambda block: re.sub(r"[^\n]", " ", block[0]),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def test_the_readme_leads_to_the_list_of_tasks() -> None:
    targets = {(ROOT / urlsplit(target).path).resolve() for _, target in links(ROOT / "README.md")}

    assert INDEX in targets


@pytest.mark.parametrize("task", TASKS)
def test_a_task_leads_to_a_section_with_its_steps(task: str) -> None:
    rows = ROW.findall(INDEX.read_text(encoding="utf-8"))
    (target,) = [target for words, target in rows if task in words]

    assert re.search(TASKS[task], _section(target)), target
