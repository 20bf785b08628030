"""The exporter: its parts, put together; start, reload, stop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

from structlog.typing import FilteringBoundLogger

from gong_exporter.common.redact import Redactor
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import Config
from gong_exporter.gong.clock import SystemClock
from gong_exporter.runtime.parts import make_parts
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.poller import Poller
from gong_exporter.runtime.reload import AutoReload, Reloader, require_budget
from gong_exporter.runtime.schedule import PollTimer
from gong_exporter.runtime.setup import make_setup
from gong_exporter.runtime.signals import StopSignal
from gong_exporter.runtime.state import ExporterSite
from gong_exporter.runtime.user_labels import load_roster
from gong_exporter.store import StateFile
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import describe
from gong_exporter.web.watch import WebConfigFile

WEB_GRACE = 0.8
"""Seconds for responses in progress when the process stops. All of it has to end within 2 s, also
on a busy machine."""

POLLER_GRACE = 0.5
"""Seconds for a poll in progress."""


def assemble(
    config: Config,
    log: FilteringBoundLogger,
    redactor: Redactor,
    stop_signal: StopSignal,
) -> PollRunner:
    """Build what runs polls, and restore the state file's data.

    Raises:
        ConfigError: the roster cannot be used, or the pages that earlier polls learned do not fit
            the quota.
    """
    setup = make_setup(config, load_roster(config))
    clock = SystemClock(stop_signal.event)
    state = StateFile(config.state.file, log=log, now=clock.now)
    parts = make_parts(state, clock, log, redactor)
    runner = PollRunner(parts, setup)
    runner.restore()
    try:
        require_budget(setup, runner)
    except ConfigError:
        state.close()
        raise
    parts.metrics.config_read(accepted=True, at=clock.now())
    for warning in config.warnings:
        log.warning(warning)
    return runner


class Exporter:
    """A running exporter.

    With ``auto_reload``, it looks at the configuration and roster files after each so many seconds.

    Attributes:
        runner: runs polls, and has what is served.
        site: the HTTP side's view of it.

    Raises:
        ConfigError: see ``assemble``.
    """

    def __init__(
        self,
        *,
        config: Config,
        load: Callable[[], Config],
        sockets: Sequence[socket.socket],
        options: Options,
        log: FilteringBoundLogger,
        redactor: Redactor,
        web_config: WebConfigFile | None = None,
        auto_reload: float | None = None,
    ) -> None:
        self._log = log
        self._stop_signal = StopSignal()
        self._sockets = tuple(sockets)
        self.runner = runner = assemble(config, log, redactor, self._stop_signal)
        self._poller = Poller(
            runner=runner,
            stop_signal=self._stop_signal,
            timer=PollTimer(),
        )
        self._reloader = Reloader(load=load, runner=runner, poller=self._poller)
        self._auto_reload = (
            None if auto_reload is None else AutoReload(self._reloader, auto_reload, log)
        )
        self.site = ExporterSite(
            runner=runner,
            poller=self._poller,
            started_at=runner.parts.clock.now(),
            reloader=self._reloader,
            web_config=web_config,
        )
        self._web = WebServer(
            build_app(self.site, options),
            self._sockets,
            log,
            web_config=web_config,
            open_paths=options.open_paths,
        )

    @property
    def first_poll_over(self) -> bool:
        """Whether a poll has ended, with or without success."""
        return self.runner.poll_state.failed is not None

    def start(self) -> None:
        """Serve and poll."""
        for sock in self._sockets:
            self._log.info("listening", address=describe(sock))
        self._web.start()
        self._poller.start()
        if self._auto_reload is not None:
            self._auto_reload.start()

    @property
    def serving(self) -> bool:
        """Whether the HTTP server runs."""
        return self._web.alive

    def reload(self) -> str | None:
        """Read the configuration again. Returns why it is refused, or None."""
        return self._reloader.reload()

    def stop(self) -> None:
        """End within two seconds, also in the middle of a wait or a hanging exchange."""
        if self._auto_reload is not None:
            self._auto_reload.stop()
        self._stop_signal.stop()
        self._poller.ask_to_stop()
        self._web.stop(WEB_GRACE)
        if self._poller.join(POLLER_GRACE):
            self.runner.close()
            self.runner.parts.state.close()
        # A poller that is still busy is a daemon thread: it ends with the process, and the state
        # file is readable whenever that is.
        self._log.info("stopped", pid=os.getpid())
