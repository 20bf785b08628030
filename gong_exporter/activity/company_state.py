"""What polls have learned about a company, kept for later polls and across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved404:
    """The reason for a 404 to a request for listed users, found by an unfiltered listing.

    Attributes:
        start: first day of the requested range; the reason holds for this range only.
        end: the day after its last day.
        requested_ids: the ids in the request; the reason holds for exactly these.
        active_ids: those of them that the unfiltered listing contains. If empty, none of them had
            data. Otherwise one id that Gong does not know fails the whole request, and later polls
            request the active ids only.
    """

    start: date
    end: date
    requested_ids: frozenset[str]
    active_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyState:
    """Everything that polls keep about a company, besides the windows themselves.

    Attributes:
        host: the base URL of the API; another host is another company.
        time_zone: the company's time zone as Gong names it; None until a response named one.
        known_users: every user that Gong ever named: the latest address ("" for none) by id.
        ids_by_email: listed addresses in lower case, and the id of the user found for each. An
            entry stays when Gong later names the user with another address. A search moves it
            only if another user has the address and the old id is not in the listing.
        last_search_day: the company day of the last search for listed users, also if it failed.
        resolved_404s: the reason for the last 404, by window name.
        excluded_ids: ids that were found for addresses in ``activity.exclude_users``, and these
            addresses in lower case.
        excluded_emails: addresses of excluded people and their ids, so that a list that has one of
            them is not searched for it. Never saved.
        pages: number of pages of each window when it was last fetched whole, by window name.
    """

    host: str
    time_zone: str | None = None
    known_users: Mapping[str, str] = field(default_factory=dict)
    ids_by_email: Mapping[str, str] = field(default_factory=dict)
    last_search_day: date | None = None
    resolved_404s: Mapping[str, Resolved404] = field(default_factory=dict)
    excluded_ids: Mapping[str, str] = field(default_factory=dict)
    excluded_emails: Mapping[str, str] = field(default_factory=dict, compare=False)
    pages: Mapping[str, int] = field(default_factory=dict)
