"""TLS: from settings and PEM to an ``ssl.SSLContext``, and who may connect."""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gong_exporter.web.config import WebConfigError
from gong_exporter.web.connections import accepted
from gong_exporter.web.tls_settings import CIPHERS, CLIENT_AUTH, CURVES, VERSIONS, TlsSettings


@dataclass(frozen=True, slots=True)
class Material:
    """The PEM that the settings name, as read at one moment."""

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None


class _AlertingObject(ssl.SSLObject):
    """Sends the client OpenSSL's alert when the handshake fails ("certificate required").

    asyncio closes the connection without it (https://github.com/python/cpython/issues/98078), so
    the client would see an end without a reason. healthcheck, for one, needs the reason.
    """

    outgoing: ssl.MemoryBIO

    def do_handshake(self) -> None:
        """See SSLObject."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            with suppress(OSError):  # the client has gone
                accepted.get().sock.send(self.outgoing.read())
            raise


class _AlertingContext(ssl.SSLContext):
    """Gives each of its objects the buffer of bytes that OpenSSL wants to send."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002  # SSLContext's signature
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See SSLContext."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _AlertingObject):
            made.outgoing = outgoing
        return made


def build_context(settings: TlsSettings, material: Material, name: str) -> ssl.SSLContext:
    """A server context for these settings.

    Raises:
        WebConfigError: the certificate, the key, the CA or a cipher suite cannot be used. The
            message starts with ``name`` and never quotes the material.
    """
    context = _AlertingContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _AlertingObject
    context.maximum_version = VERSIONS[settings.max_version]
    context.minimum_version = VERSIONS[settings.min_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _set_ciphers(context, settings, name)
    _load_pair(context, material, name)
    _set_curves(context, settings, name)
    if material.client_ca is not None:
        _load_client_ca(context, material.client_ca, name)
    elif settings.client_auth_type != "NoClientCert":
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # as Go does without a CA
    context.verify_mode = CLIENT_AUTH[settings.client_auth_type]
    return context


def client_may_connect(allowed: frozenset[str], certificate: Mapping[str, Any] | None) -> bool:
    """Whether a client's verified certificate carries one of the allowed names.

    ``allowed`` is as ``normal_sans`` made it; empty allows everybody.
    """
    if not allowed:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    return not allowed.isdisjoint(_normal(str(value)) for _, value in names)


def normal_sans(names: tuple[str, ...]) -> frozenset[str]:
    """Names to compare with: addresses in one spelling, everything else as it is."""
    return frozenset(_normal(name) for name in names)


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _set_ciphers(context: ssl.SSLContext, settings: TlsSettings, name: str) -> None:
    if settings.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = [CIPHERS[suite] for suite in settings.cipher_suites if suite in CIPHERS]
    if suites:
        try:
            context.set_ciphers(":".join(suites))
        except ssl.SSLError as error:
            raise WebConfigError(
                f"{name}: this machine's OpenSSL offers none of the cipher suites"
            ) from error
    elif settings.cipher_suites:
        # Only suites of TLS 1.3 are named, so nothing below it can be agreed on.
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def _set_curves(context: ssl.SSLContext, settings: TlsSettings, name: str) -> None:
    curves = [CURVES[curve] for curve in settings.curve_preferences]
    if not curves:
        return
    where = f"{name}: tls_server_config.curve_preferences: "
    if len(curves) > 1:
        raise WebConfigError(f"{where}this Python's TLS can set a single curve, not a list")
    try:
        context.set_ecdh_curve(curves[0])
    except (ValueError, ssl.SSLError) as error:
        raise WebConfigError(f"{where}this machine's OpenSSL does not offer it") from error


def _load_pair(context: ssl.SSLContext, material: Material, name: str) -> None:
    def refuse_password() -> str:
        # Without this OpenSSL would ask for it on the terminal.
        raise WebConfigError(f"{name}: the private key is encrypted; give one that is not")

    if b"-----BEGIN CERTIFICATE-----" not in material.cert:
        raise WebConfigError(f"{name}: the certificate is not a PEM certificate")
    if b"PRIVATE KEY-----" not in material.key:
        raise WebConfigError(f"{name}: the key is not a PEM private key")
    try:
        with _as_file(material.cert) as cert, _as_file(material.key) as key:
            context.load_cert_chain(cert, key, password=refuse_password)
    except OSError as error:  # an SSLError is one
        raise WebConfigError(
            f"{name}: the certificate and the key cannot be used: {_reason(error)}"
        ) from error


def _load_client_ca(context: ssl.SSLContext, pem: bytes, name: str) -> None:
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        raise WebConfigError(f"{name}: the client CA holds no usable PEM certificate") from error
    # A CA that is not self-signed is trusted as it stands, as Go does.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    if reason == "KEY_VALUES_MISMATCH":
        return "they do not belong together"
    return (reason or "damaged").lower().replace("_", " ")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path at which OpenSSL finds ``content``; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pem")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.name
