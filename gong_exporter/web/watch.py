"""The web configuration in force: read from its file, and read again when a file changes.

A file that is cut short, by a full disk for example, is often valid YAML with fewer keys. So TLS,
passwords and client certificates are never dropped because a key is missing.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gong_exporter.common.files import ContentWatch, UnreadableFile, read_bounded
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.web.config import WebConfig, WebConfigError, parse_web_config
from gong_exporter.web.tls import Material, build_context, normal_sans
from gong_exporter.web.tls_settings import TlsSettings

_MAX_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Security:
    """What holds for new connections and requests.

    Attributes:
        context: None is plain HTTP. Immutable: a change of TLS settings makes a new one.
        allowed_sans: names of which a client's certificate needs one; empty allows any.
        users: bcrypt hashes by name; empty asks for no password.
        headers: for every response.
        public_clients: whether any client certificate of a public authority is accepted.
    """

    context: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    users: Mapping[bytes, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    public_clients: bool = False

    def same_tls(self, other: Security) -> bool:
        """Whether connections under the one are as good as under the other."""
        return (self.context, self.allowed_sans) == (other.context, other.allowed_sans)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The result of reading the files once.

    Attributes:
        security: what these files ask for.
        files: the files that were read.
        tls: what the context was built from; None without TLS.
    """

    security: Security
    files: tuple[Path, ...]
    tls: tuple[TlsSettings, Material] | None


class WebConfigFile:
    """A web configuration file that is followed.

    Raises:
        WebConfigError: the file, or one that it names, cannot be used at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: str | None = None
        self._loaded = self._load(None)
        self._watch = ContentWatch(_MAX_FILE_BYTES)

    @property
    def security(self) -> Security:
        """What is in force: the last that could be used."""
        return self._loaded.security

    @property
    def error(self) -> str | None:
        """Why the files as they are now are not in force; None when they are."""
        return self._error

    def refresh(self) -> bool:
        """Read the files again if their content has changed.

        Reads files, so it belongs in a thread. What cannot be used leaves the old configuration in
        force and sets ``error``.

        Returns:
            whether ``security`` or ``error`` has changed.
        """
        before = (self._loaded.security, self._error)
        files = self._loaded.files
        digest = self._watch.change(files)
        if digest is None:
            return False
        error = None
        try:
            loaded = self._load(self._loaded)
        except WebConfigError as problem:
            loaded, error = self._loaded, str(problem)
        if self._watch.digest(files) != digest:
            return False  # a file has just been written to, so it is unknown what was read
        self._loaded, self._error = loaded, error
        self._watch.accept(digest if files == loaded.files else b"")
        return before != (self._loaded.security, self._error)

    def _load(self, old: _Loaded | None) -> _Loaded:
        name = str(self._path)
        try:
            text = _read(self._path, name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise WebConfigError(f"{name}: not UTF-8") from error
        config = parse_web_config(text, name, self._path.parent)
        tls = config.tls_server_config
        source = None if tls is None else (tls, _material(tls, name))
        if old is not None and source == old.tls:
            context = old.security.context
        else:
            context = None if source is None else build_context(*source, name)
        security = Security(
            context=context,
            allowed_sans=normal_sans(tls.client_allowed_sans or () if tls else ()),
            users={
                user.encode(): hashed.encode() for user, hashed in config.basic_auth_users.items()
            },
            headers=config.http_server_config.headers,
            public_clients=(
                tls is not None
                and tls.client_auth_type != "NoClientCert"
                and tls.client_ca_source is None
            ),
        )
        if old is not None:
            lost = _lost_protection(old.security, security, config, text)
            if lost:
                raise WebConfigError(f"{name}: {lost}")
        files = (self._path, *(tls.files() if tls is not None else ()))
        return _Loaded(security, files, source)


def _lost_protection(old: Security, new: Security, config: WebConfig, text: str) -> str | None:
    """Why a file may not replace the configuration in force while the server runs."""
    root = parse_yaml(text).root
    if old != Security() and (root is None or (isinstance(root, Scalar) and root.null)):
        return "it is empty; write {} to serve without passwords and headers"
    if (old.context is None) != (new.context is None):
        verb = "removes" if new.context is None else "adds"
        return f"it {verb} TLS, which takes a restart"
    everything_removed = isinstance(root, Keys) and not root
    stated = config.model_fields_set
    if old.users and not new.users and "basic_auth_users" not in stated and not everything_removed:
        return "basic_auth_users is gone; write basic_auth_users: {} to serve without passwords"
    return _lost_client_check(old, new, config.tls_server_config)


def _lost_client_check(old: Security, new: Security, tls: TlsSettings | None) -> str | None:
    if old.context is None or new.context is None or tls is None:
        return None
    if new.context.verify_mode < old.context.verify_mode:
        if "client_auth_type" in tls.model_fields_set:
            return None
        return (
            "client_auth_type is gone; write client_auth_type: NoClientCert to serve clients"
            " without a certificate"
        )
    verified = old.context.verify_mode != ssl.CERT_NONE
    if verified and new.public_clients and not old.public_clients:
        return "client_ca_file is gone; that takes a restart"
    if old.allowed_sans and not new.allowed_sans:
        return "client_allowed_sans is gone; that takes a restart"
    return None


def _material(settings: TlsSettings, name: str) -> Material:
    client_ca = settings.client_ca_source
    return Material(
        cert=_content(settings.cert_source, name),
        key=_content(settings.key_source, name),
        client_ca=None if client_ca is None else _content(client_ca, name),
    )


def _content(source: Path | str, name: str) -> bytes:
    return source.encode() if isinstance(source, str) else _read(source, name)


def _read(path: Path, name: str) -> bytes:
    try:
        return read_bounded(path, _MAX_FILE_BYTES)
    except UnreadableFile as error:
        where = "" if str(path) == name else f"{path} "
        raise WebConfigError(f"{name}: {where}{error}") from error
