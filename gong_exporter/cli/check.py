"""``check``: is the configuration right, and what will it cost; with ``--live``, does it work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import structlog
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.history import HISTORY_DAYS, known_days
from gong_exporter.activity.pages import fetch_page
from gong_exporter.activity.windows import DayRange, WindowSpec, company_today, today_everywhere
from gong_exporter.activity.zones import describe_zone, load_zone
from gong_exporter.cli.check_people import people_lines, saved_people_warning
from gong_exporter.cli.options import WebOptions, bad_usage, common_options, fail
from gong_exporter.cli.session import Session, open_session, refuse
from gong_exporter.common.redact import MIN_PIECE, Redactor
from gong_exporter.config.durations import format_duration
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import Config, ConfigFile
from gong_exporter.config.secrets import BearerCredentials, Credentials
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.client import GongClient, RetryPolicy
from gong_exporter.gong.clock import SystemClock
from gong_exporter.gong.errors import CredentialsUnreadable, GongError, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page
from gong_exporter.gong.users import USERS_SCOPE
from gong_exporter.runtime.client import make_client
from gong_exporter.runtime.day_history import Company
from gong_exporter.runtime.roster import load_roster, saved_users
from gong_exporter.runtime.setup import (
    Setup,
    budget_problem,
    forecast_calls,
    forecast_history,
    keeps_history,
    make_setup,
    poll_span,
    redaction_policy,
    unrecorded_text,
    unrecorded_users,
)
from gong_exporter.runtime.state import schedule_text, stretched_text
from gong_exporter.store import StateFile, open_state
from gong_exporter.web.config import WebConfigError
from gong_exporter.web.watch import WebConfigFile

LIVE_WINDOW = WindowSpec("7d", 7)
"""The window of the live call: long enough that a company has activity in it."""


@click.command()
@common_options
@click.option(
    "--live",
    is_flag=True,
    help="Make one real call, which proves key, scope, host and time zone.",
)
@click.option(
    "--schema",
    is_flag=True,
    help="Print the JSON Schema of the configuration, for editors, and exit.",
)
@click.pass_context
def check(ctx: click.Context, /, live: bool, schema: bool, **options: Any) -> None:  # noqa: FBT001 - click's way
    """Check the configuration, and say how many API calls a day it will need."""
    if schema:
        click.echo(schema_text(), nl=False)
        return
    run_check(open_session(ctx, options), ctx.obj["web"], live=live)


def schema_text() -> str:
    """The JSON Schema of the configuration file."""
    return json.dumps(ConfigFile.model_json_schema(), indent=2) + "\n"


def run_check(session: Session, web: WebOptions, *, live: bool) -> None:
    """See ``check``. Exits 2 when a configuration is refused, 1 when the call fails."""
    with ExitStack() as stack:
        warnings = stack.enter_context(_warnings())
        config = _config(session, web, warnings)
        session.redactor.use(redaction_policy(config))
        clock = SystemClock(threading.Event())
        log = _collecting_log(warnings, session.redactor)
        state = open_state(_existing(config.state.file), log=log, now=clock.now)
        stack.callback(state.close)
        try:
            setup = make_setup(config, load_roster(config, saved_users(config, state)))
        except ConfigError as error:
            refuse(error)
        saved = state.load(setup.plan.host)
        company_state = saved.company_state
        # The warnings about a roster quote ids and addresses.
        warnings += map(session.redactor.redact, config.warnings)
        warnings += _folder_warnings(config.state.file)
        if not live:
            warnings += filter(None, [saved_people_warning(setup, saved)])
        warnings += short_secret_warnings(config.credentials)
        cost = forecast_calls(setup, company_state)
        fault = budget_problem(setup, cost)
        if fault:
            refuse(config.refusal("poll", fault))
        click.echo(f"{config.path}: valid")
        history = _history(setup, company_state, state)
        _describe(setup, cost, history, measured=bool(company_state and company_state.pages))
        if text := unrecorded_text(unrecorded_users(setup, company_state)):
            warnings.append(text)
        if live:
            _call(setup, state, clock, warnings, session.redactor)
            if config.activity.roster is not None:
                _call_users(setup, state, clock, warnings, session.redactor)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect warnings and print them last, after the error that ends the command."""
    found: list[str] = []
    try:
        yield found
    finally:
        for text in found:
            click.echo(f"warning: {text}", err=True)


