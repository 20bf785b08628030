"""``demo``: the simulator and the real exporter together, on loopback; nothing to configure."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import Any

import click

from gong_exporter.cli.demo_text import describe_planted
from gong_exporter.cli.options import PATH, WebOptions, common_options
from gong_exporter.cli.serve import keep_running, listening_sockets, route_options, web_config_file
from gong_exporter.cli.session import open_session
from gong_exporter.cli.simulate import Simulated, simulated, simulation_options
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.exposition.body import once_text
from gong_exporter.runtime.app import Exporter
from gong_exporter.runtime.signals import Signals
from gong_exporter.runtime.user_labels import checked_roster
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.web.sockets import ListenError, bind, describe

DEMO_ADDRESS = "127.0.0.1:14664"
FIRST_POLL_TIMEOUT = 60.0
"""Seconds to wait for the first poll before printing the URLs anyway."""

POLL_CHECK_INTERVAL = 0.05
"""Seconds."""

_CONFIG = """\
gong:
  base_url: {url}
  access_key: {key}
activity:
  roster: gong
  roster_labels: [name, team, manager, title]
poll:
  interval: 5m
state:
  file: {state}
"""


@click.command()
@common_options
@click.option(
    "--web.listen-address",
    "address",
    metavar="[HOST]:PORT",
    help=f"Where the exporter serves. [default: {DEMO_ADDRESS}, or a free port]",
)
@click.option(
    "--web.config.file",
    "web_config",
    type=PATH,
    metavar="PATH",
    help="TLS, users and headers, in the Prometheus exporter-toolkit's format.",
)
@simulation_options
@click.pass_context
def demo(
    ctx: click.Context, /, address: str | None, web_config: str | None, **options: Any
) -> None:
    """Show the exporter at work against a simulated company; no Gong account needed."""
    before: WebOptions = ctx.obj["web"]
    web = replace(
        before,
        addresses=(address,) if address else before.addresses,
        config_file=web_config or before.config_file,
    )
    guarded = web_config_file(web)
    wanted = simulated(options)
    session = open_session(ctx, options, log_level="warn")
    company = wanted.company(eventful=True)
    with ExitStack() as stack:
        signals = Signals()
        stack.enter_context(signals.handlers_installed())
        simulator = stack.enter_context(Simulator(company, wanted.options))
        # A poll that is cut off by Ctrl-C may still write to its state file.
        scratch = tempfile.TemporaryDirectory(prefix="gong-demo-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(scratch))
        config = _config(folder, simulator, wanted)
        sockets = _sockets(web)
        routes = route_options(web)
        events = describe_planted(company, wanted.events, wanted.seed)
        keep_running(
            lambda: Exporter(
                config=config,
                load=lambda: _config(folder, simulator, wanted),
                sockets=sockets,
                options=routes,
                log=session.log(),
                redactor=session.redactor,
                web_config=guarded,
            ),
            signals,
            lambda exporter: _introduce(
                exporter,
                simulator,
                describe(sockets[0]),
                web.telemetry_path,
                events,
                tls=guarded is not None and guarded.security.context is not None,
            ),
        )


def _config(folder: Path, simulator: Simulator, wanted: Simulated) -> Config:
    """Write the configuration file of the demo and load it."""
    path = folder / "config.yaml"
    path.write_text(
        _CONFIG.format(
            url=simulator.url,
            key=wanted.options.access_key,
            state=folder / "gong-exporter.db",
        )
    )
    # Without real credentials, which the demo must not send anywhere.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GONG_")}
    environ["GONG_ACCESS_KEY_SECRET"] = wanted.options.access_key_secret
    return load_config(path, environ, checked_roster)


def _sockets(web: WebOptions) -> list[socket]:
    if web.systemd_socket or web.addresses:
        return listening_sockets(web)
    try:
        return [bind(DEMO_ADDRESS)]
    except ListenError as error:  # another process has the port, perhaps another demo
        click.echo(f"{error}; using a free port instead.", err=True)
        return [bind("127.0.0.1:0")]


def _introduce(
    exporter: Exporter, simulator: Simulator, address: str, path: str, events: str, *, tls: bool
) -> None:
    """Print the URLs once there is data, and the size of the company once it is known."""
    in_time = _wait_for_first_poll(exporter, FIRST_POLL_TIMEOUT)
    if in_time and not exporter.site.ready().ok:
        click.echo(f"The first poll failed: {exporter.site.ready().reason}", err=True)
    url = f"http{'s' * tls}://{address}"
    size = _size(exporter) if in_time else "the first poll is still running"
    company = simulator.company
    scheme = "\n        scheme: https" if tls else ""
    click.echo(f"""
gong-exporter demo: {size}

  Metrics      {url}{path}
  Status page  {url}/
  Gong API     {simulator.url}/v2/stats/activity/aggregate   (simulated, {company.time_zone.key})

  curl -s{"k" * tls} {url}{path} | grep -m 5 ^gong_user_activity

  Prometheus scrape config:
    scrape_configs:
      - job_name: gong{scheme}
        static_configs: [{{targets: ["{address}"]}}]

{events}

  The evidence appears after about a minute, when the history of 84 days is complete:
  curl -s{"k" * tls} {url}{path} | grep -E '^gong_(user_drop_return_period|team_drop_evidence)'
  Then this prints the week in sentences:
  {program()} digest --url={url}{path}

It polls every 5 minutes; the numbers change once a day.

Ctrl-C stops it.""")
    if not in_time:
        _wait_for_first_poll(exporter, math.inf)
        click.echo(f"The first poll is over: {_size(exporter)}")


def program() -> str:
    """How this process was started, for a shell: ``gong-exporter`` where that is on the path."""
    started = sys.argv[0]
    if Path(started).name == "__main__.py":
        return shlex.join(sys.orig_argv[: sys.orig_argv.index("-m") + 2])
    name = Path(started).name
    return name if shutil.which(name) == started else shlex.quote(started)


def _wait_for_first_poll(exporter: Exporter, timeout: float) -> bool:
    """Whether the first poll is over within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not exporter.first_poll_over:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_CHECK_INTERVAL)
    return True


def _size(exporter: Exporter) -> str:
    snapshot = exporter.runner.current().snapshot
    text = once_text(snapshot, exporter.runner.parts.metrics.registry)
    series = text.count(b"\ngong_user_activity{")
    return f"{len(snapshot.users)} people, {len(snapshot.windows)} windows, {series} series"
