"""``tls_server_config`` of the web configuration: its keys and values, and Go's names in them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from gong_exporter.common.sections import AtKey, YamlSection, in_folder, one_of, single
from gong_exporter.common.yaml import Scalar

CIPHERS: Mapping[str, str] = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Go's names of the suites up to TLS 1.2, and OpenSSL's."""

TLS13_CIPHERS = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
"""The suites of TLS 1.3: always on, in Go as here; naming them changes nothing."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
    "X25519MLKEM768": "X25519MLKEM768",
}
"""Go's names of the curves, and OpenSSL's."""

VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

CLIENT_AUTH: Mapping[str, ssl.VerifyMode] = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"}
_OLD_VERSIONS = {"TLS10", "TLS11"}

_TRUE = {"true", "yes", "on", "y"}
_FALSE = {"false", "no", "off", "n"}


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
    return one_of("type", CLIENT_AUTH)(text) if text else "NoClientCert"


def _version(text: str) -> str:
    if text in _OLD_VERSIONS:
        raise ValueError(f"{text} is not supported: TLS below 1.2 is not offered")
    return one_of("TLS version", VERSIONS)(text)


def _boolean(value: object) -> bool:
    """An unquoted true or false, in YAML 1.1's spellings."""
    if not isinstance(value, Scalar) or not value.plain or value.lower() not in _TRUE | _FALSE:
        raise ValueError("must be true or false, without quotes")
    return value.lower() in _TRUE


Text = Annotated[str, single(str)]
_File = Annotated[Path | None, AfterValidator(in_folder), single(_path)]
_Version = Annotated[str, single(_version)]
Boolean = Annotated[bool, PlainValidator(_boolean)]
_Curve = Annotated[str, single(one_of("curve", CURVES))]
_Suite = Annotated[str, single(one_of("or insecure cipher suite", (*CIPHERS, *TLS13_CIPHERS)))]


_Names = tuple[Text, ...]


class WebSection(YamlSection):
    """Null is as good as no key, as in Go."""

    null_is_absent = True


class TlsSettings(WebSection):
    """``tls_server_config``; the keys mean what they mean in the toolkit.

    Attributes:
        cert, key, client_ca: inline PEM. Their ``_file`` twins are absolute paths.
        client_auth_type: with one that verifies and without a CA, the system's roots are trusted,
            as in Go.
        cipher_suites: Go's names, in order; empty leaves the choice to OpenSSL.
        curve_preferences: likewise.
        prefer_server_cipher_suites: the order of ``cipher_suites`` decides, or the client's.
    """

    cert: Text = ""
    cert_file: _File = None
    key: Text = Field("", repr=False)
    key_file: _File = None
    client_ca: Text = ""
    client_ca_file: _File = None
    client_auth_type: Annotated[str, single(_client_auth)] = "NoClientCert"
    client_allowed_sans: _Names | None = None
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    cipher_suites: tuple[_Suite, ...] = ()
    prefer_server_cipher_suites: Boolean = True
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
