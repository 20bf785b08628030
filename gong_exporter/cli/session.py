"""What a command that reads the configuration works with: configuration, log and redactor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import click
from structlog.typing import FilteringBoundLogger

from gong_exporter.cli.logs import make_log, redact_tracebacks
from gong_exporter.cli.options import CommonOptions, bad_usage, resolve
from gong_exporter.common.redact import Redactor
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.runtime.setup import redaction_policy
from gong_exporter.runtime.user_labels import checked_roster
from gong_exporter.store import StateFile

_HOW_TO_NAME_THE_FILE = (
    "Name the configuration with --config.file or $GONG_EXPORTER_CONFIG_FILE;"
    " gong-exporter demo needs none."
)


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command.

    Attributes:
        options: from the command line.
        redactor: redacts log lines and what the command prints of Gong's responses.
    """

    options: CommonOptions
    redactor: Redactor = field(default_factory=Redactor)

    def log(self) -> FilteringBoundLogger:
        """The log, on stderr."""
        return make_log(self.options.log_level, self.options.log_format, sys.stderr, self.redactor)

    def load(self, *, check_roster: bool = True) -> Config:
        """Read and check the configuration. Raises: ConfigError."""
        check = checked_roster if check_roster else None
        return load_config(self.options.config_file, os.environ, check)

    def config(self, *, check_roster: bool = True) -> Config:
        """The configuration, also put in force for the redactor; exits if it is refused."""
        try:
            config = self.load(check_roster=check_roster)
        except ConfigError as error:
            self.refuse(error)
        self.redactor.use(redaction_policy(config))
        return config

    def refuse(self, error: ConfigError) -> NoReturn:
        """Exit with the errors that load() raised."""
        if not os.path.lexists(self.options.config_file):
            bad_usage(f"{error}\n{_HOW_TO_NAME_THE_FILE}")
        refuse(error)


def open_session(ctx: click.Context, options: dict[str, Any], log_level: str = "info") -> Session:
    """The session of a command; arguments as for ``options.resolve``."""
    session = Session(resolve(ctx, options, log_level))
    redact_tracebacks(session.redactor)
    return session


def open_existing_state(
    config: Config, log: FilteringBoundLogger, now: Callable[[], float]
) -> StateFile:
    """The exporter's state file if it exists; otherwise state in memory.

    No file is created, because another user may run the command: the exporter could not write to
    the file.
    """
    file = config.state.file
    return StateFile(file if file and file.exists() else None, log=log, now=now)


def refuse(error: ConfigError) -> NoReturn:
    """Exit with a configuration's errors on stderr, one a line."""
    bad_usage(*str(error).split("\n"))
