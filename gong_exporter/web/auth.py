"""Basic authentication in front of an application, and the configured response headers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, Mapping

import bcrypt
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gong_exporter.web.concurrency import FairLock, in_thread
from gong_exporter.web.watch import Security

_BCRYPT_BYTES = 72

_NO_SNIFFING = {"x-content-type-options": "nosniff"}
_UNAUTHORIZED = PlainTextResponse(
    "Unauthorized\n", 401, _NO_SNIFFING | {"www-authenticate": 'Basic realm="gong-exporter"'}
)
_TOO_MANY = PlainTextResponse(
    "Too many passwords of this address wait to be checked\n",
    429,
    _NO_SNIFFING | {"retry-after": "1"},
)


class TooManyWaiting(Exception):
    """Too many passwords of one address wait to be checked, so this one is not checked."""


class Passwords:
    """Checks passwords against bcrypt hashes, off the event loop, and caches good ones.

    One is checked at a time, because guessing passwords would otherwise take every core of a small
    machine. Those in the cache do not wait.

    The cache holds a keyed digest for each user, of the name, the hash and the password. The time
    of a refusal does not show whether a name exists, because an unknown name costs as much as a
    known one.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._lock = FairLock()
        self._good: dict[bytes, bytes] = {}

    async def allow(
        self,
        users: Mapping[bytes, bytes],
        credentials: tuple[bytes, bytes] | None,
        address: str,
        gone: Callable[[], Awaitable[bool]],
    ) -> bool:
        """Whether a name and password are among ``users`` (hashes by name).

        ``address`` is the client's; ``gone`` tells whether the client has disconnected, and is
        called before the expensive check.

        Raises:
            TooManyWaiting: the password was not checked.
        """
        if credentials is None:
            return False
        name, password = credentials
        stored = users.get(name)
        against = stored if stored is not None else self._decoy(users, name)
        digest = self._digest(name, against, password)
        if stored is not None and self._known(name, digest):
            return True
        if not await self._lock.acquire(address):
            raise TooManyWaiting
        try:
            # Another request with the same password may have been first.
            if stored is not None and self._known(name, digest):
                return True
            if await gone():
                return False
            matches = await in_thread("password", lambda: _matches(password, against))
        finally:
            self._lock.release()
        if stored is None or not matches:
            return False
        self._good = {known: good for known, good in self._good.items() if known in users}
        self._good[name] = digest
        return True

    def _known(self, name: bytes, digest: bytes) -> bool:
        return hmac.compare_digest(self._good.get(name, b""), digest)

    def _decoy(self, users: Mapping[bytes, bytes], name: bytes) -> bytes:
        """A hash to check an unknown name against: always the same one of the real ones."""
        hashes = sorted(users.values())
        return hashes[int.from_bytes(self._digest(name)[:8], "big") % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)


class BasicAuthMiddleware:
    """Asks for a password in front of ``app``, and adds the configured headers to responses.

    ``security`` is called at each request; without users in it, every request is let through.
    """

    def __init__(
        self, app: ASGIApp, security: Callable[[], Security], open_paths: frozenset[str]
    ) -> None:
        self._app = app
        self._security = security
        self._open_paths = open_paths
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI defines it."""
        security = self._security()
        headers = security.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                for name, value in headers.items():
                    response.setdefault(name, value)
            await send(message)

        sender = send_with_headers if headers else send
        if security.users and scope["path"] not in self._open_paths:
            try:
                allowed = await self._passwords.allow(
                    security.users,
                    credentials_in(scope["headers"]),
                    (scope.get("client") or ("",))[0],
                    Request(scope, receive).is_disconnected,
                )
            except TooManyWaiting:
                await _TOO_MANY(scope, receive, sender)
                return
            if not allowed:
                await _UNAUTHORIZED(scope, receive, sender)
                return
        await self._app(scope, receive, sender)


def credentials_in(headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """The name and password of a Basic ``Authorization`` header (RFC 7617), if there is one."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, encoded = given[0].partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (name, password) if colon else None


def _matches(password: bytes, password_hash: bytes) -> bool:
    # bcrypt looks at 72 bytes only. A longer password never matches, after the same time.
    fits = len(password) <= _BCRYPT_BYTES
    return bcrypt.checkpw(password[:_BCRYPT_BYTES], password_hash) and fits
