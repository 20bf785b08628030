"""The exporter-toolkit's web configuration file: its keys and values, with every mistake located.

Its reference: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md.
Where this reader is stricter is listed in ``docs/deploy.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from gong_exporter.common.nearest import hint, quoted
from gong_exporter.common.sections import (
    AtKey,
    Rejected,
    Section,
    in_folder,
    one_of,
    problems,
    single,
)
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.web.ciphers import CIPHERS, CURVES, TLS13_CIPHERS

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]

_CLIENT_AUTH = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"}
_VERSIONS = ("TLS12", "TLS13")
_OLD_VERSIONS = {"TLS10", "TLS11"}

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and their values; any value where none is listed."""

_NO_DURATION = re.compile(r"0+(\.0*)?([num\u00b5]?s|m|h)?")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_TRUE = {"true", "yes", "on", "y"}
_FALSE = {"false", "no", "off", "n"}
# The last character of the salt stands for two bits only; bcrypt takes no other spelling of them.
_BCRYPT = re.compile(
    r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)


class WebConfigError(Exception):
    """A web configuration file that cannot be used. The message has a line for each problem."""


def _path(text: str) -> Path | None:
    if "-----BEGIN" in text:
        # Not shown, as the name of a file that does not exist would be: it may be a private key.
        raise ValueError("holds PEM and not the name of a file; the key without _file is for that")
    return Path(text) if text else None


def _client_auth(text: str) -> str:
    if text in _UNVERIFIED:
        raise ValueError(
            f"{text} is not supported: Python's TLS verifies every certificate that it asks for."
            " Use RequireAndVerifyClientCert or VerifyClientCertIfGiven"
        )
    return one_of("type", _CLIENT_AUTH)(text) if text else "NoClientCert"


def _version(text: str) -> str:
    if text in _OLD_VERSIONS:
        raise ValueError(f"{text} is not supported: TLS below 1.2 is not offered")
    return one_of("TLS version", _VERSIONS)(text)


def _boolean(value: object) -> bool:
    """An unquoted true or false, in YAML 1.1's spellings."""
    if not isinstance(value, Scalar) or not value.plain or value.lower() not in _TRUE | _FALSE:
        raise ValueError("must be true or false, without quotes")
    return value.lower() in _TRUE


def _entries(read: Callable[[str, object], str]) -> Callable[[object], Mapping[str, str]]:
    """A validator for a section with keys of the operator's; ``read`` raises ValueError."""

    def validate(value: object) -> Mapping[str, str]:
        if not isinstance(value, Keys):
            raise Rejected.whole("must be a section with keys of its own")
        entries: dict[str, str] = {}
        wrong: list[tuple[int, str]] = []
        for name, node in value.items():
            try:
                entries[name] = read(name, node)
            except ValueError as error:
                wrong.append((value.lines[name], str(error)))
        if wrong:
            raise Rejected(wrong)
        return {name: text for name, text in entries.items() if text}

    return validate


def _header(name: str, node: object) -> str:
    if name not in _HEADERS:
        raise ValueError(f"unknown header {quoted(name)}; {hint(name, _HEADERS)}")
    if not isinstance(node, Scalar):
        raise ValueError(f"{name} must be a single value")  # noqa: TRY004 - pydantic handles ValueError
    text = "" if node.null else str(node)
    allowed = _HEADERS[name]
    if allowed and text not in allowed:
        raise ValueError(f"{name} must be {' or '.join(allowed)}, not {text!r}")
    if not _HEADER_VALUE.fullmatch(text):
        raise ValueError(f"{name} must be one line of ASCII")
    return text


def _user(name: str, node: object) -> str:
    """The hash of a user. A name is not shown where it may hold the password itself."""
    if isinstance(node, Scalar) and node.null:
        raise ValueError("a name without a bcrypt hash (is a colon missing behind it?)")
    if ":" in name:
        raise ValueError(
            "a name with a colon in it can never log in (is a space missing behind it?)"
        )
    if not isinstance(node, Scalar) or not _BCRYPT.fullmatch(node):
        # The value is not shown either: it may be the password itself.
        raise ValueError(
            f"the value of {name!r} is not a bcrypt hash (make one with: htpasswd -nBC 10 USER)"
        )
    return str(node)


_Text = Annotated[str, single(str)]
_File = Annotated[Path | None, AfterValidator(in_folder), single(_path)]
_Version = Annotated[Literal["TLS12", "TLS13"], single(_version)]
_Boolean = Annotated[bool, PlainValidator(_boolean)]
_Curve = Annotated[str, single(one_of("curve", CURVES))]
_Suite = Annotated[str, single(one_of("or insecure cipher suite", (*CIPHERS, *TLS13_CIPHERS)))]


_Names = tuple[_Text, ...]
_Headers = Annotated[Mapping[str, str], PlainValidator(_entries(_header))]
_Users = Annotated[Mapping[str, str], PlainValidator(_entries(_user))]


