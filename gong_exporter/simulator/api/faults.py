"""Everything the simulated API can do wrong: one table of names, and when each fault applies."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """At which step of a response a fault applies."""

    INSTEAD = "another response is sent instead of the right one"
    READING = "an open question of the documentation is read the other way"
    LISTING = "the pages of a listing do not fit together"
    CONTENT = "members of a 200 response are not what they should be"
    DELIVERY = "the response does not arrive whole, or in time, or at all"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One thing that can go wrong.

    Attributes:
        name: as given on the command line.
        stage: where it applies. Of several at ``INSTEAD`` or ``DELIVERY`` in one response, the
            first of the table wins; at the other stages all apply.
        description: one line, without a full stop.
    """

    name: str
    stage: Stage
    description: str


def _kinds(stage: Stage, table: Iterable[tuple[str, str]]) -> tuple[FaultKind, ...]:
    return tuple(FaultKind(name, stage, does) for name, does in table)


FAULTS: tuple[FaultKind, ...] = (
    *_kinds(
        Stage.INSTEAD,
        [
            ("server-error", "500 with Gong's error body"),
            ("bad-gateway", "502 with an HTML page, as from the edge in front of Gong"),
            ("unavailable", "503 with an empty body"),
            ("rate-limited", "429 with Retry-After: 1, whatever the true rate"),
            ("rate-limited-long", "429 with Retry-After: 7200, as when the daily quota is spent"),
            ("retry-after-absent", "429 without Retry-After"),
            ("retry-after-date", "429 with Retry-After as an HTTP date two seconds ahead"),
            ("unauthorized", "401, as if the key had been revoked"),
            ("no-scope", "401 with the text of a missing scope"),
            ("no-users-scope", "401 to GET /v2/users only, for a key without api:users:read"),
            ("forbidden", "403, as for an address that is not on the company's allow-list"),
            ("bad-request", "400 for a request that is fine"),
            ("not-found", "404 for every request"),
            ("redirect", "307 to another name of this same server"),
            ("not-json", "200 with JSON that breaks off"),
            ("html", "200 with an HTML page"),
            ("empty-body", "200 with no body at all"),
            ("no-content", "204"),
            ("wrong-shape", "200 with JSON of another shape, a different one each time"),
            ("empty-object", "200 with {}"),
            ("deep-json", "200 with JSON nested 100,000 deep"),
            ("not-utf-8", "200 with bytes that are not UTF-8"),
            ("gzip-bomb", "200 with half a megabyte of gzip that unpacks to 512 MiB"),
            ("gzip-broken", "200 that says gzip and is not"),
        ],
    ),
    *_kinds(
        Stage.READING,
        [
            ("unknown-id-fails", "404 when any of the userIds is unknown"),
            ("empty-is-404", "404 when no user has activity in the period"),
        ],
    ),
    *_kinds(
        Stage.LISTING,
        [
            ("expired-cursor", "400 for every cursor, as if it had expired"),
            ("repeated-cursor", "a page that was asked for by cursor gives that cursor again"),
            ("endless-pages", "the last page gives a cursor, too, and empty pages follow"),
            ("wrong-total", "totalRecords is one more than the number of users"),
            ("shifting", "later pages begin one record early, as if a user had joined in between"),
            ("shrinking", "later pages begin one record late, as if a user had left in between"),
            ("duplicate-user", "a page names its first user again at its end, with other numbers"),
        ],
    ),
    *_kinds(
        Stage.CONTENT,
        [
            ("null-counters", "callsAsHost null, callsGaveFeedback absent, all null for each 3rd"),
            ("weird-counters", "callsAsHost negative, fractional, a string, or beyond 64 bits"),
            ("nan-counters", "callsAsHost NaN or Infinity, which is not JSON"),
            ("extra-counters", "counters and members that are not documented"),
            ("weird-counter-names", "counters with quotes, newlines or no name, and two alike"),
            ("numeric-ids", "userId as a JSON number"),
            ("null-ids", "userId null or absent"),
            ("null-emails", "userEmailAddress null or absent"),
            ("weird-emails", "addresses with quotes, backslashes, newlines, or 10,000 long"),
            ("unknown-time-zone", "timeZone names a zone on Mars"),
            ("null-time-zone", "timeZone null"),
            ("malformed-date-times", "fromDateTime and toDateTime as in the vendor's own example"),
            ("other-range", "fromDateTime and toDateTime state a day in January 2019"),
            ("null-members", "requestId, fromDateTime and toDateTime null"),
            ("no-records", "the member records is absent"),
        ],
    ),
    *_kinds(
        Stage.DELIVERY,
        [
            ("reset", "the connection is reset (TCP RST) instead of a response"),
            ("close", "the connection is closed instead of a response"),
            ("hang", "no response comes, the connection stays open"),
            ("not-http", "something that is not HTTP comes back"),
            ("truncated", "Content-Length says more than is sent before the connection closes"),
            ("slow-drip", "the body comes a byte at a time"),
            ("slow-drip-headers", "the head comes a byte at a time"),
            ("continue-forever", "100 Continue again and again, and no response"),
            ("huge", "a body without an end"),
            ("late-response", "the response to the request before on the same connection"),
        ],
    ),
)
"""Every fault, in the order in which they are shown and in which the first one wins."""

KINDS = {kind.name: kind for kind in FAULTS}
"""The same by name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is switched on.

    Attributes:
        name: one of ``KINDS``.
        rate: share of the responses it applies to, 0 to 1.

    Raises:
        ValueError: unknown fault, or a rate outside 0 to 1.
    """

    name: str
    rate: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ValueError(f"unknown fault {self.name!r}; simulate --list-faults shows them all")
        if math.isnan(self.rate) or not 0 <= self.rate <= 1:
            raise ValueError(f"the rate of fault {self.name!r} must be from 0 to 1")


def parse_fault(text: str) -> Fault:
    """Read ``NAME`` or ``NAME:RATE`` (0 to 1).

    Raises:
        ValueError: unknown name, or a wrong rate.
    """
    name, colon, rate = text.partition(":")
    if not colon:
        return Fault(name.strip())
    try:
        value = float(rate)
    except ValueError:
        raise ValueError(f"{rate!r} in fault {text!r} is not a number from 0 to 1") from None
    return Fault(name.strip(), value)


def draw_faults(faults: Iterable[Fault], seed: int, serial: int) -> frozenset[str]:
    """The names of the faults that apply to the response with this serial number.

    Every fault has a random generator of its own, so that switching one on does not change when
    the others apply.
    """
    return frozenset(
        fault.name
        for fault in faults
        if random.Random(f"{seed}/{fault.name}/{serial}").random() < fault.rate  # noqa: S311 - dice
    )


def first_of(stage: Stage, active_faults: frozenset[str]) -> str | None:
    """The fault that applies at a stage where only one can."""
    return next(
        (kind.name for kind in FAULTS if kind.stage is stage and kind.name in active_faults), None
    )
