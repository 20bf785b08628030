"""Windows and knowledge as bytes, and back to the same: zlib around JSON.

JSON keeps ids of any length, None beside 0, and text that is not valid Unicode (it escapes
lone surrogates). Shapes are written out field by field, so that a renamed field cannot change
the file unnoticed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from gong_exporter.activity.knowledge import Knowledge, Understood
from gong_exporter.activity.snapshot import WindowData

_LEVEL = 1
"""Of zlib: 6 saves a tenth of the space for three times the time."""


class Unreadable(Exception):
    """The bytes are not what was written."""


def pack_window(data: WindowData) -> bytes:
    """The bytes that unpack_window() turns into an equal window."""
    return _pack(
        {
            "window": data.window,
            "start": data.start.isoformat(),
            "end": data.end.isoformat(),
            "start_timestamp": data.start_timestamp,
            "end_timestamp": data.end_timestamp,
            "fetched_at": data.fetched_at,
            "fingerprint": data.fingerprint,
            "metrics": data.metrics,
            "users": dict(data.users),
            "emails": dict(data.emails),
            "pages": data.pages,
            "covered": None if data.covered is None else sorted(data.covered),
        }
    )


def unpack_window(body: bytes) -> WindowData:
    """The window that was packed. Raises: Unreadable."""
    try:
        found = _unpack(body)
        return WindowData(
            window=found["window"],
            start=date.fromisoformat(found["start"]),
            end=date.fromisoformat(found["end"]),
            start_timestamp=found["start_timestamp"],
            end_timestamp=found["end_timestamp"],
            fetched_at=found["fetched_at"],
            fingerprint=found["fingerprint"],
            metrics=tuple(found["metrics"]),
            users={user: tuple(values) for user, values in found["users"].items()},
            emails=found["emails"],
            pages=found["pages"],
            covered=None if found["covered"] is None else frozenset(found["covered"]),
        )
    except _BROKEN as error:
        raise Unreadable(str(error)) from error


def pack_knowledge(knowledge: Knowledge) -> bytes:
    """The bytes that unpack_knowledge() turns into an equal Knowledge."""
    return _pack(
        {
            "host": knowledge.host,
            "time_zone": knowledge.time_zone,
            "named": dict(knowledge.named),
            "resolved": dict(knowledge.resolved),
            "looked_up": None if knowledge.looked_up is None else knowledge.looked_up.isoformat(),
            "understood": {
                window: _understood(said) for window, said in knowledge.understood.items()
            },
            "pages": dict(knowledge.pages),
        }
    )


def unpack_knowledge(body: bytes) -> Knowledge:
    """The knowledge that was packed. Raises: Unreadable."""
    try:
        found = _unpack(body)
        looked_up = found["looked_up"]
        return Knowledge(
            host=found["host"],
            time_zone=found["time_zone"],
            named=found["named"],
            resolved=found["resolved"],
            looked_up=None if looked_up is None else date.fromisoformat(looked_up),
            understood={
                window: Understood(
                    start=date.fromisoformat(said["start"]),
                    end=date.fromisoformat(said["end"]),
                    asked=frozenset(said["asked"]),
                    active=frozenset(said["active"]),
                )
                for window, said in found["understood"].items()
            },
            pages=found["pages"],
        )
    except _BROKEN as error:
        raise Unreadable(str(error)) from error


_BROKEN = (zlib.error, ValueError, LookupError, TypeError, AttributeError)
"""What taking broken or foreign content apart can raise."""


def _understood(said: Understood) -> Mapping[str, Any]:
    return {
        "start": said.start.isoformat(),
        "end": said.end.isoformat(),
        "asked": sorted(said.asked),
        "active": sorted(said.active),
    }


def _pack(content: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), _LEVEL)


def _unpack(body: bytes) -> dict[str, Any]:
    found = json.loads(zlib.decompress(body))
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found
