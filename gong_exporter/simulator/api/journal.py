"""The latest requests to the simulated API, with the status of each response."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from gong_exporter.simulator.api.messages import NEVER_COMPLETE, ApiRequest, Reply

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its response.

    Attributes:
        arrived: when its last byte was there, in monotonic seconds.
        method: the HTTP method.
        target: path and query.
        headers: names in lower case; of credentials only the scheme is kept.
        body: the JSON value received, ``None`` if it was not JSON.
        status: of the response; ``None`` when no status is sent (a reset, a hang).
        request_id: the ``requestId`` it was given.
        faults: the faults that were applied, sorted.
    """

    arrived: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: Any
    status: int | None
    request_id: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        status = "no answer" if self.status is None else str(self.status)
        faults = f" faults={','.join(self.faults)}" if self.faults else ""
        body = "" if self.body is None else f" {_as_text(self.body)}"
        return f"{self.method} {self.target} {status} {self.request_id}{faults}{body}"


class Journal:
    """The latest entries. Thread-safe.

    Args:
        size: how many are kept.
        on_entry: called with each one, in the server's thread.
    """

    def __init__(self, size: int, on_entry: Callable[[Entry], None] | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._lock = Lock()
        self._on_entry = on_entry

    def write(self, request: ApiRequest, reply: Reply) -> None:
        """Keep one request and its reply."""
        entry = Entry(
            arrived=request.arrived,
            method=request.method,
            target=request.target,
            headers=tuple((name, _shown(name, value)) for name, value in request.headers),
            body=_json_or_none(request.body),
            status=None if reply.response.delivery in NEVER_COMPLETE else reply.response.status,
            request_id=reply.request_id,
            faults=tuple(sorted(reply.faults)),
        )
        with self._lock:
            self._entries.append(entry)
        if self._on_entry is not None:
            self._on_entry(entry)

    def entries(self) -> Sequence[Entry]:
        """The entries so far, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()


def _shown(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} ***" if blank else "***"


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _as_text(body: Any, max_length: int = 200) -> str:
    try:
        text = json.dumps(body)
    except RecursionError:  # reading goes a little deeper than writing
        return "(nested too deeply to be shown)"
    return text if len(text) <= max_length else f"{text[:max_length]}..."
