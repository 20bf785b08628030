"""``healthcheck``: asks the running exporter's /-/healthy; for images without a shell."""

from __future__ import annotations

from typing import Any

import click
import requests

from gong_exporter.cli.options import common_options, fail, resolve

TIMEOUT = 5.0
"""Seconds for an answer; the poll loop does not delay it."""


@click.command()
@common_options
@click.option(
    "--web.listen-address",
    "address",
    metavar="[HOST]:PORT",
    help="Where the exporter serves. [default: as given before the command, or :14664]",
)
@click.pass_context
def healthcheck(ctx: click.Context, /, address: str | None, **options: Any) -> None:
    """Ask the running exporter whether it is healthy; exits 0 or 1."""
    before = ctx.obj["serving"].addresses
    resolve(ctx, options)
    url = f"http://{_reachable(address or (before[0] if before else ':14664'))}/-/healthy"
    session = requests.Session()
    session.trust_env = False  # no proxy lies between us and this machine
    try:
        answer = session.get(url, timeout=TIMEOUT)
    except requests.RequestException as error:
        fail(f"{url} does not answer ({type(error).__name__})")
    if not answer.ok:
        fail(f"{url} answered {answer.status_code}: {answer.text.strip()[:300]}")
    click.echo(answer.text.strip())


def _reachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - listening everywhere means here too
        host = "127.0.0.1"
    return f"{host}:{port}"
