"""The digest as a whole HTML document, for the body of a mail.

Mail programs drop style sheets, scripts and pictures, so every element has its style.
"""

from __future__ import annotations

from collections.abc import Iterator

from gong_exporter.digest.content import Digest, Row, Section
from gong_exporter.digest.plain import HEADS, clean
from gong_exporter.digest.sentences import Sentence
from gong_exporter.web.markup import Html, constant, join, tag

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_PAGE = f"margin:0;padding:24px 12px;background:#f3f4f6;color:#1f2937;{_FONT};line-height:1.5"
_CARD = (
    "max-width:640px;margin:0 auto;padding:20px;background:#ffffff;"
    "border:1px solid #e5e7eb;border-radius:8px;font-size:15px"
)
_TITLE = "margin:0 0 16px;font-size:20px;line-height:1.3"
_HEADING = "margin:28px 0 8px;font-size:16px"
_CELL = "padding:6px 0 6px 10px;border-bottom:1px solid #e5e7eb"
_NUMBER = f"{_CELL};text-align:right"
_NAME = f"{_CELL};padding-left:0"
_QUIET = "color:#6b7280"
_HEAD = f"font-weight:400;{_QUIET}"
_WARNING = (
    "margin:16px 0 0;padding:10px 14px;background:#fef2f2;border-left:4px solid #dc2626;"
    "border-radius:4px"
)
_CLOSING = f"margin:28px 0 0;font-size:13px;{_QUIET}"
_CHANGES = ((-0.3, "color:#b91c1c;font-weight:600"), (-0.15, "color:#b45309;font-weight:600"))
"""Red and orange, below the same changes as on the dashboards."""
_PLAIN = "color:#374151"


def as_html(digest: Digest) -> str:
    """A document that a mail program shows as its author meant it."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", clean(digest.title)),
    )
    card = tag(
        "div",
        tag("h1", clean(digest.title), style=_TITLE),
        _table(digest),
        [tag("p", _sentence(note), style=_WARNING) for note in digest.notes],
        [_section(section) for section in digest.sections],
        tag("p", digest.closing, style=_CLOSING),
        style=_CARD,
    )
    body = tag("body", card, style=_PAGE)
    return join(constant("<!doctype html>\n"), tag("html", head, body, lang="en"), constant("\n"))


def _table(digest: Digest) -> Html | None:
    if not digest.rows:
        return None
    unit, *heads = HEADS
    return join(
        tag(
            "table",
            tag(
                "tr",
                tag("th", unit, style=f"{_NAME};{_HEAD};text-align:left"),
                [tag("th", head, style=f"{_NUMBER};{_HEAD}") for head in heads],
            ),
            [tag("tr", _cells(row)) for row in digest.rows],
            style="width:100%;border-collapse:collapse;font-size:14px",
        ),
        tag("p", digest.more_teams, style=_QUIET) if digest.more_teams else None,
    )


def _cells(row: Row) -> Iterator[Html]:
    yield tag("td", clean(row.name), style=_NAME)
    yield tag("td", row.observed, style=_NUMBER)
    yield tag("td", row.expected, style=f"{_NUMBER};{_QUIET}")
    change = 0 if row.change is None else row.change
    look = next((style for below, style in _CHANGES if change < below), _PLAIN)
    yield tag("td", row.change_text, style=f"{_NUMBER};{look}")


def _section(section: Section) -> Html:
    entries = [tag("li", _sentence(each), style="margin:0 0 10px") for each in section.entries]
    return join(
        tag("h2", f"{section.heading}: {section.total}", style=_HEADING),
        tag("ol", entries, style="margin:0;padding-left:24px")
        if entries
        else tag("p", section.empty, style="margin:0"),
        tag("p", section.more_text, style=f"margin:0;{_QUIET}") if section.more_text else None,
    )


def _sentence(sentence: Sentence) -> Html:
    subject = tag("strong", tag("bdi", clean(sentence.subject))) if sentence.subject else None
    return join(subject, clean(sentence.rest))
