"""Cursors: opaque text that looks like a JWT, signed, bound to a filter, and short-lived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from gong_exporter.simulator.api.responses import Refusal

BAD_REQUEST = 400


class Cursors:
    """Makes cursors and reads them back.

    Args:
        key: signs them, so that the cursor of another server is refused.
        lifetime: seconds until a cursor is refused as expired.
    """

    def __init__(self, key: bytes, lifetime: float) -> None:
        self._key = key
        self._lifetime = lifetime

    def issue(self, fingerprint: str, page: int, at: float) -> str:
        """The cursor of a page of a listing.

        Args:
            fingerprint: of the filter.
            page: counted from 0.
            at: now, in monotonic seconds.
        """
        claims = {"filter": fingerprint, "page": page, "exp": at + self._lifetime}
        head = _encode(b'{"alg":"HS256"}')
        signed = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, cursor: str, fingerprint: str, at: float) -> int:
        """The number of the page that a cursor belongs to.

        Raises:
            Refusal: 400, the cursor is not one of ours, is of another filter, or has expired.
        """
        signed, _, signature = cursor.rpartition(".")
        expected = self._signature(signed)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            raise Refusal(BAD_REQUEST, ("cursor: invalid",))
        claims = json.loads(_decode(signed.partition(".")[2]))
        if claims["filter"] != fingerprint:
            raise Refusal(BAD_REQUEST, ("cursor: does not belong to this filter",))
        if at >= claims["exp"]:
            raise expired()
        page: int = claims["page"]
        return page

    def _signature(self, signed: str) -> str:
        return _encode(hmac.digest(self._key, signed.encode("utf-8", "replace"), hashlib.sha256))


def expired() -> Refusal:
    """The refusal of an expired cursor."""
    return Refusal(BAD_REQUEST, ("cursor: expired",))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
