"""What a poll brought, and why some of it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_exporter.activity.knowledge import Knowledge
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.gong.errors import GongError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why some windows have no new data.

    Attributes:
        windows: their names.
        error: what kept them.
    """

    windows: tuple[str, ...]
    error: GongError


def bare(error: GongError) -> GongError:
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
        knowledge: what is known now.
        failures: windows without new data, one entry per reason.
        retry_at: Unix seconds at which to poll again, when Gong or the quota said so.
        zone: the company's time zone; None if it could not be learned.
    """

    windows: tuple[WindowData, ...]
    knowledge: Knowledge
    failures: tuple[Failure, ...]
    retry_at: float | None
    zone: ZoneInfo | None

    @property
    def complete(self) -> bool:
        """Every window got new data."""
        return not self.failures
