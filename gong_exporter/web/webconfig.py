"""The exporter-toolkit's web configuration file: from its text to records, every mistake named.

Its reference: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md.
Where this reading is stricter is listed in ``docs/web.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from gong_exporter.web.ciphers import CIPHERS, TLS13_CIPHERS
from gong_exporter.web.yamltree import Tree, WebConfigError

__all__ = ["TlsSettings", "WebConfig", "WebConfigError", "parse_web_config"]

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]

_CLIENT_AUTH: Mapping[str, ClientAuth] = {
    "": "NoClientCert",
    "NoClientCert": "NoClientCert",
    "VerifyClientCertIfGiven": "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert": "RequireAndVerifyClientCert",
}
_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"}

_VERSIONS = ("TLS12", "TLS13")
_OLD_VERSIONS = {"TLS10", "TLS11"}

_TLS_KEYS = (
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# The last character of the salt stands for two bits only; bcrypt takes no other spelling of them.
_BCRYPT = re.compile(
    r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)

_UNDEFINED = re.compile(r"found undefined .*", re.DOTALL)
_IN_QUOTES = "a value that begins with * or ! needs quotes"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What ``tls_server_config`` says. A ``Path`` is a file, a ``str`` is inline PEM.

    Attributes:
        cert: the certificate, with its chain behind it.
        key: its private key.
        client_ca: who signs the certificates of clients.
        client_auth: whether clients need one.
        allowed_sans: names of which a client's certificate must carry one; empty allows any.
        min_version: ``TLS12`` or ``TLS13``.
        max_version: ``TLS12`` or ``TLS13``.
        cipher_suites: Go's names, in order; empty leaves the choice to OpenSSL.
        server_order: whether the order of ``cipher_suites`` decides, or the client's.
    """

    cert: Path | str
    key: Path | str = field(repr=False)
    client_ca: Path | str | None = None
    client_auth: ClientAuth = "NoClientCert"
    allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    server_order: bool = True

    def files(self) -> tuple[Path, ...]:
        """The files that these settings name."""
        named = (self.cert, self.key, self.client_ca)
        return tuple(source for source in named if isinstance(source, Path))


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The whole file.

    Attributes:
        tls: None serves plain HTTP.
        headers: added to every answer that has none of the name itself.
        users: bcrypt hashes by user name; empty asks nobody for a password.
    """

    tls: TlsSettings | None
    headers: Mapping[str, str]
    users: Mapping[str, str] = field(repr=False)


def parse_web_config(text: str, name: str, folder: Path) -> WebConfig:
    """Read the text of a web configuration file.

    Args:
        text: YAML.
        name: the file's, for messages.
        folder: where relative paths in it start.

    Raises:
        WebConfigError: it is not valid; the message starts with ``name`` and the line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise WebConfigError(f"{name}: {_one_line(error)}") from error
    except RecursionError as error:
        raise WebConfigError(f"{name}: not valid: it is nested too deeply") from error
    tree = Tree(root, name)
    tree.keys("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
    if tree.has("rate_limit"):
        raise tree.error(
            "rate_limit",
            "rate_limit is not supported: this server caps connections instead (see docs/web.md)",
        )
    return WebConfig(
        tls=_tls(tree.child("tls_server_config"), folder),
        headers=_http(tree.child("http_server_config")),
        users=_users(tree.child("basic_auth_users")),
    )


def _tls(tree: Tree, folder: Path) -> TlsSettings | None:
    tree.keys(*_TLS_KEYS)
    if tree.empty:
        return None
    if tree.has("curve_preferences"):
        raise tree.error(
            "curve_preferences",
            "curve_preferences is not supported: Python's TLS cannot set a list of curves",
        )
    cert, key = _source(tree, "cert", folder), _source(tree, "key", folder)
    if cert is None or key is None:
        missing = "cert" if cert is None else "key"
        raise tree.error(None, f"tls_server_config needs {missing}_file (or {missing})")
    client_ca = _source(tree, "client_ca", folder)
    client_auth = _client_auth(tree, has_ca=client_ca is not None)
    minimum, maximum = _version(tree, "min_version"), _version(tree, "max_version")
    if minimum == "TLS13" and maximum == "TLS12":
        raise tree.error("max_version", "max_version TLS12 is below min_version TLS13")
    order = tree.boolean("prefer_server_cipher_suites")
    return TlsSettings(
        cert=cert,
        key=key,
        client_ca=client_ca,
        client_auth=client_auth,
        allowed_sans=_allowed_sans(tree, client_auth),
        min_version=minimum or "TLS12",
        max_version=maximum or "TLS13",
        cipher_suites=_cipher_suites(tree, maximum),
        server_order=True if order is None else order,
    )


def _source(tree: Tree, key: str, folder: Path) -> Path | str | None:
    inline, path = tree.text(key), tree.text(f"{key}_file")
    if inline and path:
        raise tree.error(key, f"{key} and {key}_file are both given: keep one")
    if path and "-----BEGIN" in path:
        # Not shown, as the name of a file that is not there would be: it may be the private key.
        what = f"{key}_file holds PEM and not the name of a file: {key} is for that"
        raise tree.error(f"{key}_file", what)
    return inline or (folder / path if path else None)


def _client_auth(tree: Tree, *, has_ca: bool) -> ClientAuth:
    key = "client_auth_type"
    given = tree.text(key) or ""
    if given in _UNVERIFIED:
        raise tree.error(
            key,
            f"client_auth_type {given} is not supported: Python's TLS verifies every certificate"
            " that it asks for. Use RequireAndVerifyClientCert or VerifyClientCertIfGiven",
        )
    if given not in _CLIENT_AUTH:
        raise tree.error(key, tree.unknown("client_auth_type", given, filter(None, _CLIENT_AUTH)))
    auth = _CLIENT_AUTH[given]
    if has_ca and auth == "NoClientCert":
        raise tree.error(
            "client_ca_file" if tree.has("client_ca_file") else "client_ca",
            "a client CA without a client_auth_type asks no client for a certificate:"
            " set RequireAndVerifyClientCert",
        )
    if not has_ca and auth != "NoClientCert":
        raise tree.error(key, f"client_auth_type {auth} needs client_ca_file (or client_ca)")
    return auth


def _allowed_sans(tree: Tree, auth: ClientAuth) -> tuple[str, ...]:
    key = "client_allowed_sans"
    sans = tree.texts(key)
    if sans is None:
        return ()
    if auth != "RequireAndVerifyClientCert":
        raise tree.error(key, f"{key} needs client_auth_type RequireAndVerifyClientCert")
    if not sans:
        raise tree.error(key, f"{key} is empty: no client could connect")
    return sans


def _version(tree: Tree, key: str) -> str | None:
    given = tree.text(key)
    if given in _OLD_VERSIONS:
        raise tree.error(key, f"{key} {given} is not supported: TLS below 1.2 is not offered")
    if given is not None and given not in _VERSIONS:
        raise tree.error(key, tree.unknown("TLS version", given, _VERSIONS))
    return given


def _cipher_suites(tree: Tree, maximum: str | None) -> tuple[str, ...]:
    key = "cipher_suites"
    suites = tree.texts(key) or ()
    for suite in suites:
        if suite not in CIPHERS and suite not in TLS13_CIPHERS:
            raise tree.error(key, f"unknown or insecure cipher suite {suite!r}")
    if suites and maximum == "TLS12" and not any(suite in CIPHERS for suite in suites):
        raise tree.error(key, f"{key} names no suite of TLS 1.2, and max_version is TLS12")
    return suites


def _http(tree: Tree) -> Mapping[str, str]:
    tree.keys("http2", "headers")
    tree.boolean("http2")
    headers = tree.child("headers")
    headers.keys(*_HEADERS)
    found = {}
    for name, allowed in _HEADERS.items():
        value = "" if headers.empty_at(name) else headers.text(name)
        if value is None:
            continue
        if allowed and value not in allowed:
            raise headers.error(name, f"{name} must be {' or '.join(allowed)}, not {value!r}")
        if not _HEADER_VALUE.fullmatch(value):
            raise headers.error(name, f"{name} must be one line of ASCII")
        if value:
            found[name] = value
    return found


def _users(tree: Tree) -> Mapping[str, str]:
    users = {}
    for name in tree.names():
        # A name is not shown where it may be a name and the password itself.
        if tree.empty_at(name):
            what = "basic_auth_users: a name without a bcrypt hash (is a colon missing behind it?)"
            raise tree.error(name, what)
        if ":" in name:
            raise tree.error(
                name,
                "basic_auth_users: a name with a colon in it can never log in"
                " (is a space missing behind it?)",
            )
        password_hash = tree.text(name) or ""
        if not _BCRYPT.fullmatch(password_hash):
            # The value is not shown: somebody may have typed the password itself.
            raise tree.error(
                name,
                f"basic_auth_users: the value of {name!r} is not a bcrypt hash"
                " (make one with: htpasswd -nBC 10 USER)",
            )
        users[name] = password_hash
    return users


def _one_line(error: yaml.YAMLError) -> str:
    # The error's own text quotes the line, which may hold a secret; so may the name of an alias.
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    problem = getattr(error, "problem", None) or "unreadable character"
    return f"{where}not valid YAML: {_UNDEFINED.sub(_IN_QUOTES, problem)}"
