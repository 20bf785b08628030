"""What a poll is told to ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.users import Selection
from gong_exporter.activity.windows import WindowSpec
from gong_exporter.gong.errors import (
    Forbidden,
    NotSent,
    RateLimited,
    Redirected,
    Unauthorized,
)

Warn = Callable[[str, str | None], None]
"""Is told of something odd that did not end the poll: words, and Gong's ``requestId``."""

ENDS_THE_POLL = (Unauthorized, Forbidden, Redirected, RateLimited, NotSent)
"""Errors that would befall the next window just the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPlan:
    """What a poll asks for.

    Attributes:
        host: the API's base URL.
        windows: in the order of the configuration.
        selection: whose activity.
        zone: the company's time zone as configured; None to learn it.
        fingerprint: of the above, for the windows' data.
        created_from: ``createdFromDateTime``.
        created_to: ``createdToDateTime``.
    """

    host: str
    windows: tuple[WindowSpec, ...]
    selection: Selection
    zone: ZoneInfo | None
    fingerprint: str
    created_from: str | None = None
    created_to: str | None = None
