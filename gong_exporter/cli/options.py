"""The options of every command, and how a command ends. Imports only click.

`--version` and `healthcheck` need nothing else, so what needs the configuration or the log is in
session.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click

DEFAULT_ADDRESS = ":14664"
"""GONG on a phone's keys, after a 1."""

FAILED = 1
"""Exit status: failed at run time."""

BAD_USAGE = 2
"""Exit status: bad usage or configuration."""


def expand_home(path: str) -> str:
    """The path with the home folder for ``~``, unless that is not known."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser() raises then


class HomePath(click.Path):
    """A path that may begin with ``~``: shells leave it alone in ``--output=~/FILE``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Replace ``~`` by the home folder, if that is known; the rest as click does it."""
        return super().convert(expand_home(value), param, ctx)


PATH = HomePath(readable=False)
"""A path whose file is not looked at when the options are read."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
    """The options of every command, with their defaults filled in.

    Attributes:
        config_file: from the command line, the environment or the default.
        log_level: ``debug``, ``info``, ``warn`` or ``error``.
        log_format: ``logfmt`` or ``json``.
    """

    config_file: str
    log_level: str
    log_format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """The ``--web.*`` options.

    Attributes:
        addresses: as given, perhaps none.
        telemetry_path: where the metrics are.
        lifecycle: whether ``POST /-/reload`` is allowed.
        health_without_password: whether ``/-/healthy`` and ``/-/ready`` need no password.
        config_file: TLS, users and headers of the web server; None for plain HTTP.
        systemd_socket: serve on the sockets that systemd passes instead of ``addresses``.
    """

    addresses: tuple[str, ...] = ()
    telemetry_path: str = "/metrics"
    lifecycle: bool = False
    health_without_password: bool = False
    config_file: str | None = None
    systemd_socket: bool = False


def common_options(command: _Command) -> _Command:
    """Add the options of every command. Takes and returns a click callback."""
    for option in reversed(
        (
            click.option(
                "--config.file",
                "config_file",
                type=PATH,
                metavar="PATH",
                help="Configuration file. [default: $GONG_EXPORTER_CONFIG_FILE, then config.yaml]",
            ),
            click.option(
                "--log.level",
                "log_level",
                type=click.Choice(["debug", "info", "warn", "error"]),
                help="Lowest level to log. [default: info]",
            ),
            click.option(
                "--log.format",
                "log_format",
                type=click.Choice(["logfmt", "json"]),
                help="Format of the log lines. [default: logfmt]",
            ),
        )
    ):
        command = option(command)
    return command


class Parsed(click.ParamType[Any]):
    """The type of an option that a function parses; its ValueError is the message."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ParamType."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def resolve(ctx: click.Context, options: dict[str, Any], log_level: str = "info") -> CommonOptions:
    """The options after a command's name, else those before it, else the defaults.

    The common ones are removed from ``options``.
    """
    before: dict[str, Any] = ctx.obj or {}

    def pick(name: str, default: str) -> str:
        after = options.pop(name)
        return str(after or before.get(name) or default)

    from_environment = expand_home(os.environ.get("GONG_EXPORTER_CONFIG_FILE", ""))
    return CommonOptions(
        config_file=pick("config_file", from_environment or "config.yaml"),
        log_level=pick("log_level", log_level),
        log_format=pick("log_format", "logfmt"),
    )


def bad_usage(*messages: str) -> NoReturn:
    """Print usage errors on stderr and exit with BAD_USAGE."""
    for message in messages:
        click.echo(f"gong-exporter: {message}", err=True)
    sys.exit(BAD_USAGE)


def fail(message: str) -> NoReturn:
    """Print a run-time failure on stderr and exit with FAILED."""
    click.echo(f"gong-exporter: {message}", err=True)
    sys.exit(FAILED)
