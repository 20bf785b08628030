"""Secrets: values that do not print themselves, and files that are read at each use."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.gong.errors import CredentialsUnreadable

MAX_SECRET_BYTES: Final = 16_384
"""Larger than any key or token; a larger file is a mistake."""


_ACCESS_KEY_FILE: Final = "gong.access_key_file"
"""The key of the file whose content is sent as the user name."""


class Secret(SecretStr):
    """Text that no repr, str, format or log line shows, and that cannot be pickled or copied."""

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that lives in a file, read at each use, since it may be rotated.

    Attributes:
        key: the configuration's key, such as ``gong.access_key_file``.
        path: absolute.
    """

    key: str
    path: Path

    def read(self) -> Secret:
        """What the file holds now.

        Raises: CredentialsUnreadable, which names key and file, never what is in it.
        """
        outcome = self._look()
        if isinstance(outcome, str):
            raise CredentialsUnreadable(f"{self.key}: {self.path} {outcome}")
        return outcome

    def problem(self) -> str | None:
        """Why the file cannot be used now, without its name; None when it can."""
        outcome = self._look()
        return outcome if isinstance(outcome, str) else None

    def _look(self) -> Secret | str:
        """The secret, or what is wrong: an exception raised here would hold it in its frame."""
        try:
            content = read_bounded(self.path, MAX_SECRET_BYTES)
        except UnreadableFile as error:
            return str(error)
        try:
            text = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            return "is not text"
        check = access_key_problem if self.key == _ACCESS_KEY_FILE else secret_problem
        return check(text) or Secret(text)


SecretSource = Secret | SecretFile


@dataclass(slots=True)
class HashKey:
    """The key that addresses are hashed with.

    It is read from its file at each use, but one that cannot be read just now must not change
    everybody's labels: then the last one that could be read goes on being used.
    """

    source: SecretSource
    _last: Secret | None = field(default=None, init=False, repr=False, compare=False)

    def read(self) -> Secret:
        """The key. Raises: CredentialsUnreadable, only if it could never be read."""
        try:
            self._last = _read(self.source)
        except CredentialsUnreadable:
            if self._last is None:
                raise
        return self._last


@dataclass(frozen=True, slots=True)
class Credentials:
    """Gong's key, read at each use because it may be rotated.

    Attributes:
        sources: by name: ``access_key`` and ``access_key_secret``, or ``bearer_token``.
    """

    sources: Mapping[str, SecretSource]

    def read(self) -> dict[str, Secret]:
        """The secrets as they are now, by name. Raises: CredentialsUnreadable."""
        return {name: _read(source) for name, source in self.sources.items()}

    def authorization(self) -> str:
        """The Authorization header's value. Raises: CredentialsUnreadable."""
        secrets = {name: secret.get_secret_value() for name, secret in self.read().items()}
        if "bearer_token" in secrets:
            return f"Bearer {secrets['bearer_token']}"
        pair = f"{secrets['access_key']}:{secrets['access_key_secret']}"
        return "Basic " + b64encode(pair.encode()).decode()


_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|%[A-Za-z_]+%|\$[A-Za-z_]+", re.ASCII)
_STAND_IN = re.compile(
    r"<.*>|\[.*\]|\.{3,}|x{3,}|change.?me|replace.?me|todo|your[-_].*", re.ASCII | re.IGNORECASE
)


def variable_in(text: str) -> bool:
    """Whether a text has a variable's name in it, such as ``${NAME}``, which nothing replaces."""
    return _VARIABLE.search(text) is not None


def placeholder(text: str) -> str:
    """Why a secret is probably not one, without a character of it; empty when it may be one."""
    if _VARIABLE.fullmatch(text):
        return "looks like the name of a variable, which nothing replaces here"
    if _STAND_IN.fullmatch(text):
        return "looks like a placeholder for the real one"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return "begins and ends with a quote, which is sent with it"
    return ""


def secret_problem(text: str) -> str | None:
    """Why this cannot be a secret, without a character of it; None when it can."""
    if not text:
        return "is empty"
    if text.startswith("\ufeff"):
        return "begins with a byte order mark; save it as UTF-8 without one"
    if text != text.strip():
        return "has a space or a line break at its beginning or end"
    if any(character.isspace() for character in text):
        return "has a space or a line break in it"
    if not text.isascii() or not text.isprintable():
        return "has a character that no key or token has (a control character, or not ASCII)"
    return None


def access_key_problem(text: str) -> str | None:
    """Like secret_problem(). In Basic, the access key is the user name, and a colon ends it."""
    return secret_problem(text) or ("has a colon in it" if ":" in text else None)


def _read(source: SecretSource) -> Secret:
    return source.read() if isinstance(source, SecretFile) else source
