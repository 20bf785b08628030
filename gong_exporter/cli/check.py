"""``check``: is the configuration right, and what will it cost; with ``--live``, does it work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import structlog
from pydantic import create_model
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.history import HISTORY_DAYS, known_days
from gong_exporter.cli.check_live import check_live, saved_people_warning
from gong_exporter.cli.options import WebOptions, bad_usage, common_options
from gong_exporter.cli.session import Session, open_existing_state, open_session, refuse
from gong_exporter.common.redact import MIN_PIECE, Redactor
from gong_exporter.common.sections import YamlSection
from gong_exporter.config.durations import format_duration
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import SECTIONS, Config
from gong_exporter.config.secrets import Credentials
from gong_exporter.gong.client import RetryPolicy
from gong_exporter.gong.clock import SystemClock
from gong_exporter.gong.errors import CredentialsUnreadable
from gong_exporter.runtime.gong_client import make_client
from gong_exporter.runtime.published import Company, load_company
from gong_exporter.runtime.setup import (
    Setup,
    budget_problem,
    forecast_calls,
    forecast_history,
    keeps_history,
    make_setup,
    poll_span,
    redaction_policy,
    unrecorded_warning,
)
from gong_exporter.runtime.state import schedule_text, stretched_text
from gong_exporter.runtime.user_labels import load_roster, saved_users
from gong_exporter.store import StateFile
from gong_exporter.web.config import WebConfigError
from gong_exporter.web.watch import WebConfigFile


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
    sections: dict[str, Any] = {name: (model | None, None) for name, model in SECTIONS.items()}
    model = create_model(
        "ConfigFile",
        __base__=YamlSection,
        __doc__="The configuration file of gong-exporter.",
        **sections,
    )
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
    }
    return json.dumps(schema, indent=2) + "\n"


def run_check(session: Session, web: WebOptions, *, live: bool) -> None:
    """See ``check``. Exits 2 when a configuration is refused, 1 when the call fails."""
    with ExitStack() as stack:
        warnings: list[str] = []
        stack.callback(_print_warnings, warnings)  # last, after the error that ends the command
        config = _config(session, web, warnings)
        session.redactor.use(redaction_policy(config))
        clock = SystemClock(threading.Event())
        log = _collecting_log(warnings, session.redactor)
        state = open_existing_state(config, log, clock.now)
        stack.callback(state.close)
        try:
            setup = make_setup(config, load_roster(config, saved_users(config, state)))
        except ConfigError as error:
            refuse(error)
        company_state, saved_windows = load_company(state, setup)
        # The warnings about a roster quote ids and addresses.
        warnings += map(session.redactor.redact, config.warnings)
        warnings += _folder_warnings(config.state.file)
        if not live:
            warnings += filter(None, [saved_people_warning(setup, company_state, saved_windows)])
        warnings += short_secret_warnings(config.credentials)
        cost = forecast_calls(setup, company_state)
        problem = budget_problem(setup, cost)
        if problem:
            refuse(config.refusal("poll", problem))
        click.echo(f"{config.path}: valid")
        history = _history(setup, company_state, state)
        measured = bool(company_state.pages)
        _describe(setup, cost, history, web.config_file, measured=measured)
        if text := unrecorded_warning(setup, company_state):
            warnings.append(text)
        if live:
            client = make_client(
                setup,
                clock=clock,
                ledger=state.ledger,
                redactor=session.redactor,
                log=log,
                retry=RetryPolicy(attempts=1, rate_limited=0),
            )
            stack.callback(client.close)
            check_live(setup, client, clock.now(), warnings, session.redactor, measured=measured)


def _print_warnings(warnings: list[str]) -> None:
    for text in warnings:
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
    web_problem = ""
    if web.config_file is not None:
        try:
            WebConfigFile(Path(web.config_file))
        except WebConfigError as error:
            web_problem = str(error)
    try:
        config = session.load()
    except ConfigError as error:
        warnings += error.warnings
        if web_problem:
            click.echo(f"gong-exporter: {web_problem}", err=True)
        session.refuse(error)
    if web_problem:
        bad_usage(web_problem)
    return config


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
    for name, secret in secrets.items():
        if len(secret.get_secret_value()) < MIN_PIECE:
            yield (
                f"gong.{name} has fewer than {MIN_PIECE} characters: logs and pages redact it only"
                " as a whole word"
            )


def _describe(
    setup: Setup, cost: CallBudget, history: str, web_config: str | None, *, measured: bool
) -> None:
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
    if web_config is not None:
        rows.append(("web config", f"{web_config}: valid"))
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


def _history(setup: Setup, company_state: CompanyState, state: StateFile) -> str:
    """The calls of the day history: once, and every day."""
    if not setup.config.drops.enabled:
        return "off (drops.enabled: false): no scores for drops of activity"
    if not keeps_history(setup):
        return "none, because it needs state.file: no scores for drops of activity"
    key = Company(setup, company_state).key
    known = len(known_days(state.history.days(key) or {})) if key else 0
    calls = forecast_history(setup, company_state, missing=HISTORY_DAYS - known)
    progress = f"{known} of {HISTORY_DAYS} days are known"
    return f"{calls.once} calls once, then {calls.per_day} a day; {progress}"
