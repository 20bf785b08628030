"""The digest as text for a terminal or a plain mail, as Markdown, and as a Slack message."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from gong_exporter.digest.content import Digest, Row, Section
from gong_exporter.digest.sentences import Sentence

WIDTH = 78
"""Columns of the text; mail programs break longer lines."""

HEADS = ("calls and contributions", "last 7 days", "expected", "change")
"""Of the table."""

_SLACK_HEAD = f"{HEADS[0].capitalize()} in the {HEADS[1]}:"
"""Before its list, because it has no tables."""

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_MENTION = re.compile("(?<![0-9A-Za-z])@")
"""Of a person or a channel. The ``@`` of an address follows a letter or a digit."""

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$]|:(?=//))")


def clean(text: str) -> str:
    """The text without characters that control a terminal or turn the direction of writing."""
    return _INVISIBLE.sub("\ufffd", text)


def as_text(digest: Digest) -> str:
    """Lines of at most WIDTH columns, except for long names."""
    parts = [_underlined(clean(digest.title), "=")]
    if digest.rows:
        parts.append("\n".join(_table(digest)))
    parts += [_wrapped(clean(str(note))) for note in digest.notes]
    for section in digest.sections:
        parts.append(_underlined(f"{section.heading}: {section.total}", "-"))
        parts.append("\n".join(_entries(section)))
    parts.append(_wrapped(digest.closing))
    return "\n\n".join(parts) + "\n"


def _underlined(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _table(digest: Digest) -> Iterator[str]:
    cells = [HEADS, *(_cells(row) for row in digest.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADS))]
    for name, *numbers in cells:
        padded = (value.rjust(width) for value, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *padded))
    if digest.more_teams:
        yield digest.more_teams


def _cells(row: Row) -> tuple[str, str, str, str]:
    return clean(row.name), row.observed, row.expected, row.change_text


def _entries(section: Section) -> Iterator[str]:
    for number, entry in enumerate(section.entries, 1):
        yield _wrapped(clean(str(entry)), f"{number:2}. ")
    if section.more_text:
        yield f"    {section.more_text}"
    if not section.entries:
        yield section.empty


def _wrapped(text: str, start: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def as_markdown(digest: Digest) -> str:
    """Markdown as GitHub and GitLab read it: CommonMark with tables."""
    parts = [f"## {_escaped(digest.title)}"]
    if digest.rows:
        lines = [f"| {' | '.join(HEADS)} |", "|---|---:|---:|---:|"]
        lines += [
            f"| {_escaped(row.name)} | {row.observed} | {row.expected} | {row.change_text} |"
            for row in digest.rows
        ]
        parts.append("\n".join(lines))
    if digest.more_teams:
        parts.append(digest.more_teams)
    parts += [_bold(note) for note in digest.notes]
    for section in digest.sections:
        parts.append(f"### {section.heading}: {section.total}")
        entries = [f"{number}. {_bold(entry)}" for number, entry in enumerate(section.entries, 1)]
        parts.append("\n".join(entries) or section.empty)
        if section.more_text:
            parts.append(section.more_text)
    parts.append(f"*{digest.closing}*")
    return "\n\n".join(parts) + "\n"


def _bold(sentence: Sentence) -> str:
    subject = f"**{_escaped(sentence.subject.strip())}**" if sentence.subject.strip() else ""
    return f"{subject}{_escaped(sentence.rest)}"


def _escaped(text: str) -> str:
    """Text in which there is no markup.

    Markdown cannot escape a mention, which is found in the rendered text. So an invisible space
    ends it before its name.
    """
    return _MENTION.sub("@\u200b", _MARKUP.sub(r"\\\1", clean(text)))


def as_slack(digest: Digest) -> str:
    """JSON for a Slack webhook.

    Names stand in ``rich_text`` elements, in which Slack interprets no markup and no mentions:
    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block. ``text`` is what
    notifications show.
    """
    elements: list[dict[str, Any]] = []
    if digest.rows:
        elements.append(_paragraph(_text(_SLACK_HEAD)))
        elements.append(_list("bullet", [_slack_row(row) for row in digest.rows]))
    if digest.more_teams:
        elements.append(_paragraph(_text(digest.more_teams)))
    elements += [_paragraph(*_slack_sentence(note)) for note in digest.notes]
    for section in digest.sections:
        elements.append(_paragraph(_text(f"{section.heading}: {section.total}", "\n", bold=True)))
        if section.entries:
            elements.append(_list("ordered", [_slack_sentence(each) for each in section.entries]))
        else:
            elements.append(_paragraph(_text(section.empty)))
        if section.more_text:
            elements.append(_paragraph(_text(section.more_text)))
    elements.append(_paragraph(_text(digest.closing, "\n", italic=True)))
    title = {"type": "plain_text", "text": clean(digest.title)[:150], "emoji": False}
    message = {
        "text": _slack_escaped(digest.summary),
        "blocks": [
            {"type": "header", "text": title},
            {"type": "rich_text", "elements": elements},
        ],
    }
    return json.dumps(message, indent=1) + "\n"


def _list(style: str, items: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "type": "rich_text_list",
        "style": style,
        "elements": [_paragraph(*item) for item in items],
    }


def _paragraph(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, start: str = "", **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": start + clean(text), **({"style": style} if style else {})}


def _slack_row(row: Row) -> list[dict[str, Any]]:
    expected = f", {row.expected} expected" if row.expected else ""
    change = f" ({row.change_text})" if row.change_text else ""
    return [_text(row.name, bold=True), _text(f": {row.observed}{expected}{change}")]


def _slack_sentence(sentence: Sentence) -> list[dict[str, Any]]:
    subject = [_text(sentence.subject, bold=True)] if sentence.subject else []
    return [*subject, _text(sentence.rest)]


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
