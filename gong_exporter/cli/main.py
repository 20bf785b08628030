"""``gong-exporter``: the options of the contract, and the commands, each imported when it runs."""

from __future__ import annotations

import importlib
from typing import Any

import click

from gong_exporter import __version__
from gong_exporter.cli.options import DEFAULT_ADDRESS, PATH, Parsed, WebOptions, common_options

COMMANDS = ("backfill", "check", "demo", "digest", "healthcheck", "roster", "simulate")
"""Each is the function of that name in the module of that name."""


def _interval(text: str) -> float:
    """Seconds of a duration, at least one. Raises: ValueError."""
    from gong_exporter.config.durations import parse_duration  # noqa: PLC0415 - hardly ever needed

    seconds = parse_duration(text)
    if seconds < 1:
        raise ValueError(f"{text!r} is too short; the shortest is 1s")
    return seconds


class LazyGroup(click.Group):
    """A group that imports a command only when it runs or is shown in ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, sorted."""
        return sorted(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See Group; the error for an unknown command names the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from gong_exporter.common.problems import hint  # noqa: PLC0415 - hardly ever needed

            message = f"{error.message.rstrip('.')}; {hint(args[0], COMMANDS)}"
            raise click.UsageError(message, ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - same
        """The command of a name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"gong_exporter.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@common_options
@click.option(
    "--web.listen-address",
    "listen_addresses",
    metavar="[HOST]:PORT",
    multiple=True,
    help=f"Address to serve on; may be repeated. Port 0 picks one. [default: {DEFAULT_ADDRESS}]",
)
@click.option(
    "--web.telemetry-path",
    "telemetry_path",
    default="/metrics",
    show_default=True,
    metavar="PATH",
    help="Path of the metrics.",
)
@click.option(
    "--web.config.file",
    "web_config_file",
    type=PATH,
    metavar="PATH",
    help="TLS, users and headers, in the Prometheus exporter-toolkit's format.",
)
@click.option(
    "--web.systemd-socket",
    "systemd_socket",
    is_flag=True,
    help="Serve on the sockets that systemd passes, instead of --web.listen-address.",
)
@click.option(
    "--web.enable-lifecycle",
    "lifecycle",
    is_flag=True,
    help="Allow POST /-/reload (SIGHUP always reloads).",
)
@click.option(
    "--web.health-without-password",
    "health_without_password",
    is_flag=True,
    help="Serve /-/healthy and /-/ready without a password.",
)
@click.option(
    "--config.enable-auto-reload",
    "auto_reload",
    is_flag=True,
    help="Follow the configuration and the roster file, and reload when their content changes.",
)
@click.option(
    "--config.auto-reload-interval",
    "auto_reload_interval",
    type=Parsed("duration", _interval),
    default=30.0,
    metavar="DURATION",
    help="Time between two looks at these files. [default: 30s]",
)
@click.option("--config.check", "config_check", is_flag=True, help="Same as the command check.")
@click.option(
    "--once",
    is_flag=True,
    help="Poll once, print the exposition on stdout, and exit (for cron and textfile collectors).",
)
@click.option(
    "--label",
    "labels",
    metavar="NAME=VALUE",
    multiple=True,
    help="With --once, a label for every sample, such as company=acme; may be repeated.",
)
@click.version_option(__version__, "--version", message="gong-exporter %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Prometheus exporter for Gong: per-user activity over trailing windows.

    Without a command it polls Gong on the configured schedule and serves /metrics.
    """
    web = WebOptions(
        addresses=options.pop("listen_addresses"),
        telemetry_path=options.pop("telemetry_path"),
        lifecycle=options.pop("lifecycle"),
        health_without_password=options.pop("health_without_password"),
        config_file=options.pop("web_config_file"),
        systemd_socket=options.pop("systemd_socket"),
    )
    auto_reload, interval = options.pop("auto_reload"), options.pop("auto_reload_interval")
    config_check, once = options.pop("config_check"), options.pop("once")
    labels = options.pop("labels")
    if labels and not once:
        raise click.UsageError("--label needs --once")
    if ctx.invoked_subcommand is not None:
        ctx.obj = {**options, "web": web}
        return
    from gong_exporter.cli import check, serve, session  # noqa: PLC0415 - they import everything

    this = session.open_session(ctx, options)
    if config_check:
        check.run_check(this, web, live=False)
    elif once:
        serve.poll_once(this, labels)
    else:
        serve.serve(this, web, interval if auto_reload else None)
