"""Which format and which encoding a scraper asked for, by its Accept and Accept-Encoding.

Content types are the client library's (``choose_encoder``), which looks at names and order only;
here q-values count too (RFC 9110, sections 12.4.2 and 12.5), as Prometheus sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.openmetrics.exposition import (
    ALLOWUTF8,
    CONTENT_TYPE_LATEST,
    UNDERSCORES,
    VALUES,
)

_ESCAPINGS = (ALLOWUTF8, UNDERSCORES, VALUES)
"""Name escapings that leave our names as they are, all being plain letters and underscores.

``dots`` would double every underscore; whoever asks for it is told ``underscores``, and gets that.
"""

_LONGEST = 1024
"""Characters of a header that are looked at, at every scrape; Prometheus sends some 400."""

_WILD, _OLD, _EXACT = range(3)
"""Between entries of equal q, the one that says more of our newest formats wins, then the first."""


@dataclass(frozen=True, slots=True)
class Format:
    """How to write an exposition.

    Attributes:
        content_type: what to call it.
        openmetrics: OpenMetrics 1.0, else the Prometheus text format.
    """

    content_type: str
    openmetrics: bool


TEXT = Format(CONTENT_TYPE_PLAIN_0_0_4, openmetrics=False)
"""What everybody reads: the answer to no wish at all, and to none that can be met."""


def choose_format(accept: str | None) -> Format:
    """The format that suits an Accept header best; never refuses, as no exporter does."""
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


def gzip_wanted(accept_encoding: str | None) -> bool:
    """Whether an Accept-Encoding header takes gzip, and does not like it less than none."""
    named = {name: _quality(parameters) for name, parameters in _entries(accept_encoding)}
    gzip = named.get("gzip", named.get("x-gzip", named.get("*", 0.0)))
    return gzip > 0 and gzip >= named.get("identity", 0.0)


def _format(name: str, parameters: dict[str, str]) -> tuple[Format, int] | None:
    version = parameters.get("version", "")
    escaping = _escaping(parameters)
    match name, version:
        case "application/openmetrics-text", "" | "1.0.0":
            said = CONTENT_TYPE_LATEST + (escaping if version else "")
            found = Format(said, openmetrics=True), _EXACT
        case "application/openmetrics-text", "0.0.1":
            said = CONTENT_TYPE_LATEST.replace("1.0.0", version)
            found = Format(said, openmetrics=True), _OLD
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
    """The weight of an entry, 1 when it has none; an unreadable one makes it unwanted."""
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
