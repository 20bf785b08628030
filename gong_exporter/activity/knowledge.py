"""What polls learned and later polls build on: the company's zone, its people, settled 404s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A 404 to a request for listed users, settled by an unfiltered listing of that window.

    Attributes:
        start: first day of the range it is about; another range is another question.
        end: the day after its last.
        asked: the ids that were asked for.
        active: those of them that the listing named. Empty: nobody had data. Otherwise an id
            that Gong does not know spoils the request, and only these are asked for again.
    """

    start: date
    end: date
    asked: frozenset[str]
    active: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything worth keeping between polls and restarts, besides the windows themselves.

    Attributes:
        host: the API it was learned from; another host is another company.
        time_zone: the company's zone as Gong named it, once it did.
        named: everyone Gong ever named, by id, with the latest address ("" for none).
        resolved: listed addresses (in lower case) and the id each was found to belong to; kept
            when Gong later names the person by another address, until a search finds another
            by this one and no record of theirs.
        looked_up: the company day of the last search for listed users, found or not, failed or
            not.
        understood: settled 404s by window name.
        pages: how many pages each window took when last fetched whole, by window name.
    """

    host: str
    time_zone: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    resolved: Mapping[str, str] = field(default_factory=dict)
    looked_up: date | None = None
    understood: Mapping[str, Understood] = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=dict)
