"""``healthcheck``: asks the running exporter's /-/healthy; for images without a shell."""

from __future__ import annotations

import ssl
from typing import Any

import click
import requests
import urllib3
from urllib3.exceptions import InsecureRequestWarning

from gong_exporter.cli.options import common_options, fail, resolve
from gong_exporter.cli.run import DEFAULT_ADDRESS, Serving, web_config_file

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
    serving: Serving = ctx.obj["serving"]
    resolve(ctx, options)
    config = web_config_file(serving)
    tls = None if config is None else config.security.context
    scheme = "http" if tls is None else "https"
    where = address or (serving.addresses[0] if serving.addresses else DEFAULT_ADDRESS)
    url = f"{scheme}://{_reachable(where)}/-/healthy"
    urllib3.disable_warnings(InsecureRequestWarning)  # see below: it is known and meant
    session = requests.Session()
    session.trust_env = False  # no proxy lies between us and this machine
    try:
        # The certificate names the machine as others know it; nothing secret is sent.
        answer = session.get(url, timeout=TIMEOUT, verify=False)
    except requests.RequestException as error:
        refused = isinstance(error, requests.exceptions.SSLError)
        if refused and tls is not None and tls.verify_mode is ssl.CERT_REQUIRED:
            click.echo(_GUARDED.format(what="a client certificate"))
            return
        fail(f"{url} does not answer ({type(error).__name__})")
    if answer.status_code == requests.codes.unauthorized:
        click.echo(_GUARDED.format(what="a password"))
        return
    if not answer.ok:
        fail(f"{url} answered {answer.status_code}: {answer.text.strip()[:300]}")
    click.echo(answer.text.strip())


_GUARDED = "the server answers, and wants {what}: whether the poll loop is alive cannot be seen"


def _reachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - listening everywhere means here too
        host = "127.0.0.1"
    return f"{host}:{port}"
