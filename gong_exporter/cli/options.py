"""Options that every command takes, before or after its name, and what they become."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import click
from structlog.typing import FilteringBoundLogger

from gong_exporter.cli.logs import FORMATS, LEVELS, make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.runtime.setup import redaction_policy

FAILED = 1
"""Exit status: it failed at run time."""

BAD_USAGE = 2
"""Exit status: bad usage or configuration."""

_WHERE = (
    "Name the configuration with --config.file or $GONG_EXPORTER_CONFIG_FILE;"
    " gong-exporter demo needs none."
)

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options of every command, resolved.

    Attributes:
        config_file: as given, or from the environment, or the default.
        log_level: one of LEVELS.
        log_format: one of FORMATS.
        redactor: redacts log lines and what the command prints of Gong's responses.
    """

    config_file: str
    log_level: str
    log_format: str
    redactor: Redactor = field(default_factory=Redactor)

    def log(self) -> FilteringBoundLogger:
        """The logger, on stderr."""
        return make_log(self.log_level, self.log_format, sys.stderr, self.redactor)

    def config(self) -> Config:
        """The configuration, checked and in force for the redactor.

        Ends the command with the configuration's faults when it has any.
        """
        try:
            config = self.load()
        except ConfigError as error:
            self.refuse(error)
        self.redactor.use(redaction_policy(config))
        return config

    def refuse(self, error: ConfigError) -> NoReturn:
        """End the command with the configuration's faults, which load() has raised."""
        if not os.path.lexists(self.config_file):
            bad_usage(f"{error}\n{_WHERE}")
        refuse(error)

    def load(self) -> Config:
        """The configuration, checked. Raises: ConfigError."""
        return load_config(self.config_file, os.environ)


def common_options(command: _Command) -> _Command:
    """Adds the options of every command."""
    for option in reversed(
        (
            click.option(
                "--config.file",
                "config_file",
                metavar="PATH",
                help="Configuration file. [default: $GONG_EXPORTER_CONFIG_FILE, then config.yaml]",
            ),
            click.option(
                "--log.level",
                "log_level",
                type=click.Choice(LEVELS),
                help="Least severe log lines to write. [default: info]",
            ),
            click.option(
                "--log.format",
                "log_format",
                type=click.Choice(FORMATS),
                help="Form of the log lines. [default: logfmt]",
            ),
        )
    ):
        command = option(command)
    return command


def resolve(ctx: click.Context, options: dict[str, Any], log_level: str = "info") -> Common:
    """The options given after a command's name, then those before it, then the defaults.

    Takes them out of ``options``. ``log_level`` is the default.
    """
    before: dict[str, Any] = ctx.obj or {}

    def pick(name: str, default: str) -> str:
        after = options.pop(name)
        return str(after or before.get(name) or default)

    return Common(
        config_file=pick(
            "config_file", os.environ.get("GONG_EXPORTER_CONFIG_FILE") or "config.yaml"
        ),
        log_level=pick("log_level", log_level),
        log_format=pick("log_format", "logfmt"),
    )


def bad_usage(message: str) -> NoReturn:
    """End with a mistake on the command line on stderr."""
    click.echo(f"gong-exporter: {message}", err=True)
    sys.exit(BAD_USAGE)


def refuse(error: ConfigError) -> NoReturn:
    """End with a configuration's faults on stderr, each on a line that says whose it is."""
    bad_usage(str(error).replace("\n", "\ngong-exporter: "))


def fail(message: str) -> NoReturn:
    """End with a failure at run time on stderr."""
    click.echo(f"gong-exporter: {message}", err=True)
    sys.exit(FAILED)
