"""The live part of ``check``: real calls, and what they say about the configuration.

A list or a roster without any of Gong's users is valid, and would be noticed only by empty panels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import click

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import fetch_page
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import latest_emails
from gong_exporter.activity.windows import (
    DayRange,
    WindowSpec,
    company_today,
    describe_zone,
    load_zone,
    today_everywhere,
)
from gong_exporter.cli.options import fail
from gong_exporter.common.problems import first_of
from gong_exporter.common.redact import Redactor
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.errors import GongError, UserNotFound
from gong_exporter.gong.gong_users import USERS_SCOPE
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from gong_exporter.runtime.setup import Setup
from gong_exporter.runtime.user_labels import match_roster

LIVE_WINDOW = WindowSpec("7d", 7)
"""The window of the live call: long enough that a company has activity in it."""


def check_live(
    setup: Setup,
    client: GongClient,
    now: float,
    warnings: list[str],
    redactor: Redactor,
    *,
    measured: bool,
) -> None:
    """Make one call, and one more if the roster is Gong's; exits 1 when one fails.

    The first proves key, scope, host and time zone. It is for a week that has ended everywhere.
    The second proves the scope that the roster needs. ``measured``: the forecast of calls is by the
    pages of earlier polls.
    """
    days = LIVE_WINDOW.range_on(today_everywhere(now))
    try:
        page: ActivityPage | None
        page, stated = fetch_page(client, ActivityFilter(from_date=days.start, to_date=days.end))
        if stated is not None:
            warnings.append(
                f"Gong states {stated.text} for a request from {days.start} to {days.end}"
            )
    except UserNotFound:
        page = None  # no user has activity, but the key, the scope and the host are right
    except GongError as error:
        fail(f"the live call failed: {error.describe()}")
    click.echo("live call: key, scope and host are right")
    _describe_response(setup, page, days, now, warnings, redactor=redactor, measured=measured)
    if setup.config.activity.roster is not None:
        _check_users(client)


def _check_users(client: GongClient) -> None:
    try:
        page = client.users_page()
    except GongError as error:
        fail(f"the live call for the roster failed: {error.describe()}")
    click.echo(f"live call for the roster: the scope {USERS_SCOPE} is right")
    if page.total_records is not None:
        click.echo(f"  Gong has {page.total_records} users, deactivated ones included")


def _describe_response(
    setup: Setup,
    page: ActivityPage | None,
    days: DayRange,
    now: float,
    warnings: list[str],
    *,
    redactor: Redactor,
    measured: bool,
) -> None:
    configured = setup.plan.zone
    stated = page.time_zone if page is not None else None
    zone = load_zone(stated or "")
    if page is not None and page.total_records is not None:
        last = days.end - timedelta(days=1)
        click.echo(f"  {page.total_records} users were active from {days.start} to {last}")
        pages = pages_for(page.total_records)
        if pages > 1 and not measured and setup.plan.selection.all_users:
            click.echo(
                f"  so each window takes {pages} calls: multiply those of polls and of the day"
                f" history by {pages}"
            )
    if zone is None and configured is None:
        problem = (
            f"named as {describe_zone(stated)}, which is not known here"
            if stated
            else "not stated by Gong"
        )
        fail(redactor.redact(f"the company's time zone was {problem}: set gong.time_zone"))
    shown = configured or zone
    if shown is not None:
        today = company_today(now, shown)
        source = "gong.time_zone" if configured else "learned from Gong"
        click.echo(f"  time zone {shown.key} ({source}); the company's today is {today}")
    if configured is not None and zone is not None and configured.key != zone.key:
        warnings.append(f"gong.time_zone is {configured.key}, but Gong says {zone.key}")
    if page is not None:
        for line in _people_lines(setup, page, warnings, redactor):
            click.echo(f"  {line}")


def _people_lines(
    setup: Setup, page: ActivityPage, warnings: list[str], redactor: Redactor
) -> Iterator[str]:
    """Lines to print: which listed users were active, and how many active users the roster has."""
    state = CompanyState(host=setup.plan.host)
    excluded = setup.plan.selection.excluded
    users = [u for u in page.users if excluded.isdisjoint(state, u.user_id, u.email)]
    ids = {user.user_id for user in users}
    emails = {(user.email or "").lower() for user in users} - {""}
    listed = setup.config.activity.users
    if listed is not None:
        listed = tuple(u for u in listed if excluded.isdisjoint(state, u.user_id, u.email))
        absent = [
            redactor.redact(user.name)
            for user in listed
            if (
                user.user_id not in ids
                if user.user_id
                else (user.email or "").lower() not in emails
            )
        ]
        yield f"{len(listed) - len(absent)} of the {len(listed)} listed users {_among(page)}" + (
            f"; not {first_of(absent, 5)}" if absent else ""
        )
    match = match_roster(setup.roster, ((user.user_id, user.email or "") for user in users))
    if not setup.roster.empty:
        yield f"{match.named} of the {match.active} users who {_among(page)} are in the roster"
        warnings += filter(None, [match.warning])


def saved_people_warning(
    setup: Setup, company_state: CompanyState, windows: Sequence[WindowData]
) -> str:
    """A warning if most people in the state file are not in the roster; empty otherwise."""
    selection = setup.plan.selection
    emails = latest_emails(windows, company_state)
    active = {user_id for window in windows for user_id in window.users}
    if not selection.all_users:
        active &= selection.known_ids(company_state)
    return match_roster(
        setup.roster, ((user_id, emails.get(user_id, "")) for user_id in active)
    ).warning


def _among(page: ActivityPage) -> str:
    return "are on its first page" if page.cursor is not None else "were active then"
