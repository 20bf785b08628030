"""``healthcheck``: asks the running exporter's ``/-/healthy``; for images without a shell.

A container runs it every few seconds, so it imports only the standard library.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from gong_exporter.cli.options import (
    DEFAULT_ADDRESS,
    PATH,
    WebOptions,
    bad_usage,
    common_options,
    fail,
    resolve,
)

TIMEOUT = 4.0
"""Seconds for everything: name lookup, connections, handshakes and responses. The process ends
within 5 s."""

MAX_BODY = 4096
"""Bytes of a body that are read. The exporter's is one short line."""


@click.command()
@common_options
@click.option(
    "--web.listen-address",
    "address",
    metavar="[HOST]:PORT",
    help="Address of the exporter. [default: the one given before the command, or :14664]",
)
@click.option(
    "--web.config.file",
    "web_config",
    type=PATH,
    metavar="PATH",
    help="The exporter's web configuration. Without it, a plain HTTP request finds out whether"
    " the port uses TLS.",
)
@click.pass_context
def healthcheck(
    ctx: click.Context, /, address: str | None, web_config: str | None, **options: Any
) -> None:
    """Ask the running exporter whether it is healthy; exits with 0 or 1."""
    web: WebOptions = ctx.obj["web"]
    resolve(ctx, options)
    config_file = web_config or web.config_file
    tls = _tls_of(config_file) if config_file else None
    listening = address or (web.addresses[0] if web.addresses else DEFAULT_ADDRESS)
    server = _reachable(listening)
    results: list[tuple[bool, str]] = []
    # Only a thread can be given up wherever it hangs: in a name lookup or in endless headers.
    thread = threading.Thread(target=lambda: results.append(_check(server, tls)), daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if not results:
        fail(f"{_url(_scheme(tls), server)} does not answer within {TIMEOUT:g} s")
    healthy, message = results[0]
    if not healthy:
        fail(message)
    click.echo(message)


def _tls_of(path: str) -> ssl.SSLContext | None:
    """The server's TLS settings; None for plain HTTP. Exits if the file cannot be used."""
    from gong_exporter.web.config import WebConfigError  # noqa: PLC0415 - only with this option
    from gong_exporter.web.watch import WebConfigFile  # noqa: PLC0415 - same

    try:
        return WebConfigFile(Path(path)).security.context
    except WebConfigError as error:
        bad_usage(str(error))


@dataclass(frozen=True, slots=True)
class _Response:
    url: str
    status: int
    text: str


class _CertificateRequired(Exception):
    """The server ended the handshake because we sent no client certificate."""


def _check(server: str, tls: ssl.SSLContext | None) -> tuple[bool, str]:
    """Ask a server. Returns whether it is healthy, and a message for people.

    ``tls`` is None if the server's settings are not known, or if it uses plain HTTP.
    """
    try:
        if tls is None:
            response = _ask_either(server)
        else:
            required = tls.verify_mode is ssl.CERT_REQUIRED
            response = _ask("https", server, certificate_required=required)
    except _CertificateRequired:
        return True, _UNKNOWN.format(what="a client certificate")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return False, f"{_url(_scheme(tls), server)} does not answer ({reason})"
    if response.status == HTTPStatus.UNAUTHORIZED:
        return True, _UNKNOWN.format(what="a password")
    if response.status == HTTPStatus.OK:
        return True, response.text
    return False, f"{response.url} answered {response.status}: {response.text[:300]}"


def _ask_either(server: str) -> _Response:
    """Send a request over HTTP, and over HTTPS if the port seems to use TLS.

    Raises: OSError, HTTPException, ValueError, _CertificateRequired.
    """
    # A TLS port answers plain HTTP with 400, with an alert, or not at all.
    try:
        response = _ask("http", server)
    except (http.client.HTTPException, ConnectionResetError, BrokenPipeError) as error:
        try:
            return _ask("https", server)
        except OSError:
            raise error from None
    if response.status == HTTPStatus.BAD_REQUEST:
        with suppress(OSError):
            return _ask("https", server)
    return response


def _ask(scheme: str, server: str, *, certificate_required: bool = False) -> _Response:
    """Send one request. Raises: OSError, HTTPException, ValueError, _CertificateRequired."""
    connection = _connection(scheme, server)
    try:
        connection.request("GET", "/-/healthy", headers={"Connection": "close"})
        with connection.getresponse() as response:
            body = response.read(MAX_BODY + 1)
            if len(body) > MAX_BODY:
                raise http.client.HTTPException("the body is too long")
            response.read()  # nothing is left, or it raises IncompleteRead
    except ssl.SSLError as error:
        # By TLS 1.3, and by TLS 1.2.
        if certificate_required or any(f"ALERT_{why}" in str(error) for why in _ALERTS):
            raise _CertificateRequired from error
        raise
    finally:
        connection.close()
    return _Response(_url(scheme, server), response.status, body.decode(errors="replace").strip())


def _connection(scheme: str, server: str) -> http.client.HTTPConnection:
    host, _, port = server.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if scheme == "http":
        return http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate names the machine as others know it, and nothing secret is sent.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT, context=context)


_ALERTS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_UNKNOWN = "the server answers, and requires {what}: whether it is healthy cannot be seen"


def _scheme(tls: ssl.SSLContext | None) -> str:
    return "http" if tls is None else "https"


def _url(scheme: str, server: str) -> str:
    return f"{scheme}://{server}/-/healthy"


def _reachable(address: str) -> str:
    """An address to connect to, for one to listen on."""
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - listening everywhere means here too
        host = "127.0.0.1"
    return f"{host}:{port}"