def _collecting_log(warnings: list[str], redactor: Redactor) -> FilteringBoundLogger:
    """Return a log that appends each warning to a list, redacted, for printing it last."""

    def collect(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.pop("request_id", None)
        message = str(event.pop("event"))
        texts = (
            value if isinstance(value, str) else f"{name}={value}" for name, value in event.items()
        )
        text = ": ".join((message, *texts))
        warnings.append(redactor.redact(text))
        raise structlog.DropEvent

    log: FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[collect], wrapper_class=structlog.make_filtering_bound_logger("warning")
    )
    return log


def _config(session: Session, web: WebOptions, warnings: list[str]) -> Config:
    """Load the configuration; exits with what is wrong with it and with the web configuration.

    Its warnings are added to ``warnings`` if it is refused.
    """
    web_fault = _web_fault(web)
    try:
        config = session.load()
    except ConfigError as error:
        warnings += error.warnings
        if web_fault:
            click.echo(f"gong-exporter: {web_fault}", err=True)
        session.refuse(error)
    if web_fault:
        bad_usage(web_fault)
    return config


def _web_fault(web: WebOptions) -> str:
    """What is wrong with the web configuration; empty if nothing is."""
    if web.config_file is not None:
        try:
            WebConfigFile(Path(web.config_file))
        except WebConfigError as error:
            return str(error)
    return ""


def _existing(file: Path | None) -> Path | None:
    """The state file if it exists; None otherwise.

    A check creates none, because another user may run it: the exporter could not write to it.
    """
    return file if file is not None and file.exists() else None


def _folder_warnings(file: Path | None) -> Iterator[str]:
    """Warn of a folder that does not exist: the exporter only logs it, and runs on."""
    if file is not None and not file.parent.is_dir():
        yield f"state.file: there is no folder {file.parent}; until there is, nothing is kept"


def short_secret_warnings(credentials: Credentials) -> Iterator[str]:
    """Warn of a short secret: it is probably a placeholder, and is not redacted inside words."""
    try:
        secrets = credentials.read()
    except CredentialsUnreadable:
        return  # reported elsewhere
    named = (
        {"gong.bearer_token": secrets.token}
        if isinstance(secrets, BearerCredentials)
        else {
            "gong.access_key": secrets.access_key,
            "gong.access_key_secret": secrets.access_key_secret,
        }
    )
    for key, secret in named.items():
        if len(secret.reveal()) < MIN_PIECE:
            yield (
                f"{key} has fewer than {MIN_PIECE} characters: logs and pages redact it only as a"
                " whole word"
            )


def _describe(setup: Setup, cost: CallBudget, history: str, *, measured: bool) -> None:
    config = setup.config
    users, excluded = setup.plan.selection.listed, config.activity.exclude_users
    rows = [
        ("Gong", config.gong.base_url),
        ("users", "all" if users is None else f"{len(users)} listed"),
        *([("excluded", f"{len(excluded)} of them")] if excluded else []),
        ("windows", ", ".join(window.name for window in setup.plan.windows)),
        ("polls", f"{schedule_text(config.poll)}, and after the company's midnight"),
        ("calls", _calls(setup, cost, measured=measured)),
        ("day history", history),
        ("a poll takes", f"{poll_span(setup, cost.calls_per_poll):.0f} s or more"),
        ("roster", _roster(setup)),
        ("state", str(config.state.file) if config.state.file else _NO_STATE),
    ]
    if cost.stretched:
        rows.append(
            (
                "interval",
                f"{format_duration(cost.effective_interval)} in effect: {stretched_text(cost)}",
            )
        )
    for name, text in rows:
        click.echo(f"  {name:<13} {text}")


def _roster(setup: Setup) -> str:
    activity = setup.config.activity
    if activity.roster_file is not None:
        return str(activity.roster_file)
    if activity.roster is None:
        return "none"
    known = f"{len(setup.roster.by_id)} are known" if setup.roster.by_id else "not fetched yet"
    calls = setup.roster.calls
    return f"Gong's own users, {calls} call{'s' * (calls > 1)} a day; {known}"


