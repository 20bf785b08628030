"""``backfill``: the past into a file, as the exporter would have published it day by day."""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import click
import structlog
from rich.console import Console
from structlog.typing import EventDict, FilteringBoundLogger

from gong_exporter.activity.snapshot import User
from gong_exporter.backfill.errors import BackfillError, Refused
from gong_exporter.backfill.order import Means, Order
from gong_exporter.backfill.outputs import Template, parse_labels
from gong_exporter.backfill.plan import Days, check_step
from gong_exporter.backfill.quota import Counter, Quota
from gong_exporter.backfill.run import Backfill
from gong_exporter.backfill.style import Format
from gong_exporter.backfill.survey import Portray
from gong_exporter.cli.backfill_text import plan_text, summary_text
from gong_exporter.cli.options import BAD_USAGE, common_options, fail
from gong_exporter.cli.progress import shown
from gong_exporter.cli.session import Session, open_session
from gong_exporter.config.durations import parse_duration
from gong_exporter.config.model import Config
from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.limits import CallLimits
from gong_exporter.runtime.client import make_client
from gong_exporter.runtime.setup import (
    Setup,
    email_label,
    forecast_calls,
    make_setup,
)
from gong_exporter.store import open_state

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _parsed(parse: Callable[[str], Any]) -> Callable[[Any, Any, str], Any]:
    """An option's callback that lets a function read its text, with its error as the message."""

    def read(_ctx: click.Context, _param: click.Parameter, text: str) -> Any:
        try:
            return parse(text)
        except (ValueError, Refused) as error:
            raise click.BadParameter(str(error)) from None

    return read


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day; write it as 2026-01-31")


def _step(text: str) -> int:
    return check_step(parse_duration(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of the command.

    Attributes:
        days: ``--from`` and ``--to``.
        output: the path, perhaps with ``%Y-%m``.
        form: of the output.
        step: seconds between samples.
        labels: as given.
        yes: do not ask.
    """

    days: Days
    output: Path
    form: Format
    step: int
    labels: tuple[str, ...]
    yes: bool


@click.command()
@common_options
@click.option(
    "--from",
    "first",
    callback=_parsed(_day),
    required=True,
    metavar="YYYY-MM-DD",
    help="First day of publication: of windows that end as it begins.",
)
@click.option(
    "--to",
    "last",
    callback=_parsed(_day),
    required=True,
    metavar="YYYY-MM-DD",
    help="Last one, included; at most today.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Where to; with %Y-%m in the name, one file a month.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.OPENMETRICS.value,
    show_default=True,
    help="openmetrics for promtool, prometheus for VictoriaMetrics.",
)
@click.option(
    "--step",
    callback=_parsed(_step),
    default="1d",
    metavar="DURATION",
    show_default=True,
    help="Between the samples of a series: one a day, or more, down to 1m.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Added to every series, such as job=gong; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask before it begins.")
@click.pass_context
def backfill(ctx: click.Context, /, **options: Any) -> None:
    """Fetch past days, and write what the exporter would have published on each.

    Long work, within the limits of the API: it can be stopped at any moment, and the same command
    goes on where it was.
    """
    wanted = Wanted(
        days=Days(options.pop("first"), options.pop("last")),
        output=options.pop("output"),
        form=Format(options.pop("form")),
        step=options.pop("step"),
        labels=options.pop("labels"),
        yes=options.pop("yes"),
    )
    session = open_session(ctx, options)
    try:
        _run(wanted, session)
    except Refused as error:
        click.echo(f"gong-exporter: {error}", err=True)
        sys.exit(BAD_USAGE)
    except BackfillError as error:
        fail(str(error))
    except Stopped:
        fail("stopped; what was fetched is kept: run the same command again to go on")


def _run(wanted: Wanted, session: Session) -> None:
    if not wanted.yes and not sys.stdin.isatty():
        raise Refused("there is no terminal to ask on before it begins: say --yes")
    config = session.config()
    setup = make_setup(config)
    order = _order(wanted, setup)
    stop = threading.Event()
    clock = SystemClock(stop)
    with ExitStack() as stack:
        display = stack.enter_context(shown(session.log(), Console(stderr=True)))
        log = _logged_once(session.log())
        state = open_state(config.state.file, log=log, now=clock.now)
        stack.callback(state.close)
        if config.state.file is None:
            log.warning("without state.file, calls of a running exporter are not seen")
        saved = state.load(setup.plan.host)
        counter = Counter()
        cost = forecast_calls(setup, saved.company_state)
        quota = Quota(
            clock=clock,
            counter=counter,
            per_day=setup.limits.requests_per_day - cost.calls_per_day,
            together=setup.limits.requests_per_day - cost.calls_per_poll,
            used=state.ledger.used,
            progress=display,
        )
        client = make_client(
            replace(
                setup,
                limits=CallLimits(setup.limits.requests_per_second, quota.together),
            ),
            clock=clock,
            ledger=state.ledger,
            observer=counter,
            redactor=session.redactor,
            log=log,
        )
        stack.callback(client.close)
        means = Means(
            source=client,
            clock=clock,
            quota=quota,
            calls_per_second=setup.limits.requests_per_second,
            company_state=saved.company_state,
            latest=saved.windows,
            log=log,
            progress=display,
            shown=session.redactor.redact,
        )
        with _stopping(stop):
            work = Backfill(order, means)
        stack.callback(work.close)
        click.echo(plan_text(work, order, setup, cost.calls_per_day))
        if not wanted.yes:
            click.confirm("Go on?", abort=True)
        with _stopping(stop):
            work.fetch()
            summary = work.write()
    click.echo(summary_text(summary, work, order, now=clock.now(), hide=session.redactor.redact))


def _order(wanted: Wanted, setup: Setup) -> Order:
    activity = setup.config.activity
    template = Template(wanted.output)
    template.check()
    wanted.days.check()
    return Order(
        plan=setup.plan,
        days=wanted.days,
        template=template,
        form=wanted.form,
        step=wanted.step,
        labels=parse_labels(wanted.labels, activity.roster.columns),
        metrics=activity.metrics,
        portray=_portray(setup.config),
    )


def _portray(config: Config) -> Portray:
    """People's labels, as polls make them."""
    label, roster = email_label(config), config.activity.roster

    def portray(user_id: str, email: str) -> User:
        columns = roster.of(user_id, email)
        return User(
            user_id=user_id,
            email=label(email),
            labels=tuple((name, columns.get(name, "")) for name in roster.columns),
        )

    return portray


def _logged_once(log: FilteringBoundLogger) -> FilteringBoundLogger:
    """A logger that logs each event once, on however many days it occurs."""
    logged: set[str] = set()

    def drop_repeated(_logger: object, _method: str, event: EventDict) -> tuple[Any, EventDict]:
        key = repr({**event, "request_id": None})
        if key in logged:
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
def _stopping(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM end waits and exchanges, with what was fetched kept."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
