"""Reloads the configuration while the exporter runs: all of it, or none of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from gong_exporter.common.files import ContentWatch
from gong_exporter.config.checks import widened
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import MAX_ROSTER_BYTES
from gong_exporter.config.model import Config
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.poller import Poller
from gong_exporter.runtime.setup import Setup, budget_problem, forecast_calls, make_setup
from gong_exporter.runtime.user_labels import load_roster

IN_FORCE_TIMEOUT = 5.0
"""Seconds that reload() waits until the poller has put a configuration in force."""


class Reloader:
    """Reloads, one at a time, for SIGHUP and ``POST /-/reload``. From any thread.

    Attributes:
        refused: why the last reload was refused; None if it was not.
    """

    def __init__(
        self,
        *,
        load: Callable[[], Config],
        runner: PollRunner,
        poller: Poller,
    ) -> None:
        self._setup = runner.poll_state.setup
        self._load = load
        self._runner = runner
        self._poller = poller
        self._metrics = runner.parts.metrics
        self._clock = runner.parts.clock
        self._log = runner.parts.log
        self._lock = threading.Lock()
        self.refused: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the configuration in force was read from."""
        config = self._setup.config
        roster = config.activity.roster_file
        return (config.path,) if roster is None else (config.path, roster)

    def reload(self, *, only_changes: bool = False) -> str | None:
        """Read the configuration and put it in force. Returns why it is refused, or None.

        If it is refused, the old one stays in force. Data that answers the new configuration's
        questions is still served.

        Args:
            only_changes: do nothing if neither the configuration nor the roster means anything
                else than before. Without it, a reload also polls after a failure.
        """
        with self._lock:
            try:
                config = self._load()
                setup = self._checked(config)
            except ConfigError as error:
                return self._refuse(str(error))
            except Exception as error:  # noqa: BLE001 - the exporter runs on as it was
                self._log.exception("the reload broke down: a defect, please report it")
                return self._refuse(f"a defect: {type(error).__name__}")
            if only_changes and setup == self._setup:
                self._setup = setup  # its lines may differ
                self._accept()
                return None
            needs_poll = not same_but_for_roster(setup, self._setup)
            interrupt = config != self._setup.config
            self._setup = setup
            change = self._poller.use(setup, interrupt=interrupt, poll=needs_poll)
            self._accept()
            for warning in config.warnings:
                self._log.warning(warning)
            if change.in_force.wait(IN_FORCE_TIMEOUT):
                self._log.info("configuration reloaded", file=str(config.path))
            else:
                self._log.info("configuration accepted; the running poll ends first")
            return None

    def _checked(self, config: Config) -> Setup:
        if config.state.file != self._setup.config.state.file:
            what = "cannot change while the exporter runs: restart it"
            raise config.refusal("state.file", what)
        if problems := tuple(widened(config, self._setup.config)):
            raise ConfigError(config.name, problems)
        setup = make_setup(config, load_roster(config))
        require_budget(setup, self._runner)
        return setup

    def _accept(self) -> None:
        self.refused = None
        self._metrics.config_read(accepted=True, at=self._clock.now())

    def _refuse(self, reason: str) -> str:
        self.refused = reason
        self._metrics.config_read(accepted=False, at=self._clock.now())
        self._log.error("reload refused, the old configuration stays in force", error=reason)
        return reason


def same_but_for_roster(new: Setup, old: Setup) -> bool:
    """Whether only the roster changed. That needs no poll: it is joined to the data."""
    return new.config == old.config and new.roster != old.roster


def require_budget(setup: Setup, runner: PollRunner) -> None:
    """Refuse a schedule whose data would be too old between polls. Raises: ConfigError."""
    problem = budget_problem(setup, forecast_calls(setup, runner.company_state))
    if problem:
        raise setup.config.refusal("poll", problem)


class AutoReload:
    """Reloads when the configuration or the roster file changes; looks at them in a thread.

    What is refused is logged once, and the old configuration stays in force.
    """

    def __init__(self, reloader: Reloader, interval: float, log: FilteringBoundLogger) -> None:
        self._reloader = reloader
        self._interval = interval
        self._log = log
        self._stop = threading.Event()
        self._watch = ContentWatch(MAX_ROSTER_BYTES)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="auto-reload", daemon=True).start()

    def stop(self) -> None:
        """Begin no further look. Does not wait for one that is in progress."""
        self._stop.set()

    def look(self) -> bool:
        """Look at the files once, and reload if they have changed. Returns whether it reloaded."""
        files = self._reloader.files
        digest = self._watch.change(files)
        if digest is None:
            return False
        self._reloader.reload(only_changes=True)
        # If a file was written during the reload, or another one is in use now, look again.
        same = self._reloader.files == files and self._watch.digest(files) == digest
        self._watch.accept(digest if same else b"")
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread
                self._log.exception("looking at the files broke down: a defect, please report it")
