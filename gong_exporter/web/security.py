"""The web configuration in force: read from its file, and read again when a file changes."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.web.config import (
    TlsSettings,
    WebConfig,
    WebConfigError,
    parse_web_config,
)
from gong_exporter.web.tls import Material, build_context, normal_sans

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


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What one reading of the files gave.

    Attributes:
        security: to be in force.
        files: that it came from.
        tls_print: of all that its context was built from; empty without one.
    """

    security: Security = field(default_factory=Security)
    files: tuple[Path, ...] = ()
    tls_print: str = ""


class WebConfigFile:
    """A web configuration file that is followed.

    Raises:
        WebConfigError: the file, or one that it names, cannot be used at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: str | None = None
        self._loaded = self._load(_Loaded())
        # What the files held before they were loaded is not known: the first looks load again.
        self._seen = self._settling = b""

    @property
    def security(self) -> Security:
        """What is in force: the last that was good."""
        return self._loaded.security

    @property
    def error(self) -> str | None:
        """Why the files as they are now are not in force; None when they are."""
        return self._error

    def refresh(self) -> bool:
        """Take the files in if their content has changed; whether something new was learned.

        Reads files, so it belongs in a thread. A change counts when two looks in a row find the
        same: a file that is being written is not whole, and an empty one would open the door. What
        cannot be used leaves the old in force and sets ``error``.
        """
        before = (self._loaded.security, self._error)
        files = self._loaded.files
        looked = self._look(files)
        settled, self._settling = looked == self._settling, looked
        if looked == self._seen or not settled:
            return False
        error = None
        try:
            loaded = self._load(self._loaded)
        except WebConfigError as problem:
            loaded, error = self._loaded, str(problem)
        if self._look(files) != looked:
            return False  # written to just now, so it is not known what was read
        self._loaded, self._error = loaded, error
        self._seen = looked if files == loaded.files else b""
        return before != (self._loaded.security, self._error)

    def _load(self, old: _Loaded) -> _Loaded:
        name = str(self._path)
        try:
            text = _read(self._path, name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise WebConfigError(f"{name}: not UTF-8") from error
        if old.security != Security() and _says_nothing(text):
            raise WebConfigError(f"{name}: empty; write {{}} to serve without TLS and passwords")
        config = parse_web_config(text, name, self._path.parent)
        tls = config.tls_server_config
        context, tls_print = _context(config, old, name)
        return _Loaded(
            security=Security(
                context=context,
                allowed_sans=normal_sans(tls.client_allowed_sans or () if tls else ()),
                users={
                    user.encode(): hashed.encode()
                    for user, hashed in config.basic_auth_users.items()
                },
                headers=config.http_server_config.headers,
            ),
            files=(self._path, *(tls.files() if tls is not None else ())),
            tls_print=tls_print,
        )

    @staticmethod
    def _look(files: tuple[Path, ...]) -> bytes:
        digest = hashlib.sha256()
        for file in files:
            try:
                content = b"+" + _read(file, str(file))
            except WebConfigError as error:
                content = b"-" + str(error).encode(errors="backslashreplace")
            digest.update(hashlib.sha256(content).digest())
        return digest.digest()


def _says_nothing(text: str) -> bool:
    return all(line.lstrip()[:1] in {"", "#"} for line in text.splitlines())


def _context(config: WebConfig, old: _Loaded, name: str) -> tuple[ssl.SSLContext | None, str]:
    """The context for these settings, the old one if nothing in it would differ; its print."""
    settings = config.tls_server_config
    if settings is None:
        return None, ""
    client_ca = settings.client_ca_source
    material = Material(
        cert=_content(settings.cert_source, name),
        key=_content(settings.key_source, name),
        client_ca=None if client_ca is None else _content(client_ca, name),
    )
    tls_print = _fingerprint(settings, material)
    if tls_print == old.tls_print:
        return old.security.context, tls_print
    return build_context(settings, material, name), tls_print


def _content(source: Path | str, name: str) -> bytes:
    return source.encode() if isinstance(source, str) else _read(source, name)


def _read(path: Path, name: str) -> bytes:
    try:
        return read_bounded(path, _MAX_FILE_BYTES)
    except UnreadableFile as error:
        where = "" if str(path) == name else f"{path} "
        raise WebConfigError(f"{name}: {where}{error}") from error


def _fingerprint(settings: TlsSettings, material: Material) -> str:
    parts = [repr(settings).encode(), material.cert, material.key, material.client_ca or b""]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
