"""Chooses the format and the encoding by the Accept and Accept-Encoding headers.

Content types are those of the client library's ``choose_encoder``, which ignores q-values. Here
they count (RFC 9110, sections 12.4.2 and 12.5), because Prometheus sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.openmetrics.exposition import (
    ALLOWUTF8,
    CONTENT_TYPE_LATEST,
    UNDERSCORES,
    VALUES,
)

_ESCAPINGS = (ALLOWUTF8, UNDERSCORES, VALUES)
"""Escapings that do not change our names, which consist of letters and underscores.

``dots`` would double every underscore, so a client that asks for it gets ``underscores``.
"""

_LONGEST = 1024
"""Characters of a header that are parsed at every scrape; Prometheus sends about 400."""

_KEPT = 32
"""Headers whose result is kept, because a scraper sends the same ones at every scrape."""

_WILD, _OLD, _EXACT = range(3)
"""Specificity: of entries with equal q the higher one wins, then the first."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of an exposition.

    Attributes:
        content_type: the whole Content-Type value.
        openmetrics: OpenMetrics 1.0, else the Prometheus text format.
    """

    content_type: str
    openmetrics: bool


TEXT = Format(CONTENT_TYPE_PLAIN_0_0_4, openmetrics=False)
"""Every client reads it: used without an Accept header and when no accepted format is known."""


@lru_cache(maxsize=_KEPT)
def choose_format(accept: str | None) -> Format:
    """The format that an Accept header prefers; the text format if none is known."""
    best, best_rank = TEXT, (0.0, 0)
    for name, parameters in _entries(accept):
        found = _format(name, parameters)
        if found is None:
            continue
        chosen, specificity = found
        rank = (_quality(parameters), specificity)
        if rank[0] > 0 and rank > best_rank:
            best, best_rank = chosen, rank
    return best


@lru_cache(maxsize=_KEPT)
def gzip_wanted(accept_encoding: str | None) -> bool:
    """True if the client accepts gzip with at least the weight of an uncompressed response."""
    named = {name: _quality(parameters) for name, parameters in _entries(accept_encoding)}
    gzip = named.get("gzip", named.get("x-gzip", named.get("*", 0.0)))
    return gzip > 0 and gzip >= named.get("identity", 0.0)


def _format(name: str, parameters: dict[str, str]) -> tuple[Format, int] | None:
    version = parameters.get("version", "")
    escaping = _escaping(parameters)
    match name, version:
        case "application/openmetrics-text", "" | "1.0.0":
            content_type = CONTENT_TYPE_LATEST + (escaping if version else "")
            found = Format(content_type, openmetrics=True), _EXACT
        case "application/openmetrics-text", "0.0.1":
            content_type = CONTENT_TYPE_LATEST.replace("1.0.0", version)
            found = Format(content_type, openmetrics=True), _OLD
        case "text/plain", "1.0.0":
            found = Format(CONTENT_TYPE_PLAIN_1_0_0 + escaping, openmetrics=False), _EXACT
        case "text/plain", "" | "0.0.4":
            found = TEXT, _OLD
        case (("text/*" | "*/*"), _):
            found = TEXT, _WILD
        case _:
            return None
    return found


def _escaping(parameters: dict[str, str]) -> str:
    asked = parameters.get("escaping", "")
    return f"; escaping={asked if asked in _ESCAPINGS else UNDERSCORES}"


def _entries(header: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    text = header or ""
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(",")[0]
    for entry in text.split(","):
        name, *rest = entry.split(";")
        pairs = (parameter.partition("=") for parameter in rest)
        yield (
            name.strip().lower(),
            {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs},
        )


def _quality(parameters: dict[str, str]) -> float:
    """The weight of an entry: 1 without a q, 0 for a malformed one."""
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