_NO_STATE = (
    "none: after a restart nothing is served until a poll succeeds, known users and the count of"
    " the last 24 hours' calls are forgotten, and nothing keeps two exporters from polling"
)


def _calls(setup: Setup, cost: CallBudget, *, measured: bool) -> str:
    if measured:
        basis = "by the pages of the last polls"
    elif setup.plan.selection.all_users:
        basis = "if each window fits one page; Gong sends 100 active users a page"
    else:
        basis = "if all of the list were active, 100 to a page, and one page holds all users"
    return (
        f"{cost.calls_per_poll} a poll, {cost.calls_per_day} a day of"
        f" {cost.requests_per_day} allowed ({basis})"
    )


def _history(setup: Setup, company_state: CompanyState | None, state: StateFile) -> str:
    """The calls of the day history: once, and every day."""
    if not setup.config.drops.enabled:
        return "off (drops.enabled: false): no scores for drops of activity"
    if not keeps_history(setup):
        return "none, because it needs state.file: no scores for drops of activity"
    known_state = company_state or CompanyState(host=setup.plan.host)
    zone = setup.plan.zone or load_zone(known_state.time_zone or "")
    key = Company(setup, known_state, zone).key
    known = len(known_days(state.history.days(key) or {})) if key else 0
    calls = forecast_history(setup, company_state, missing=HISTORY_DAYS - known)
    progress = f"{known} of {HISTORY_DAYS} days are known"
    return f"{calls.once} calls once, then {calls.per_day} a day; {progress}"


def _call(
    setup: Setup,
    state: StateFile,
    clock: SystemClock,
    warnings: list[str],
    redactor: Redactor,
) -> None:
    """Make one call for a week that has ended everywhere; proves key, scope, host and zone."""
    client = _live_client(setup, state, clock, warnings, redactor)
    days = LIVE_WINDOW.range_on(today_everywhere(clock.now()))
    try:
        page: Page | None
        page, stated = fetch_page(client, ActivityFilter(from_date=days.start, to_date=days.end))
        if stated is not None:
            warnings.append(
                f"Gong states {stated.text} for a request from {days.start} to {days.end}"
            )
    except UserNotFound:
        page = None  # no user has activity, but the key, the scope and the host are right
    except GongError as error:
        fail(f"the live call failed: {error.describe()}")
    finally:
        client.close()
    click.echo("live call: key, scope and host are right")
    _describe_response(setup, page, days, clock.now(), warnings, redactor=redactor)


def _call_users(
    setup: Setup,
    state: StateFile,
    clock: SystemClock,
    warnings: list[str],
    redactor: Redactor,
) -> None:
    """Make one call for Gong's own users; proves the scope that the roster needs."""
    client = _live_client(setup, state, clock, warnings, redactor)
    try:
        page = client.users_page()
    except GongError as error:
        fail(f"the live call for the roster failed: {error.describe()}")
    finally:
        client.close()
    click.echo(f"live call for the roster: the scope {USERS_SCOPE} is right")
    if page.total_records is not None:
        click.echo(f"  Gong has {page.total_records} users, deactivated ones included")


def _live_client(
    setup: Setup,
    state: StateFile,
    clock: SystemClock,
    warnings: list[str],
    redactor: Redactor,
) -> GongClient:
    """A client that does not retry."""
    return make_client(
        setup,
        clock=clock,
        ledger=state.ledger,
        observer=ExporterMetrics(CollectorRegistry(), clock.now),
        redactor=redactor,
        log=_collecting_log(warnings, redactor),
        retry=RetryPolicy(attempts=1, rate_limited=0),
    )


def _describe_response(
    setup: Setup,
    page: Page | None,
    days: DayRange,
    now: float,
    warnings: list[str],
    *,
    redactor: Redactor,
) -> None:
    configured = setup.plan.zone
    stated = page.time_zone if page is not None else None
    zone = load_zone(stated or "")
    if page is not None and page.total_records is not None:
        last = days.end - timedelta(days=1)
        click.echo(f"  {page.total_records} users were active from {days.start} to {last}")
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
        for line in people_lines(setup, page, warnings, redactor):
            click.echo(f"  {line}")
