"""The status page: one self-contained HTML document, rendered on the server."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from gong_exporter.web.site import Site

PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What the visitor asked to see."""

    window: str = ""

    @classmethod
    def parse(cls, raw: str) -> Query:
        """Read a query string; what it does not understand it leaves at its default."""
        return cls(window=parse_qs(raw).get("window", [""])[0])


def render_page(site: Site, query: Query, telemetry_path: str) -> bytes:
    """The page in UTF-8."""
    status = site.status()
    windows = "".join(
        f"<li>{escape(window.name)}: {escape(window.state)}</li>" for window in status.windows
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>gong-exporter</title>'
        f"<h1>gong-exporter {escape(status.version)}</h1><ul>{windows}</ul>"
        f'<p><a href="{escape(telemetry_path)}">Metrics</a> {escape(query.window)}</p></html>'
    ).encode()
