"""Compares the people in the configuration with one live page of Gong's users.

A list or a roster without any of Gong's users is valid, and would be noticed only by empty panels.
"""

from __future__ import annotations

from collections.abc import Iterator

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.records import Page
from gong_exporter.runtime.setup import Setup

_SHOWN = 5


def people_lines(setup: Setup, page: Page, redactor: Redactor) -> Iterator[str]:
    """Lines to print: which listed users were active, and how many active users the roster has.

    Args:
        setup: whose lists they are.
        page: the first page of an unfiltered listing.
        redactor: redacts the users' addresses.
    """
    ids = {user.user_id for user in page.users}
    emails = {(user.email or "").lower() for user in page.users} - {""}
    listed = setup.config.activity.users
    if listed is not None:
        absent = [
            user.name
            for user in listed
            if (
                user.user_id not in ids
                if user.user_id
                else (user.email or "").lower() not in emails
            )
        ]
        yield f"{len(listed) - len(absent)} of the {len(listed)} listed users {_among(page)}" + (
            f"; not {_names(absent, redactor)}" if absent else ""
        )
    roster = setup.roster
    if roster.by_id or roster.by_email:
        known = sum(
            user.user_id in roster.by_id or (user.email or "").lower() in roster.by_email
            for user in page.users
        )
        yield f"{known} of the {len(page.users)} users who {_among(page)} are in the roster"


def _among(page: Page) -> str:
    return "are on its first page" if page.cursor is not None else "were active then"


def _names(absent: list[str], redactor: Redactor) -> str:
    shown = ", ".join(map(redactor.redact, absent[:_SHOWN]))
    more = len(absent) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
