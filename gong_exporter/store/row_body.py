"""The rows of windows, hosts and users: their body, zlib around JSON, and how long they stay.

JSON keeps IDs of any length, None beside 0, and text that is not valid Unicode (it escapes lone
surrogates).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

RETENTION = 31 * 86_400.0
"""Seconds after which a row that is no longer renewed is deleted."""


class CorruptRow(Exception):
    """The bytes are not what was written."""


@contextmanager
def parsing() -> Iterator[None]:
    """Turn all that parsing a corrupt or foreign body can raise into CorruptRow."""
    try:
        yield
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptRow(str(error)) from error


def pack(content: object, level: int = 1) -> bytes:
    """Return the content as bytes. Level 6 saves a tenth of the space for three times the time."""
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), level)


def unpack(body: bytes) -> Any:
    """Return the content that was packed. Called within parsing()."""
    return json.loads(zlib.decompress(body))
