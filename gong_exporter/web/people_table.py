"""The page's search for people, and the table of at most 100 of them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from gong_exporter.activity.snapshot import Snapshot, User, Values, WindowData
from gong_exporter.web.markup import Html, clip, count, join, tag

SHOWN_AT_MOST = 100
"""People in the table. A search narrows them down, so there are no further pages."""

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a visitor asked to see, from the query string.

    Attributes:
        window: the name of one; empty for the default.
        text: what the ID or the address of a person must contain.
    """

    window: str = ""
    text: str = ""

    @classmethod
    def parse(cls, raw: str) -> PageQuery:
        """Read a query string; what cannot be read keeps its default."""
        try:
            values = parse_qs(raw[:2000], max_num_fields=20, errors="replace")
        except ValueError:
            return cls()

        def one(name: str) -> str:
            return values.get(name, [""])[0][:_LONGEST]

        return cls(window=one("window"), text=one("q").strip())

    def link(self) -> str:
        """The relative URL that asks for this."""
        given = {"window": self.window, "q": self.text}
        return f"?{urlencode({name: value for name, value in given.items() if value})}#people"


def find_people(users: tuple[User, ...], text: str) -> tuple[list[User], int]:
    """The first people whose ID or address contains ``text``, and how many there are in all.

    The order is that of the addresses without regard to case, then that of the IDs as numbers.
    """
    wanted = text.casefold()
    found = [
        user
        for user in users
        if not wanted or wanted in user.email.casefold() or wanted in user.user_id.casefold()
    ]
    return heapq.nsmallest(SHOWN_AT_MOST, found, key=_order), len(found)


def render_people(snapshot: Snapshot, data: WindowData, query: PageQuery) -> Html:
    """The search field, and the table of one window."""
    shown, found = find_people(snapshot.users, query.text)
    emails = any(user.email for user in shown)
    columns = snapshot.columns(data)
    zeros: Values = (0,) * len(data.metrics)
    head = [
        tag("th", "email" if emails else "user id", scope="col"),
        *(tag("th", name.replace("_", " "), scope="col") for _, name in columns),
        tag("th", "user id", scope="col", class_="text") if emails else None,
    ]
    body = []
    for user in shown:
        values = data.users.get(user.user_id, zeros)
        numbers = [_number(values[index]) for index, _ in columns]
        user_id = tag("bdi", clip(user.user_id))
        name = _email(user.email) if emails else user_id
        last = tag("td", user_id, class_="text") if emails else None
        body.append(tag("tr", tag("th", name, scope="row"), numbers, last))
    caption = f"Activity of each person, window {data.window}"
    table = tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag("thead", tag("tr", head)),
            tag("tbody", body),
        ),
        class_="scroll",
        role="region",
        aria_label="Table of people, scrolls sideways",
        tabindex=0,
    )
    empty = tag("p", "No person matches.", class_="empty")
    return join(_search(query, found, len(snapshot.users)), table if body else empty)


def _order(user: User) -> tuple[str, int, str]:
    # IDs are digits, more of them than a float holds.
    return user.email.casefold(), len(user.user_id), user.user_id


def _email(address: str) -> Html:
    if not address:
        return tag("span", "no email", class_="dim")
    local, at, domain = clip(address).rpartition("@")
    return tag("bdi", local, tag("wbr"), at, domain)


def _number(number: int | None) -> Html:
    if number is None:
        dash = tag("span", "\u2013", aria_hidden="true")
        return tag("td", dash, tag("span", "no number", class_="unseen"), class_="dim")
    return tag("td", count(number), class_="dim" if number == 0 else None)


def _search(query: PageQuery, found: int, known: int) -> Html:
    label = "Search by email or user id"
    people = count(known, "person", "people")
    summary = f"{count(found)} of {people}" if query.text else people
    if found > SHOWN_AT_MOST:
        summary += f"; the first {SHOWN_AT_MOST} are shown, a search finds the others"
    return tag(
        "form",
        tag("input", type="hidden", name="window", value=query.window) if query.window else None,
        tag("label", label, for_="q", class_="unseen"),
        tag(
            "input",
            type="search",
            id="q",
            name="q",
            value=query.text,
            placeholder=label,
            autocomplete="off",
        ),
        tag("button", "Search"),
        tag("a", "Show all", href=replace(query, text="").link()) if query.text else None,
        tag("span", summary, class_="dim"),
        action="#people",
        role="search",
    )
