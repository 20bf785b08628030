"""``gong-exporter``: the options of the contract, and the commands."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gong_exporter import __version__
from gong_exporter.cli.backfill import backfill
from gong_exporter.cli.check import check, run_check
from gong_exporter.cli.demo import demo
from gong_exporter.cli.healthcheck import healthcheck
from gong_exporter.cli.options import common_options, resolve
from gong_exporter.cli.run import DEFAULT_ADDRESS, Serving, poll_once, serve, web_config_file
from gong_exporter.cli.simulate import simulate


@click.group(
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
    help="Where the metrics are.",
)
@click.option(
    "--web.config.file",
    "web_config_file",
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
@click.option("--config.check", "config_check", is_flag=True, help="As the command check.")
@click.option(
    "--once",
    is_flag=True,
    help="Poll once, print the exposition on stdout, and exit (for cron and textfile collectors).",
)
@click.version_option(__version__, "--version", message="gong-exporter %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Prometheus exporter for Gong: per-user activity over trailing windows.

    Without a command it polls Gong on the configured schedule and serves /metrics.
    """
    serving = Serving(
        addresses=options.pop("listen_addresses"),
        telemetry_path=options.pop("telemetry_path"),
        lifecycle=options.pop("lifecycle"),
        config_file=options.pop("web_config_file"),
        systemd_socket=options.pop("systemd_socket"),
    )
    config_check, once = options.pop("config_check"), options.pop("once")
    if ctx.invoked_subcommand is not None:
        ctx.obj = {**options, "serving": serving}
        return
    common = resolve(ctx, options)
    if config_check:
        web_config_file(serving)
        run_check(common, live=False)
    elif once:
        poll_once(common)
    else:
        serve(common, serving)


for _command in (check, demo, simulate, healthcheck, backfill):
    cli.add_command(_command)


def main() -> None:
    """The console script. A reader that closes our stdout early is no error of ours."""
    try:
        cli(prog_name="gong-exporter")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