class _WebSection(Section):
    """Null is as good as no key, as in Go."""

    null_is_absent = True


class TlsSettings(_WebSection):
    """``tls_server_config``; the keys mean what they mean in the toolkit.

    Attributes:
        cert, key, client_ca: inline PEM. Their ``_file`` twins are absolute paths.
        client_auth_type: with one that verifies and without a CA, the system's roots are trusted,
            as in Go.
        cipher_suites: Go's names, in order; empty leaves the choice to OpenSSL.
        curve_preferences: likewise.
        prefer_server_cipher_suites: the order of ``cipher_suites`` decides, or the client's.
    """

    cert: _Text = ""
    cert_file: _File = None
    key: _Text = Field("", repr=False)
    key_file: _File = None
    client_ca: _Text = ""
    client_ca_file: _File = None
    client_auth_type: Annotated[ClientAuth, single(_client_auth)] = "NoClientCert"
    client_allowed_sans: _Names | None = None
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    cipher_suites: tuple[_Suite, ...] = ()
    prefer_server_cipher_suites: _Boolean = True
    curve_preferences: tuple[_Curve, ...] = ()

    @property
    def cert_source(self) -> Path | str:
        """The certificate, with its chain behind it: a file, or inline PEM."""
        return self.cert_file or self.cert

    @property
    def key_source(self) -> Path | str:
        """The private key, likewise."""
        return self.key_file or self.key

    @property
    def client_ca_source(self) -> Path | str | None:
        """Who signs the certificates of clients, likewise; None when no CA is given."""
        return self.client_ca_file or self.client_ca or None

    def files(self) -> tuple[Path, ...]:
        """The files that these settings name."""
        named = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(path for path in named if path is not None)

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        for name in ("cert", "key", "client_ca"):
            inline, path = getattr(self, name), getattr(self, f"{name}_file")
            if inline and path:
                raise AtKey(name, f"is given beside {name}_file: keep one")
            if not inline and not path and name != "client_ca":
                raise AtKey(f"{name}_file", f"is missing (or {name}, inline)")
        return self

    @model_validator(mode="after")
    def _check_clients(self) -> Self:
        auth, sans = self.client_auth_type, self.client_allowed_sans
        if self.client_ca_source and auth == "NoClientCert":
            raise AtKey(
                "client_ca_file" if self.client_ca_file else "client_ca",
                "a client CA without a client_auth_type asks no client for a certificate:"
                " set RequireAndVerifyClientCert",
            )
        if sans is not None and auth != "RequireAndVerifyClientCert":
            raise AtKey("client_allowed_sans", "needs client_auth_type RequireAndVerifyClientCert")
        if sans == ():
            raise AtKey("client_allowed_sans", "is an empty list: no client could connect")
        return self

    @model_validator(mode="after")
    def _check_versions(self) -> Self:
        if self.min_version > self.max_version:
            what = f"{self.max_version} is below min_version {self.min_version}"
            raise AtKey("max_version", what)
        suites = self.cipher_suites
        if suites and self.max_version == "TLS12" and not any(name in CIPHERS for name in suites):
            raise AtKey("cipher_suites", "names no suite of TLS 1.2, and max_version is TLS12")
        return self


def _no_interval(text: str) -> str:
    if not _NO_DURATION.fullmatch(text):
        raise ValueError(
            "a rate limit is not supported: this server caps connections instead (see"
            " docs/deploy.md); 0 is none"
        )
    return text


class RateLimit(_WebSection):
    """``rate_limit``, which may only be off: requests are not limited by rate here."""

    interval: Annotated[str, single(_no_interval)] = "0"
    burst: _Text = "0"


class HttpSettings(_WebSection):
    """``http_server_config``. HTTP/2 is not served, so ``http2`` changes nothing."""

    http2: _Boolean = True
    headers: _Headers = Field({})


class WebConfig(_WebSection):
    """The whole file.

    Attributes:
        tls_server_config: None serves plain HTTP.
        http_server_config: headers for every response that does not set them itself.
        basic_auth_users: bcrypt hashes by user name; empty asks for no password.
    """

    tls_server_config: TlsSettings | None = None
    http_server_config: HttpSettings = HttpSettings()
    basic_auth_users: _Users = Field({}, repr=False)
    rate_limit: RateLimit = RateLimit()

    @field_validator("tls_server_config", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None


def parse_web_config(text: str, name: str, folder: Path) -> WebConfig:
    """Read the text of a web configuration file.

    Args:
        text: YAML.
        name: the file's name, for messages.
        folder: where relative paths in it start.

    Raises:
        WebConfigError: it is not valid; each line of the message starts with ``name`` and the line.
    """
    document = parse_yaml(text, folded_values=True)
    found = list(document.problems)
    if not found:
        try:
            config = WebConfig.model_validate(document.root, context=folder)
        except ValidationError as error:
            found += problems(error, WebConfig, document.root)
    if found:
        raise WebConfigError("\n".join(problem.located(name) for problem in sorted(found)))
    return config
