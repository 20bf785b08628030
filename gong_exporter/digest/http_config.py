"""``--http.config.file``: how to reach a protected exporter.

The keys are those of Prometheus's HTTP clients that a scrape of this exporter needs:
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config.
"""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.problems import Problem
from gong_exporter.common.sections import AtKey, YamlSection, in_folder, problems, single
from gong_exporter.common.yaml import parse_yaml
from gong_exporter.config.values import switch

MAX_FILE_BYTES = 1024 * 1024
"""Of the configuration, and of every file that it names."""


class HttpConfigError(Exception):
    """The file, or one that it names, cannot be used. The message has a line for each problem."""


def _path(text: str) -> Path:
    if not text or "-----BEGIN" in text:
        # Not repeated, because it may be a private key.
        raise ValueError("must be the name of a file")
    return Path(text)


_Text = Annotated[str, single(str)]
_File = Annotated[Path | None, AfterValidator(in_folder), single(_path)]


class _HttpSection(YamlSection):
    """A key without a value is the same as no key, as in Prometheus."""

    null_is_absent = True


class BasicAuth(_HttpSection):
    """``basic_auth``: a user name, and its password inline or in a file."""

    username: _Text = ""
    password: _Text | None = Field(None, repr=False)
    password_file: _File = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file:
            raise AtKey("password", "is given beside password_file: keep one")
        return self

    def header(self) -> str:
        """The value of the header ``Authorization``. Raises: HttpConfigError."""
        password = self.password or ""
        if self.password_file:
            password = _secret("basic_auth.password_file", self.password_file)
        pair = f"{self.username}:{password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


class Authorization(_HttpSection):
    """``authorization``: a token, for a proxy in front of the exporter."""

    type: _Text = "Bearer"
    credentials: _Text | None = Field(None, repr=False)
    credentials_file: _File = None

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.credentials is not None and self.credentials_file:
            raise AtKey("credentials", "is given beside credentials_file: keep one")
        return self

    def header(self) -> str:
        """The value of the header ``Authorization``. Raises: HttpConfigError."""
        token = self.credentials or ""
        if self.credentials_file:
            token = _secret("authorization.credentials_file", self.credentials_file)
        value = f"{self.type} {token}"
        if not value.isascii() or not value.isprintable():  # an error of the HTTP library shows it
            raise HttpConfigError("authorization: the token has a character that no token has")
        return value


class TlsConfig(_HttpSection):
    """``tls_config``: which server is trusted, and which certificate is shown to it.

    Attributes:
        ca_file: who signs the server's certificate; the system's authorities without it.
        server_name: that the certificate has to name, instead of the host in the URL.
    """

    ca_file: _File = None
    cert_file: _File = None
    key_file: _File = None
    server_name: _Text = ""
    insecure_skip_verify: Annotated[bool, single(switch)] = False

    @model_validator(mode="after")
    def _cert_with_key(self) -> Self:
        for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
            if getattr(self, one) and not getattr(self, other):
                raise AtKey(one, f"needs {other}")
        return self

    def context(self) -> ssl.SSLContext:
        """The settings of a connection. Raises: HttpConfigError."""
        files = [str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file]
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file and self.key_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:
            raise HttpConfigError(f"tls_config: {', '.join(files)}: {error}") from None
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class HttpConfig(_HttpSection):
    """The whole file."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig = TlsConfig()

    @model_validator(mode="after")
    def _one_header(self) -> Self:
        if self.basic_auth and self.authorization:
            raise AtKey("authorization", "is given beside basic_auth: keep one")
        return self

    def headers(self) -> dict[str, str]:
        """The headers that authenticate us. Raises: HttpConfigError."""
        section = self.basic_auth or self.authorization
        return {"Authorization": section.header()} if section else {}


def read_http_config(path: Path) -> HttpConfig:
    """Read the file. Raises: HttpConfigError."""
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode("utf-8")
    except UnreadableFile as error:
        raise HttpConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise HttpConfigError(f"{path}: is not UTF-8") from None
    document = parse_yaml(text, folded_values=True)
    found: list[Problem] = list(document.problems)
    if not found:
        try:
            return HttpConfig.model_validate(document.root, context=path.absolute().parent)
        except ValidationError as error:
            found += problems(error, HttpConfig, document.root)
    raise HttpConfigError("\n".join(problem.located(str(path)) for problem in sorted(found)))


def _secret(key: str, path: Path) -> str:
    """The secret in a file, without white space around it, as Prometheus reads it."""
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode("utf-8").strip()
    except UnreadableFile as error:
        raise HttpConfigError(f"{key}: {path} {error}") from None
    except UnicodeDecodeError:
        raise HttpConfigError(f"{key}: {path} is not UTF-8") from None
    if not text:
        raise HttpConfigError(f"{key}: {path} is empty")
    return text
