"""The exporter itself: ``gong-exporter`` without a command, and ``--once``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from socket import socket

import click
from structlog.typing import FilteringBoundLogger

from gong_exporter import __version__
from gong_exporter.backfill.output import parse_labels
from gong_exporter.backfill.plan import InvalidRequest
from gong_exporter.cli.options import DEFAULT_ADDRESS, WebOptions, bad_usage, fail
from gong_exporter.cli.session import Session, refuse
from gong_exporter.common.redact import Redactor
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import Config
from gong_exporter.exposition.body import once_text
from gong_exporter.exposition.names import FAMILIES
from gong_exporter.gong.clock import Stopped
from gong_exporter.runtime.app import Exporter, assemble
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.signals import BackgroundTask, Signals, StopSignal
from gong_exporter.runtime.user_labels import load_roster
from gong_exporter.web.config import WebConfigError
from gong_exporter.web.routes import Options
from gong_exporter.web.server import ServerNotStarted
from gong_exporter.web.sockets import BadAddress, ListenError, bind, from_systemd
from gong_exporter.web.watch import WebConfigFile

CHECK_INTERVAL = 1.0
"""Seconds between two checks whether everything still runs."""

ONCE_HISTORY_TIME = 60.0
"""Seconds for which ``--once`` fetches missing days of the history after its poll."""

ONCE_GRACE = 1.0
"""Seconds for a poll in progress when ``--once`` gets a signal."""


def serve(session: Session, web: WebOptions, auto_reload: float | None) -> None:
    """Poll and serve until a signal ends it.

    ``auto_reload``: seconds between two looks at the configuration's files; None for no looks.
    """
    if web.systemd_socket and web.addresses:
        raise click.UsageError("--web.systemd-socket takes the place of --web.listen-address")
    if not web.addresses:
        web = replace(web, addresses=(DEFAULT_ADDRESS,))
    options = route_options(web)
    config = session.config()
    web_config = web_config_file(web)
    log = session.log()
    signals = Signals()
    with signals.handlers_installed():
        sockets = listening_sockets(web)
        log.info("starting", version=__version__, config=str(config.path))
        keep_running(
            lambda: Exporter(
                config=config,
                load=session.load,
                sockets=sockets,
                options=options,
                log=log,
                redactor=session.redactor,
                web_config=web_config,
                auto_reload=auto_reload,
            ),
            signals,
        )
        signals.ignore_further()


def keep_running(
    build: Callable[[], Exporter],
    signals: Signals,
    once_started: Callable[[Exporter], None] = lambda _: None,
) -> None:
    """Start an exporter and watch it until a signal stops it. In the main thread.

    Args:
        build: makes the exporter; a ConfigError ends the command with 2.
        signals: with their handlers installed.
        once_started: called with the exporter in another thread; it may take long.
    """
    started: list[Exporter] = []

    def start() -> None:
        exporter = build()
        exporter.start()
        started.append(exporter)
        once_started(exporter)

    starting = BackgroundTask("start", start, lambda: signals.put("wake"))
    reload_wanted = False
    reloading: BackgroundTask | None = None
    while (action := signals.wait(CHECK_INTERVAL)) != "stop":
        reload_wanted |= action == "reload"
        if starting.error is not None:
            _give_up(starting.error)
        if not started:
            continue
        if not started[0].serving:
            fail("the HTTP server ended; the log says why")
        if reload_wanted and (reloading is None or reloading.done):
            # One at a time. All signals during a reload cause one more, which reads everything.
            with suppress(RuntimeError):  # the system cannot start a thread just now
                reloading = BackgroundTask("reload", started[0].reload, lambda: signals.put("wake"))
                reload_wanted = False
    for exporter in started:
        exporter.stop()


def _give_up(error: BaseException) -> None:
    if isinstance(error, ConfigError):
        refuse(error)
    if isinstance(error, ServerNotStarted):
        fail(str(error))
    raise error


def listening_sockets(web: WebOptions) -> list[socket]:
    """The sockets that systemd passed, or one for each address; ends the command if one fails."""
    try:
        if web.systemd_socket:
            return from_systemd(os.environ, os.getpid())
        return [bind(address) for address in web.addresses]
    except BadAddress as error:
        bad_usage(str(error))
    except ListenError as error:
        fail(str(error))


def web_config_file(web: WebOptions) -> WebConfigFile | None:
    """The web configuration, checked, or end the command with its mistakes."""
    if web.config_file is None:
        return None
    try:
        return WebConfigFile(Path(web.config_file))
    except WebConfigError as error:
        bad_usage(str(error))


def route_options(web: WebOptions) -> Options:
    """The options of the routes, or a usage error."""
    try:
        return Options(
            telemetry_path=web.telemetry_path,
            lifecycle=web.lifecycle,
            health_without_password=web.health_without_password,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def poll_once(session: Session, labels: Sequence[str]) -> None:
    """Poll once and print the exposition; exits 1, printing nothing, if no window was fetched."""
    config = session.config()
    added = _parse_labels(labels, config)
    log = session.log()
    stop_signal = StopSignal()
    signals = Signals()
    shown: list[bytes] = []
    with signals.handlers_installed():
        polling = BackgroundTask(
            "once",
            lambda: shown.append(_once(config, log, session.redactor, stop_signal, added)),
            lambda: signals.put("wake"),
        )
        while not polling.done:
            if signals.wait() == "stop":
                stop_signal.stop()
                polling.join(ONCE_GRACE)
                fail("stopped before the poll was over")
    if polling.error is not None:
        _give_up(polling.error)
    if not shown[0]:
        fail("no window was fetched; the log says why")
    click.echo(shown[0], nl=False)


def _parse_labels(texts: Sequence[str], config: Config) -> tuple[tuple[str, str], ...]:
    """The ``--label`` options as pairs, or end the command with the mistake."""
    if not texts:
        return ()
    names = {name for family in FAMILIES for name in family.labels}
    try:
        return parse_labels(texts, (*load_roster(config).columns, *names, "le"))
    except InvalidRequest as error:
        bad_usage(str(error))
    except ConfigError as error:
        refuse(error)


def _bring_history_up_to_date(runner: PollRunner) -> None:
    """Fetch missing days for a while. Without the lock, use what the running exporter saved."""
    clock, lock = runner.parts.clock, runner.parts.state.poller_lock
    end = clock.monotonic() + ONCE_HISTORY_TIME
    while lock.acquired and clock.monotonic() < end and runner.advance_history():
        pass
    runner.drops.finish()


def _once(
    config: Config,
    log: FilteringBoundLogger,
    redactor: Redactor,
    stop_signal: StopSignal,
    labels: Sequence[tuple[str, str]],
) -> bytes:
    """The exposition after one poll; empty if no window was fetched."""
    runner = assemble(config, log, redactor, stop_signal)
    # Beside a running exporter this only shares its ledger; alone it saves what it learns.
    runner.parts.state.poller_lock.acquire()
    try:
        runner.refresh_roster()
        result = runner.run()
        _bring_history_up_to_date(runner)
    except Stopped:
        result = None
    finally:
        runner.close()
        runner.parts.state.close()
    if result is None or not result.windows:
        return b""
    published = runner.current()
    return once_text(published.snapshot, runner.parts.metrics.registry, labels, published.drops)
