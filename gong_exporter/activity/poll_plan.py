"""What a poll asks for, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import Selection
from gong_exporter.activity.windows import WindowSpec
from gong_exporter.gong.errors import (
    Forbidden,
    GongError,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFailure:
    """Why some windows have no new data.

    Attributes:
        windows: their names.
        error: what kept them.
    """

    windows: tuple[str, ...]
    error: GongError


def without_traceback(error: GongError) -> GongError:
    """The same error without its way here, to be kept.

    It leads to the calls that it ended, and those hold whatever came before it: a hundred
    thousand users, for each window that was refused.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What a poll brought.

    Attributes:
        windows: the ones that arrived whole, in the order of the plan.
        company_state: what is known now.
        failures: windows without new data, one entry per reason.
        retry_at: Unix seconds at which to poll again, when Gong or the quota said so.
        zone: the company's time zone; None if it could not be learned.
    """

    windows: tuple[WindowData, ...]
    company_state: CompanyState
    failures: tuple[WindowFailure, ...]
    retry_at: float | None
    zone: ZoneInfo | None

    @property
    def complete(self) -> bool:
        """Every window got new data."""
        return not self.failures
