"""``healthcheck``: asks the running exporter's ``/-/healthy``; for images without a shell.

A container runs it every few seconds, so it imports only the standard library.
"""

from __future__ import annotations

import http.client
import ssl
import threading
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
    check = _Check(_reachable(listening), tls)
    # Only a thread can be given up wherever it hangs: in a name lookup or in endless headers.
    thread = threading.Thread(target=check.run, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if check.healthy is None:
        fail(f"{check.url} does not answer within {TIMEOUT:g} s")
    if not check.healthy:
        fail(check.message)
    click.echo(check.message)


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
    status: int
    text: str


class _CertificateRequired(Exception):
    """The server ended the handshake because we sent no client certificate."""


class _Check:
    """One health check, run in a thread.

    ``tls`` is None if the server's settings are not known, or if it uses plain HTTP.

    Attributes:
        url: that is asked.
        healthy: None until the check is over.
        message: for people.
    """

    def __init__(self, address: str, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._scheme = "http" if tls is None else "https"
        self._needs_certificate = tls is not None and tls.verify_mode is ssl.CERT_REQUIRED
        self.healthy: bool | None = None
        self.message = ""

    @property
    def url(self) -> str:
        """The URL that is requested, or that responded."""
        return f"{self._scheme}://{self._address}/-/healthy"

    def run(self) -> None:
        """Ask, and set ``healthy`` and ``message``."""
        try:
            response = self._response()
        except _CertificateRequired:
            self._end(True, _UNKNOWN.format(what="a client certificate"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._end(False, f"{self.url} does not answer ({type(error).__name__})")
        else:
            if response.status == HTTPStatus.UNAUTHORIZED:
                self._end(True, _UNKNOWN.format(what="a password"))
            elif response.status == HTTPStatus.OK:
                self._end(True, response.text)
            else:
                self._end(False, f"{self.url} answered {response.status}: {response.text[:300]}")

    def _end(self, healthy: bool, message: str) -> None:  # noqa: FBT001 - of this class alone
        self.message = message
        self.healthy = healthy  # last: the main thread reads it first

    def _response(self) -> _Response:
        """Request the health page; over HTTP first if the scheme is not known.

        Raises: OSError, HTTPException, ValueError, _CertificateRequired.
        """
        if self._scheme == "https":
            return self._ask("https")
        error: Exception | None = None
        try:
            response = self._ask("http")
            if response.status != HTTPStatus.BAD_REQUEST:
                return response
        except (http.client.HTTPException, ConnectionResetError, BrokenPipeError) as reason:
            error = reason
        # A TLS port answers plain HTTP with 400, with an alert, or not at all.
        try:
            response = self._ask("https")
        except OSError:
            if error:
                raise error from None
        else:
            self._scheme = "https"
        return response

    def _ask(self, scheme: str) -> _Response:
        """Send one request. Raises: OSError, HTTPException, ValueError, _CertificateRequired."""
        connection = self._connection(scheme)
        try:
            connection.request("GET", "/-/healthy", headers={"Connection": "close"})
            with connection.getresponse() as response:
                body = response.read(MAX_BODY + 1)
                if len(body) > MAX_BODY:
                    raise http.client.HTTPException("the body is too long")
                response.read()  # nothing is left, or it raises IncompleteRead
        except ssl.SSLError as error:
            # By TLS 1.3, and by TLS 1.2.
            if self._needs_certificate or any(f"ALERT_{why}" in str(error) for why in _ALERTS):
                raise _CertificateRequired from error
            raise
        finally:
            connection.close()
        return _Response(response.status, body.decode(errors="replace").strip())

    def _connection(self, scheme: str) -> http.client.HTTPConnection:
        host, _, port = self._address.rpartition(":")
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


def _reachable(address: str) -> str:
    """An address to connect to, for one to listen on."""
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - listening everywhere means here too
        host = "127.0.0.1"
    return f"{host}:{port}"
