"""Compares the people in the configuration with one live page of Gong's users.

A list or a roster without any of Gong's users is valid, and would be noticed only by empty panels.
"""

from __future__ import annotations

from collections.abc import Iterator

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.users import latest_emails
from gong_exporter.common.redact import Redactor
from gong_exporter.gong.records import Page
from gong_exporter.runtime.roster import match_roster
from gong_exporter.runtime.setup import Setup
from gong_exporter.store.windows import SavedState

_SHOWN = 5


def people_lines(
    setup: Setup, page: Page, warnings: list[str], redactor: Redactor
) -> Iterator[str]:
    """Lines to print: which listed users were active, and how many active users the roster has.

    Args:
        setup: whose lists they are.
        page: the first page of an unfiltered listing.
        warnings: gets one if most users are not in the roster.
        redactor: redacts the users' addresses.
    """
    state = CompanyState(host=setup.plan.host)
    excluded = setup.plan.selection.excluded
    users = [u for u in page.users if excluded.isdisjoint(state, u.user_id, u.email)]
    ids = {user.user_id for user in users}
    emails = {(user.email or "").lower() for user in users} - {""}
    listed = setup.config.activity.users
    if listed is not None:
        listed = tuple(u for u in listed if excluded.isdisjoint(state, u.user_id, u.email))
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
    match = match_roster(setup.roster, ((user.user_id, user.email or "") for user in users))
    if not setup.roster.empty:
        yield f"{match.named} of the {match.active} users who {_among(page)} are in the roster"
        warnings += filter(None, [match.warning])


def saved_people_warning(setup: Setup, saved: SavedState) -> str:
    """A warning if most people in the state file are not in the roster; empty otherwise."""
    selection = setup.plan.selection
    company_state = saved.company_state or CompanyState(host=setup.plan.host)
    company_state, windows = selection.excluded.purge(company_state, saved.windows)
    emails = latest_emails(windows, company_state)
    active = {user_id for window in windows for user_id in window.users}
    if not selection.all_users:
        active &= selection.known_ids(company_state)
    return match_roster(
        setup.roster, ((user_id, emails.get(user_id, "")) for user_id in active)
    ).warning


def _among(page: Page) -> str:
    return "are on its first page" if page.cursor is not None else "were active then"


def _names(absent: list[str], redactor: Redactor) -> str:
    shown = ", ".join(map(redactor.redact, absent[:_SHOWN]))
    more = len(absent) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
