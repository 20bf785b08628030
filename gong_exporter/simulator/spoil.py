"""What the faults of the stage ``CONTENT`` do to the members of a 200 answer.

They work on the JSON value itself, a moment before it is written: what they make of it is
exactly what no record of ours could hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

BEYOND_64_BITS = 1 << 65
LONG_EMAIL = 10_000
VENDOR_DATE_TIME = "2019-01-21T000:00:00-08:00"
"""The example of ``toDateTime`` on the vendor's page, three digits of hours and all."""

Payload = dict[str, Any]
"""A 200 answer as it will be written; its users are under ``usersAggregateActivityStats``."""


def spoil(payload: Payload, struck: frozenset[str]) -> None:
    """Apply the faults in ``struck`` that concern members, in the order of the table."""
    for name, change in CONTENT.items():
        if name in struck:
            change(payload)


def _users(payload: Payload) -> list[Payload]:
    users: list[Payload] = payload["usersAggregateActivityStats"]
    return users


def _counters(payload: Payload) -> list[Payload]:
    """The counters of each user; of one that has none (any more), nothing to change."""
    return [user.get("userAggregateActivityStats") or {} for user in _users(payload)]


def _null_counters(payload: Payload) -> None:
    for place, user in enumerate(_users(payload)):
        counters = user["userAggregateActivityStats"]
        counters["callsAsHost"] = None
        del counters["callsGaveFeedback"]
        if place % 3 == 2:  # noqa: PLR2004 - each third
            user["userAggregateActivityStats"] = None


def _each_calls_as_host(*values: object) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        for place, counters in enumerate(_counters(payload)):
            if counters:
                counters["callsAsHost"] = values[place % len(values)]

    return change


def _extra_counters(payload: Payload) -> None:
    for place, counters in enumerate(_counters(payload)):
        if counters:
            counters["callsWhispered"] = place
            counters["callsSummarizedByAI"] = 2 * place
    for user in _users(payload):
        user["userShoeSize"] = 43
    payload["warnings"] = [{"code": 7}]
    payload["records"]["estimated"] = False


def _weird_counter_names(payload: Payload) -> None:
    for counters in _counters(payload):
        if counters:
            counters.update(
                {'calls"quoted\\': 1, "calls\nbroken": 2, "": 3, "Anrufe ä 電話": 4, "7calls": 5}
            )
            counters["calls_as_host"] = 99_999  # the same name in snake_case as callsAsHost


def _numeric_ids(payload: Payload) -> None:
    for user in _users(payload):
        user["userId"] = int(user["userId"])


def _null_or_absent(member: str) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        for place, user in enumerate(_users(payload)):
            if place % 2:
                del user[member]
            else:
                user[member] = None

    return change


def _weird_emails(payload: Payload) -> None:
    for place, user in enumerate(_users(payload)):
        user["userEmailAddress"] = (
            f'"quoted {place}"@acme.example',
            f"back\\slash{place}@acme.example",
            f"new\nline{place}@acme.example",
            f"half\ud800surrogate{place}@acme.example",
            f"{place}".rjust(LONG_EMAIL, "x"),
        )[place % 5]


def _set(**members: object) -> Callable[[Payload], None]:
    return lambda payload: payload.update(members)


def _no_records(payload: Payload) -> None:
    del payload["records"]


CONTENT: Mapping[str, Callable[[Payload], None]] = {
    "null-counters": _null_counters,
    "weird-counters": _each_calls_as_host(-1, 1.5, "12", BEYOND_64_BITS),
    "nan-counters": _each_calls_as_host(float("nan"), float("inf")),
    "extra-counters": _extra_counters,
    "weird-counter-names": _weird_counter_names,
    "numeric-ids": _numeric_ids,
    "null-ids": _null_or_absent("userId"),
    "null-emails": _null_or_absent("userEmailAddress"),
    "weird-emails": _weird_emails,
    "unknown-time-zone": _set(timeZone="Mars/Olympus_Mons"),
    "null-time-zone": _set(timeZone=None),
    "malformed-date-times": _set(fromDateTime=VENDOR_DATE_TIME, toDateTime=VENDOR_DATE_TIME),
    "null-members": _set(requestId=None, fromDateTime=None, toDateTime=None),
    "no-records": _no_records,
}
"""The faults of the stage ``CONTENT``, in an order in which they do not trip over each other:
members are deleted after everything that changes them."""
