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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gong_exporter.web.concurrency import FairSemaphore, in_thread

_BCRYPT_BYTES = 72
_WAITING_EACH = 32

_UNAUTHORIZED = b"Unauthorized\n"
_TOO_MANY = b"Too many passwords of this address wait to be checked\n"


class TooMany(Exception):
    """So many passwords of one address wait to be checked that this one is not."""


async def _still_there() -> bool:
    return False


class Passwords:
    """Checks passwords against bcrypt hashes, off the event loop, and remembers good ones.

    What is remembered is a keyed digest, one for each user. Whether a name exists is not to be
    seen in the time that a refusal takes: an unknown one costs what a known one would.

    Args:
        at_a_time: checks that may run at once; the others wait, and cached ones pass them. With
            more than one, guessing takes every core of a small machine.
    """

    def __init__(self, at_a_time: int = 1) -> None:
        self._key = os.urandom(32)
        self._turns = FairSemaphore(at_a_time, _WAITING_EACH)
        self._good: dict[tuple[bytes, bytes], bytes] = {}

    async def allow(
        self,
        users: Mapping[bytes, bytes],
        credentials: tuple[bytes, bytes] | None,
        address: str = "",
        gone: Callable[[], Awaitable[bool]] = _still_there,
    ) -> bool:
        """Whether a name and password are among ``users`` (hashes by name).

        Args:
            users: in force now.
            credentials: name and password; None is refused.
            address: whose request it is.
            gone: whether nobody waits for the answer any more; asked before the dear part.

        Raises:
            TooMany: it was not found out.
        """
        if credentials is None:
            return False
        name, password = credentials
        stored = users.get(name)
        against = stored if stored is not None else self._decoy(users, name)
        digest = self._digest(name, against, password)
        if stored is not None and self._known(name, stored, digest):
            return True
        if not await self._turns.acquire(address):
            raise TooMany
        try:
            # Others with the same password may have been first.
            if stored is not None and self._known(name, stored, digest):
                return True
            if await gone():
                return False
            matches = await in_thread("password", lambda: _matches(password, against))
        finally:
            self._turns.release()
        if stored is None or not matches:
            return False
        self._good = {
            (known, known_hash): remembered
            for (known, known_hash), remembered in self._good.items()
            if users.get(known) == known_hash
        }
        self._good[(name, against)] = digest
        return True

    def _known(self, name: bytes, stored: bytes, digest: bytes) -> bool:
        return hmac.compare_digest(self._good.get((name, stored), b""), digest)

    def _decoy(self, users: Mapping[bytes, bytes], name: bytes) -> bytes:
        """A hash to check an unknown name against: always the same one of the real ones."""
        hashes = sorted(users.values())
        return hashes[int.from_bytes(self._digest(name)[:8], "big") % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)


class Gate:
    """Lets through to ``app`` who may pass, and adds the configured headers to every answer.

    Args:
        app: what is behind the gate.
        users: asked at each request for the users in force; empty lets everybody through.
        headers: asked at each request for the headers in force.
    """

    def __init__(
        self,
        app: ASGIApp,
        users: Callable[[], Mapping[bytes, bytes]],
        headers: Callable[[], Mapping[str, str]],
    ) -> None:
        self._app = app
        self._users = users
        self._headers = headers
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        headers = self._headers()

        async def decorate(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in headers.items():
                    answer.setdefault(name, value)
            await send(message)

        sender = decorate if headers else send
        users = self._users()
        if users:
            try:
                allowed = await self._passwords.allow(
                    users,
                    credentials_in(scope["headers"]),
                    (scope.get("client") or ("",))[0],
                    Request(scope, receive).is_disconnected,
                )
            except TooMany:
                await _refuse(sender, 429, _TOO_MANY, (b"retry-after", b"1"))
                return
            if not allowed:
                await _refuse(sender, 401, _UNAUTHORIZED, _CHALLENGE)
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


_CHALLENGE = (b"www-authenticate", b'Basic realm="gong-exporter"')


async def _refuse(send: Send, status: int, body: bytes, header: tuple[bytes, bytes]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"x-content-type-options", b"nosniff"),
                header,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
