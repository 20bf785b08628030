"""The table of users: searched, sorted and cut into pages on the server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from gong_exporter.web.html import Html, join, tag
from gong_exporter.web.site import ActivityTable, UserRow
from gong_exporter.web.words import clip, count

PAGE_ROWS = 100
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Query:
    """What a visitor asked to see, from the address of the page.

    Attributes:
        window: the name of one; empty for the first.
        text: what the id or the address of a user must contain.
        sort: ``user``, ``email`` or a metric; empty for the default.
        descending: the largest first.
        page: from 1.
    """

    window: str = ""
    text: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1

    @classmethod
    def parse(cls, raw: str) -> Query:
        """Read a query string; what it does not understand it leaves at its default."""
        try:
            values = parse_qs(raw[:2000], max_num_fields=20, errors="replace")
        except ValueError:
            return cls()

        def one(name: str) -> str:
            return values.get(name, [""])[0][:_LONGEST]

        page = one("page")
        return cls(
            window=one("window"),
            text=one("q").strip(),
            sort=one("sort"),
            descending=one("order") == "desc",
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,  # noqa: PLR2004  # no table has a million pages
        )

    def link(self) -> str:
        """The address that asks for this."""
        pairs = {
            "window": self.window,
            "q": self.text,
            "sort": self.sort,
            "order": "desc" if self.descending else "",
            "page": str(self.page) if self.page > 1 else "",
        }
        given = {name: value for name, value in pairs.items() if value}
        return f"?{urlencode(given)}#users"


@dataclass(frozen=True, slots=True)
class View:
    """The part of a table that one page shows.

    Attributes:
        rows: those on this page.
        found: how many match, on all pages.
        of: how many there are.
        totals: of each metric over all that match; None where no one has a number.
        page: which one this is, from 1.
        pages: how many there are, at least 1.
    """

    rows: Sequence[UserRow]
    found: int
    of: int
    totals: tuple[int | None, ...]
    page: int
    pages: int


def view(table: ActivityTable, query: Query) -> View:
    """Search, sort and cut. A user without the number that is sorted by comes last."""
    wanted = query.text.casefold()
    rows = [
        row
        for row in table.rows
        if wanted in row.email.casefold() or wanted in row.user_id.casefold()
    ]
    rows.sort(key=lambda row: (row.email.casefold(), *_by_number(row)))
    if query.sort == "user":
        rows.sort(key=_by_number, reverse=query.descending)
    elif query.sort in table.metrics:
        place = table.metrics.index(query.sort)
        sign = -1 if query.descending else 1
        rows.sort(key=lambda row: _order(row.counters[place], sign))
    elif query.descending:
        rows.reverse()
    pages = max(1, math.ceil(len(rows) / PAGE_ROWS))
    page = min(max(1, query.page), pages)
    return View(
        rows=rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        found=len(rows),
        of=len(table.rows),
        totals=_totals_of(rows, len(table.metrics)),
        page=page,
        pages=pages,
    )


def render_table(table: ActivityTable, query: Query) -> Html:
    """The table with its search field and the links to its pages."""
    shown = view(table, query)
    emails = any(row.email for row in table.rows)
    name = "email" if emails else "user"
    sort = query.sort if query.sort in ("user", *table.metrics) else name
    head = [
        _heading(name, _LABELS[name], sort, query, text=True),
        *(_heading(name, name.replace("_", " "), sort, query) for name in table.metrics),
        _heading("user", _LABELS["user"], sort, query, text=True) if emails else None,
    ]
    body = [_row(row, emails=emails) for row in shown.rows]
    return join(
        _search(query, shown),
        tag(
            "div",
            tag(
                "table",
                tag("caption", f"Activity of each user, window {table.window}", class_="unseen"),
                tag("thead", tag("tr", head)),
                tag("tbody", body),
                tag("tfoot", _totals(shown, emails=emails)) if shown.found > 1 else None,
            ),
            class_="scroll",
            role="region",
            aria_label="Table of users, scrolls sideways",
            tabindex=0,
        )
        if body
        else tag("p", "No user matches.", class_="empty"),
        _pages(query, shown),
    )


_LABELS = {"email": "email", "user": "user id"}


def _by_number(row: UserRow) -> tuple[int, str]:
    """Ids are digits, more of them than a float holds."""
    return len(row.user_id), row.user_id


def _order(value: int | None, sign: int) -> tuple[bool, int]:
    return (value is None, sign * (value or 0))


def _totals_of(rows: Sequence[UserRow], metrics: int) -> tuple[int | None, ...]:
    if not rows:
        return (None,) * metrics
    # Row by row, as they lie in memory: column by column takes twice as long.
    return tuple(_total(column) for column in zip(*(row.counters for row in rows), strict=True))


def _total(column: Sequence[int | None]) -> int | None:
    numbers = [number for number in column if number is not None]
    return sum(numbers) if numbers else None


def _heading(name: str, label: str, sort: str, query: Query, *, text: bool = False) -> Html:
    sorted_by = name == sort
    # The first click shows what one looks for first: the largest numbers, the start of a list.
    descending = not query.descending if sorted_by else not text
    link = replace(query, sort=name, descending=descending, page=1).link()
    arrow = ("\u25bc" if query.descending else "\u25b2") if sorted_by else ""
    return tag(
        "th",
        tag("a", label, tag("span", arrow, aria_hidden="true") if arrow else None, href=link),
        scope="col",
        class_="text" if text else None,
        aria_sort=("descending" if query.descending else "ascending") if sorted_by else None,
    )


def _row(row: UserRow, *, emails: bool) -> Html:
    name = _email(row.email) if row.email else tag("span", "no email", class_="dim")
    first = tag("th", name if emails else tag("bdi", clip(row.user_id)), scope="row")
    user = tag("td", tag("bdi", clip(row.user_id)), class_="text") if emails else None
    return tag("tr", first, [_number(number) for number in row.counters], user)


def _email(address: str) -> Html:
    local, at, domain = clip(address).rpartition("@")
    return tag("bdi", local, tag("wbr"), at, domain)


def _number(number: int | None) -> Html:
    if number is None:
        dash = tag("span", "\u2013", aria_hidden="true")
        return tag("td", dash, tag("span", "no number", class_="unseen"), class_="dim")
    return tag("td", count(number), class_="dim" if number == 0 else None)


def _totals(shown: View, *, emails: bool) -> Html:
    label = f"all {count(shown.found, 'user')}"
    return tag(
        "tr",
        tag("th", label, scope="row"),
        [_number(total) for total in shown.totals],
        tag("td") if emails else None,
    )


def _search(query: Query, shown: View) -> Html:
    kept = {
        "window": query.window,
        "sort": query.sort,
        "order": "desc" if query.descending else "",
    }
    hidden = [
        tag("input", type="hidden", name=name, value=value) for name, value in kept.items() if value
    ]
    everything = replace(query, text="", page=1).link()
    found = f"{count(shown.found)} of {count(shown.of, 'user')}"
    return tag(
        "form",
        hidden,
        tag("label", "Search by email or user id", for_="q", class_="unseen"),
        tag(
            "input",
            type="search",
            id="q",
            name="q",
            value=query.text,
            placeholder="Search by email or user id",
            autocomplete="off",
        ),
        tag("button", "Search"),
        tag("a", "Show all", href=everything) if query.text else None,
        tag("span", found if query.text else count(shown.of, "user"), class_="dim"),
        action="#users",
        role="search",
    )


def _pages(query: Query, shown: View) -> Html | None:
    if shown.pages == 1:
        return None

    def link(label: str, page: int) -> Html:
        if page == shown.page or not 1 <= page <= shown.pages:
            return tag("span", label, class_="dim")
        return tag("a", label, href=replace(query, page=page).link())

    return tag(
        "nav",
        link("First", 1),
        link("Previous", shown.page - 1),
        tag("span", f"Page {count(shown.page)} of {count(shown.pages)}"),
        link("Next", shown.page + 1),
        link("Last", shown.pages),
        class_="pages",
        aria_label="Pages of the table",
    )
