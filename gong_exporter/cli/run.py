"""The exporter itself: ``gong-exporter`` without a command, and ``--once``."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from socket import socket
from types import FrameType

import click

from gong_exporter import __version__
from gong_exporter.cli.options import Common, fail, refuse
from gong_exporter.config.errors import ConfigError
from gong_exporter.exposition.body import once_text
from gong_exporter.gong.clock import Stopped
from gong_exporter.runtime.app import Exporter, assemble
from gong_exporter.runtime.stop import Signals
from gong_exporter.web.listen import ListenError, bind
from gong_exporter.web.routes import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The ``--web.*`` options.

    Attributes:
        addresses: as given, perhaps none.
        telemetry_path: where the metrics are.
        lifecycle: whether ``POST /-/reload`` is allowed.
    """

    addresses: tuple[str, ...] = ()
    telemetry_path: str = "/metrics"
    lifecycle: bool = False


def serve(common: Common, serving: Serving, *, default_address: str) -> None:
    """Poll and serve until a signal ends it."""
    if not serving.addresses:
        serving = replace(serving, addresses=(default_address,))
    options = route_options(serving)
    config = common.config()
    log = common.log()
    signals = Signals()
    with ExitStack() as stack:
        stack.enter_context(signals.heard())
        sockets = bind_all(serving.addresses)
        try:
            exporter = Exporter(
                config=config, load=common.load, sockets=sockets, options=options, log=log
            )
        except ConfigError as error:
            refuse(error)
        log.info("starting", version=__version__, config=str(config.path))
        exporter.start()
        while signals.wait() == "reload":
            exporter.reload()
        exporter.stop()


def bind_all(addresses: tuple[str, ...]) -> list[socket]:
    """Listen on each address, or end the command saying why not."""
    try:
        return [bind(address) for address in addresses]
    except ListenError as error:
        fail(str(error))


def route_options(serving: Serving) -> Options:
    """The options of the routes, or a usage error."""
    try:
        return Options(telemetry_path=serving.telemetry_path, lifecycle=serving.lifecycle)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def poll_once(common: Common) -> None:
    """Poll once and print the exposition; exit 1, with nothing printed, if no window arrived."""
    config = common.config()
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        parts = assemble(config, common.log(), stop)
    except ConfigError as error:
        refuse(error)
    # Beside a running exporter this only shares its ledger; alone it saves what it learns.
    parts.polls.keep = parts.state.poller_lock().acquire()
    try:
        result = parts.polls.run()
    except Stopped:
        fail("stopped before the poll was over")
    finally:
        parts.polls.close()
        parts.state.close()
    if result is None or not result.windows:
        fail("no window arrived; the log says why")
    sys.stdout.buffer.write(once_text(parts.polls.standing.snapshot, parts.telemetry))
    sys.stdout.flush()
