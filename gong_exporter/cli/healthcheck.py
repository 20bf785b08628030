"""``healthcheck``: asks the running exporter's /-/healthy; for images without a shell."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

import click
import requests
import urllib3
from urllib3.exceptions import InsecureRequestWarning

from gong_exporter.cli.options import common_options, fail, resolve
from gong_exporter.cli.run import DEFAULT_ADDRESS, Serving, web_config_file
from gong_exporter.web.handshake import SPEAKS_HTTPS

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
@click.option(
    "--web.config.file",
    "web_config",
    metavar="PATH",
    help="The exporter's; without it, TLS is found out by asking.",
)
@click.pass_context
def healthcheck(
    ctx: click.Context, /, address: str | None, web_config: str | None, **options: Any
) -> None:
    """Ask the running exporter whether it is healthy; exits 0 or 1."""
    before: Serving = ctx.obj["serving"]
    resolve(ctx, options)
    config = web_config_file(replace(before, config_file=web_config or before.config_file))
    tls = None if config is None else config.security.context
    guarded = tls is not None and tls.verify_mode is ssl.CERT_REQUIRED
    where = address or (before.addresses[0] if before.addresses else DEFAULT_ADDRESS)
    try:
        answer = _ask(f"http{'s' * (tls is not None)}://{_reachable(where)}/-/healthy", guarded)
        if answer.text == SPEAKS_HTTPS:
            answer = _ask(f"https://{_reachable(where)}/-/healthy", guarded)
    except _ClientCertificateWanted:
        click.echo(_GUARDED.format(what="a client certificate"))
        return
    if answer.status_code == requests.codes.unauthorized:
        click.echo(_GUARDED.format(what="a password"))
        return
    if not answer.ok:
        fail(f"{answer.url} answered {answer.status_code}: {answer.text.strip()[:300]}")
    click.echo(answer.text.strip())


class _ClientCertificateWanted(Exception):
    """The server is there, and ends the handshake for want of one."""


def _ask(url: str, guarded: bool) -> requests.Response:  # noqa: FBT001 - of this file alone
    """What it answers; ends the command when that is nothing.

    Args:
        url: to ask.
        guarded: it is known to want a client certificate, however it refuses us.

    Raises:
        _ClientCertificateWanted: it refuses us for want of one.
    """
    urllib3.disable_warnings(InsecureRequestWarning)  # see below: it is known and meant
    session = requests.Session()
    session.trust_env = False  # no proxy lies between us and this machine
    try:
        # The certificate names the machine as others know it; nothing secret is sent.
        return session.get(url, timeout=TIMEOUT, verify=False)
    except requests.exceptions.SSLError as error:
        # By TLS 1.3, and by TLS 1.2.
        if guarded or any(f"ALERT_{why}" in str(error) for why in _WANTED):
            raise _ClientCertificateWanted from error
        fail(f"{url} does not answer ({type(error).__name__})")
    except requests.RequestException as error:
        fail(f"{url} does not answer ({type(error).__name__})")


_WANTED = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_GUARDED = "the server answers, and wants {what}: whether the poll loop is alive cannot be seen"


def _reachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - listening everywhere means here too
        host = "127.0.0.1"
    return f"{host}:{port}"
