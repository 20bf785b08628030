"""The status page: one self-contained HTML document, rendered on the server."""

from __future__ import annotations

from dataclasses import replace

from gong_exporter.web import sections
from gong_exporter.web.html import constant, join, tag
from gong_exporter.web.site import Site, Status
from gong_exporter.web.style import STYLE, STYLE_HASH
from gong_exporter.web.table import Query
from gong_exporter.web.tiles import tiles
from gong_exporter.web.verdict import judge
from gong_exporter.web.words import Clockface

__all__ = ["PAGE_HEADERS", "Query", "render_page"]

PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

_USUAL = "7d"

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='%230a58ca'/%3E%3Cpath d='M4 11V8m4 3V4m4 7V6'"
    " stroke='white' stroke-width='2'/%3E%3C/svg%3E"
)


def render_page(
    site: Site, query: Query, telemetry_path: str = "/metrics", docs_url: str | None = None
) -> bytes:
    """The page in UTF-8."""
    status = site.status()
    query = replace(query, window=_window(status, query.window))
    clock = Clockface.of(status.now, status.time_zone)
    verdict = judge(status)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{verdict.headline} \u00b7 gong-exporter"),
        tag("link", rel="icon", href=_ICON),
        tag("style", constant(STYLE)),
    )
    answer = tag(
        "p",
        tag("strong", verdict.headline),
        " ",
        verdict.sentence,
        class_=f"verdict {verdict.level}",
    )
    body = tag(
        "body",
        sections.header(status, telemetry_path),
        tag(
            "main",
            answer,
            sections.warnings(status),
            sections.failure(status.failure, clock) if status.failure else None,
            tiles(status, clock),
            sections.windows(status, clock),
            sections.unknown(status),
            sections.users(status, query, site.activity(query.window) if query.window else None),
            sections.details(status, clock),
        ),
        sections.footer(clock, docs_url),
    )
    document = join(constant("<!doctype html>\n"), tag("html", head, body, lang="en"))
    return document.encode("utf-8", "replace")


def _window(status: Status, wanted: str) -> str:
    """The window to show: the wanted one, else ``7d``, else the first; empty when there is none.

    One with data goes before one without. A single day is often a Sunday, on which hardly anybody
    does anything.
    """
    names = [window.name for window in status.windows]
    if wanted in names:
        return wanted
    shown = [window.name for window in status.windows if window.state != "absent"] or names
    return _USUAL if _USUAL in shown else next(iter(shown), "")
