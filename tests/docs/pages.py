"""The project's pages as tests see them: files, fenced blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_SKIPPED = {".venv", ".git", "node_modules", "build", "dist"}
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*) *$")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")
_LINK = re.compile(r"(?<!\\)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
_CODE = re.compile(r"(`+).*?\1")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        page: its file, from the root, with forward slashes.
        line: of its first line of text, counted from 1.
        language: what stands behind the fence; may be empty.
        text: without the fence's indentation.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def first(self) -> str:
        """Its first line that says something."""
        return next((line for line in self.text.splitlines() if line.strip()), "")


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(
            part in _SKIPPED or part.startswith(".") for part in path.relative_to(ROOT).parts[:-1]
        )
    )


def name(page: Path) -> str:
    """How tests call a page."""
    return page.relative_to(ROOT).as_posix()


def lines(page: Path) -> Iterator[tuple[int, str, str | None]]:
    """Number, text and, within a fenced block, its language; fences themselves are left out."""
    language: str | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and (language is None or not fence["language"]):
            language = fence["language"] if language is None else None
        else:
            yield number, line, language


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks, in order."""
    found: list[str] = []
    start, language, indent = 0, "", 0
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not inside:
            inside, start, language = True, number + 1, fence["language"]
            indent, found = len(fence["indent"]), []
        elif fence and not fence["language"]:
            inside = False
            yield Block(name(page), start, language, "\n".join(found) + "\n")
        elif inside:
            found.append(line[min(indent, len(line) - len(line.lstrip(" "))) :])


def headings(page: Path) -> Iterator[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    seen: dict[str, int] = {}
    for _, line, language in lines(page):
        heading = _HEADING.match(line) if language is None else None
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count = seen.get(anchor, 0)
            seen[anchor] = count + 1
            yield anchor if not count else f"{anchor}-{count}"


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Line and target of every link, images included."""
    for number, line, language in lines(page):
        if language is None:
            for match in _LINK.finditer(_CODE.sub("`", line)):
                yield number, match[1]
