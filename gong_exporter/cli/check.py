"""``check``: is the configuration right, and what will it cost; with ``--live``, does it work."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from pydantic import create_model

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.history import HISTORY_DAYS, known_days
from gong_exporter.cli.check_live import check_live
from gong_exporter.cli.options import BAD_USAGE, WebOptions, common_options, warn
from gong_exporter.cli.session import Session, open_existing_state, open_session, refuse
from gong_exporter.common.problems import ConfigError
from gong_exporter.common.sections import YamlSection
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import SECTIONS, Config
from gong_exporter.gong.client import RetryPolicy
from gong_exporter.gong.clock import SystemClock
from gong_exporter.runtime.parts import make_client
from gong_exporter.runtime.published import Company, load_company
from gong_exporter.runtime.setup import (
    Setup,
    budget_problem,
    forecast_calls,
    forecast_history,
    keeps_history,
    make_setup,
    poll_span,
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
    run_check(open_session(ctx, options, log_level="warn"), ctx.obj["web"], live=live)


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
        config = _config(session, web)
        clock = SystemClock(threading.Event())
        log = session.log()
        state = open_existing_state(config, log, clock.now)
        stack.callback(state.close)
        try:
            setup = make_setup(config, load_roster(config, saved_users(config, state)))
        except ConfigError as error:
            refuse(error)
        company_state, _ = load_company(state, setup)
        cost = forecast_calls(setup, company_state)
        unrecorded = unrecorded_warning(setup, company_state)
        for text in (*config.warnings, *_folder_warnings(config.state.file), unrecorded):
            if text:
                warn(session.redactor.redact(text))  # those about a roster quote ids and addresses
        problem = budget_problem(setup, cost)
        if problem:
            refuse(config.refusal("poll", problem))
        click.echo(f"{config.path}: valid")
        history = _history(setup, company_state, state)
        measured = bool(company_state.pages)
        _describe(setup, cost, history, web.config_file, measured=measured)
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
            check_live(setup, client, clock.now(), session.redactor, measured=measured)


def _config(session: Session, web: WebOptions) -> Config:
    """Load the configuration; exits with what is wrong with it and with the web configuration."""
    web_refused = False
    if web.config_file is not None:
        try:
            WebConfigFile(Path(web.config_file))
        except WebConfigError as error:
            web_refused = True
            click.echo(f"gong-exporter: {error}", err=True)
    config = session.config()
    if web_refused:
        sys.exit(BAD_USAGE)
    return config


def _folder_warnings(file: Path | None) -> Iterator[str]:
    """Warn of a folder that does not exist: the exporter only logs it, and runs on."""
    if file is not None and not file.parent.is_dir():
        yield f"state.file: there is no folder {file.parent}; until there is, nothing is kept"


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
