"""Links lead somewhere: every file and heading that a page points at is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT, headings, links, name, pages


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_of_a_page_leads_to_a_file_and_heading_that_are_there(page: Path) -> None:
    broken = [
        f"{name(page)}:{line}: {target}" for line, target in links(page) if _dead(page, target)
    ]

    assert broken == []


def test_every_page_of_the_docs_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / urlsplit(target).path).resolve() for _, target in links(index)}

    missing = [name(page) for page in pages() if page.parent == index.parent and page != index]

    assert [page for page in missing if ROOT / page not in linked] == []


MENTION = re.compile(r"(?<![\w/])(?:https://[\w./-]*/main/)?(docs/[\w-]+\.md)(#[\w-]+)?")
"""How code, rules, dashboards and manifests name a page, as a path or as a URL."""


def test_every_page_that_other_files_name_is_there_with_its_heading() -> None:
    files = [
        file
        for folder in ("benchmarks", "deploy", "gong_exporter", "grafana", "prometheus", "tools")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix not in {".md", ".pyc"}
    ]
    mentions = {
        (file.relative_to(ROOT).as_posix(), found[1], (found[2] or "")[1:])
        for file in files
        for found in MENTION.finditer(file.read_text(encoding="utf-8"))
    }

    assert len({page for _, page, _ in mentions}) > 3
    assert [
        mention
        for mention in sorted(mentions)
        if not (ROOT / mention[1]).exists()
        or (mention[2] and mention[2] not in headings(ROOT / mention[1]))
    ] == []


CODE = re.compile(r"(?:`([\w.]+)` (?:in |\()`|(?<![\w/.-]))([a-z_]+/[\w/]+\.py)\b")
"""How a page names a file of code, with a name in it or without."""


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_file_of_code_that_a_page_names_is_there_with_the_name_in_it(page: Path) -> None:
    missing = [
        found[0]
        for found in CODE.finditer(page.read_text(encoding="utf-8"))
        if not any(
            (root / found[2]).is_file()
            and (found[1] or "").rpartition(".")[2] in (root / found[2]).read_text(encoding="utf-8")
            for root in (ROOT, ROOT / "gong_exporter")
        )
    ]

    assert missing == []


def _dead(page: Path, target: str) -> bool:
    parts = urlsplit(target)
    if parts.scheme in {"http", "https", "mailto"}:
        return False
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not path.is_relative_to(ROOT):
        return True
    if not path.exists():
        return True
    return bool(parts.fragment) and path.suffix == ".md" and parts.fragment not in headings(path)
