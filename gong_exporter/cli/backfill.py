"""``backfill``: writes past days to a file, as the exporter would have published them."""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import click
import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from gong_exporter.activity.users import UserLabels
from gong_exporter.backfill.output import OutputPath, TextFormat, parse_labels
from gong_exporter.backfill.plan import BackfillError, InvalidRequest, PublicationDays, check_step
from gong_exporter.backfill.quota import BackfillQuota
from gong_exporter.backfill.request import BackfillDeps, BackfillRequest
from gong_exporter.backfill.run import Backfill
from gong_exporter.cli.backfill_text import plan_text, summary_text
from gong_exporter.cli.options import HomePath, Parsed, bad_usage, common_options, fail
from gong_exporter.cli.session import Session, open_session
from gong_exporter.config.durations import parse_duration
from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.limits import CallLimits
from gong_exporter.runtime.gong_client import make_client
from gong_exporter.runtime.published import load_company
from gong_exporter.runtime.setup import Setup, forecast_calls, make_setup
from gong_exporter.runtime.user_labels import email_label, load_roster, saved_users
from gong_exporter.store import StateFile

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day; write it as 2026-01-31")


def _step(text: str) -> int:
    try:
        return check_step(parse_duration(text))
    except InvalidRequest as error:
        raise ValueError(str(error)) from None


@click.command()
@common_options
@click.option(
    "--from",
    "first",
    type=Parsed("YYYY-MM-DD", _day),
    required=True,
    help="First day of publication: the windows that end when this day begins.",
)
@click.option(
    "--to",
    "last",
    type=Parsed("YYYY-MM-DD", _day),
    required=True,
    help="Last day of publication, included; at most today.",
)
@click.option(
    "--output",
    type=HomePath(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="File to write; with %Y-%m in its name, one file for each month.",
)
@click.option(
    "--format",
    "text_format",
    type=click.Choice([text_format.value for text_format in TextFormat]),
    default=TextFormat.OPENMETRICS.value,
    show_default=True,
    help="openmetrics for promtool, prometheus for VictoriaMetrics.",
)
@click.option(
    "--step",
    type=Parsed("DURATION", _step),
    default="1d",
    show_default=True,
    help="Time between the samples of a series, from 1m to 1d.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Label added to every series, such as job=gong; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Start without asking.")
@click.pass_context
def backfill(ctx: click.Context, /, **options: Any) -> None:
    """Fetch past days, and write what the exporter would have published on each.

    It can take long, because it keeps within the limits of the API. You can stop it at any moment,
    and the same command continues.
    """
    session = open_session(ctx, options)
    try:
        _run(options, session)
    except InvalidRequest as error:
        bad_usage(str(error))
    except BackfillError as error:
        fail(session.redactor.redact(str(error)))
    except Stopped:
        fail("stopped; fetched days are kept: run the same command again to continue")


def _run(options: dict[str, Any], session: Session) -> None:
    if not options["yes"] and not sys.stdin.isatty():
        raise InvalidRequest("there is no terminal to ask on: use --yes to start without asking")
    config = session.config()
    log = _log_once(session.log())
    stop = threading.Event()
    clock = SystemClock(stop)
    _request(options, make_setup(config, load_roster(config)))  # refuses wrong options at once
    with ExitStack() as stack:
        state_path = config.state.file
        state = StateFile(state_path, log=log, now=clock.now)
        stack.callback(state.close)
        # Of a roster from Gong, a backfill uses what the exporter fetched last.
        setup = make_setup(config, load_roster(config, saved_users(config, state)))
        request = _request(options, setup)
        if state_path is None:
            log.warning("without state.file, calls of a running exporter are not seen")
        company_state, latest = load_company(state, setup)
        budget = forecast_calls(setup, company_state)
        quota = BackfillQuota(
            clock=clock,
            per_day=setup.limits.requests_per_day - budget.calls_per_day,
            total_per_day=setup.limits.requests_per_day - budget.calls_per_poll,
            used=state.ledger.used,
            log=log,
        )
        client = make_client(
            replace(
                setup,
                limits=CallLimits(setup.limits.requests_per_second, quota.total_per_day),
            ),
            clock=clock,
            ledger=state.ledger,
            observer=quota,
            redactor=session.redactor,
            log=log,
        )
        stack.callback(client.close)
        deps = BackfillDeps(
            source=client,
            clock=clock,
            quota=quota,
            calls_per_second=setup.limits.requests_per_second,
            company_state=company_state,
            latest=latest,
            log=log,
        )
        with _stopped_by_signals(stop):
            work = Backfill(request, deps)
        stack.callback(work.close)
        click.echo(plan_text(work, request, setup, budget.calls_per_day))
        if not options["yes"]:
            click.confirm("Go on?", abort=True)
        with _stopped_by_signals(stop):
            work.fetch()
            summary = work.write()
    click.echo(
        summary_text(summary, work, request, now=clock.now(), redact=session.redactor.redact)
    )


def _request(options: dict[str, Any], setup: Setup) -> BackfillRequest:
    activity = setup.config.activity
    days = PublicationDays(options["first"], options["last"])
    output = OutputPath(options["output"])
    output.check()
    days.check()
    return BackfillRequest(
        plan=setup.plan,
        days=days,
        output=output,
        text_format=TextFormat(options["text_format"]),
        step=options["step"],
        labels=parse_labels(options["labels"], setup.roster.columns),
        metrics=activity.metrics,
        user_labels=UserLabels(
            email_label=email_label(setup.config),
            columns=setup.roster.columns,
            columns_of=setup.roster.of,
        ),
    )


def _log_once(log: FilteringBoundLogger) -> FilteringBoundLogger:
    """A logger that logs a repeated warning once, because each day may have the same one."""
    varying = {"request_id", "requested", "stated"}
    logged: set[str] = set()

    def drop_repeated(
        _logger: object, method: str, event: EventDict
    ) -> tuple[tuple[str], EventDict]:
        key = repr({name: value for name, value in event.items() if name not in varying})
        if method == "warning" and key in logged:
            raise structlog.DropEvent
        logged.add(key)
        return (event.pop("event"),), event

    once: FilteringBoundLogger = structlog.wrap_logger(
        log,
        processors=[drop_repeated],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    return once


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set ``stop``, which ends waits and exchanges."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
