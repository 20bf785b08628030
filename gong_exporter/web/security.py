"""The web configuration in force: read from its file, and read again when a file changes."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gong_exporter.web.tls import Material, build_context, normal_sans
from gong_exporter.web.webconfig import (
    TlsSettings,
    WebConfig,
    WebConfigError,
    parse_web_config,
)

_MAX_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Security:
    """What holds for a new connection and a new request.

    Attributes:
        context: None is plain HTTP. Never changed once it is here: a reload makes a new one.
        allowed_sans: names of which a client's certificate needs one; empty allows any.
        users: bcrypt hashes by name; empty asks for no password.
        headers: for every answer.
    """

    context: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    users: Mapping[bytes, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class WebConfigFile:
    """A web configuration file that is followed.

    Raises:
        WebConfigError: the file, or one that it names, cannot be used at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tls_print = ""
        self._error: str | None = None
        self._security, self._files = self._load(Security())
        # What the files held before they were loaded is not known: the first look loads again.
        self._seen = b""

    @property
    def security(self) -> Security:
        """What is in force: the last that was good."""
        return self._security

    @property
    def error(self) -> str | None:
        """Why the files as they are now are not in force; None when they are."""
        return self._error

    def refresh(self) -> bool:
        """Take the files in if their content has changed; whether something new was learned.

        Reads files, so it belongs in a thread. What cannot be used leaves the old in force and
        sets ``error``.
        """
        before = (self._security, self._error)
        looked = self._look(self._files)
        if looked == self._seen:
            return False
        files = self._files
        try:
            self._security, self._files = self._load(self._security)
            self._error = None
        except WebConfigError as error:
            self._error = str(error)
        self._seen = looked if files == self._files else b""
        return before != (self._security, self._error)

    def _load(self, old: Security) -> tuple[Security, tuple[Path, ...]]:
        name = str(self._path)
        try:
            text = _read(self._path, name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise WebConfigError(f"{name}: not UTF-8") from error
        config = parse_web_config(text, name, self._path.parent)
        files = (self._path, *(config.tls.files() if config.tls is not None else ()))
        context = self._context(config, old, name)
        security = Security(
            context=context,
            allowed_sans=normal_sans(config.tls.allowed_sans) if config.tls else frozenset(),
            users={user.encode(): hashed.encode() for user, hashed in config.users.items()},
            headers=config.headers,
        )
        return security, files

    def _context(self, config: WebConfig, old: Security, name: str) -> ssl.SSLContext | None:
        """The context for these settings: the old one if nothing in it would differ."""
        if config.tls is None:
            self._tls_print = ""
            return None
        material = Material(
            cert=_content(config.tls.cert, name),
            key=_content(config.tls.key, name),
            client_ca=None
            if config.tls.client_ca is None
            else _content(config.tls.client_ca, name),
        )
        tls_print = _fingerprint(config.tls, material)
        if old.context is not None and tls_print == self._tls_print:
            return old.context
        context = build_context(config.tls, material, name)
        self._tls_print = tls_print
        return context

    def _look(self, files: tuple[Path, ...]) -> bytes:
        digest = hashlib.sha256()
        for file in files:
            try:
                content = b"+" + _read(file, str(file))
            except WebConfigError as error:
                content = b"-" + str(error).encode()
            digest.update(hashlib.sha256(content).digest())
        return digest.digest()


def _content(source: Path | str, name: str) -> bytes:
    return source.encode() if isinstance(source, str) else _read(source, name)


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise WebConfigError(f"{name}: cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise WebConfigError(f"{name}: {str(path)!r} is not a path: {error}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise WebConfigError(f"{name}: {path} is larger than 1 MiB")
    return content


def _fingerprint(settings: TlsSettings, material: Material) -> str:
    parts = [repr(settings).encode(), material.cert, material.key, material.client_ca or b""]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
