"""The exporter-toolkit's web configuration file: its keys and values, with every mistake located.

Its reference: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md.
Where this reader is stricter is listed in ``docs/deploy.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationError, field_validator

from gong_exporter.common.problems import hint, quoted
from gong_exporter.common.sections import Rejected, problems, single
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.web.tls_settings import Boolean, Text, TlsSettings, WebSection

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
# The last character of the salt stands for two bits only; bcrypt takes no other spelling of them.
_BCRYPT = re.compile(
    r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)


class WebConfigError(Exception):
    """A web configuration file that cannot be used. The message has a line for each problem."""


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


_Headers = Annotated[Mapping[str, str], PlainValidator(_entries(_header))]
_Users = Annotated[Mapping[str, str], PlainValidator(_entries(_user))]


def _no_interval(text: str) -> str:
    if not _NO_DURATION.fullmatch(text):
        raise ValueError(
            "a rate limit is not supported: this server caps connections instead (see"
            " docs/deploy.md); 0 is none"
        )
    return text


class RateLimit(WebSection):
    """``rate_limit``, which may only be off: requests are not limited by rate here."""

    interval: Annotated[str, single(_no_interval)] = "0"
    burst: Text = "0"


class HttpSettings(WebSection):
    """``http_server_config``. HTTP/2 is not served, so ``http2`` changes nothing."""

    http2: Boolean = True
    headers: _Headers = Field({})


class WebConfig(WebSection):
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

    Relative paths in it start in ``folder``; ``name`` is the file's, for messages.

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
