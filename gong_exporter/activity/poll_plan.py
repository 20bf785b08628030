"""What a poll asks for, and its result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import Selection, fingerprint
from gong_exporter.activity.windows import DayRange, WindowSpec
from gong_exporter.gong.errors import GongError
from gong_exporter.gong.records import ActivityFilter


@dataclass(frozen=True, kw_only=True)
class PollPlan:
    """What a poll asks for.

    Attributes:
        host: the base URL of the API.
        windows: in the order of the configuration.
        selection: whose activity.
        zone: the configured time zone of the company; None to learn it from responses.
        created_from: ``createdFromDateTime``.
        created_to: ``createdToDateTime``.
    """

    host: str
    windows: tuple[WindowSpec, ...]
    selection: Selection
    zone: ZoneInfo | None
    created_from: str | None = None
    created_to: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what is asked for; it is stored with the data of each window."""
        return fingerprint(self.host, self.selection, self.created_from, self.created_to)

    def filter(self, days: DayRange, user_ids: frozenset[str] | None = None) -> ActivityFilter:
        """The request's filter for a range of days; all users if ``user_ids`` is None."""
        return ActivityFilter(
            from_date=days.start,
            to_date=days.end,
            created_from=self.created_from,
            created_to=self.created_to,
            user_ids=None if user_ids is None else tuple(sorted(user_ids)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFailure:
    """The names of windows without new data, and the error that all of them had."""

    windows: tuple[str, ...]
    error: GongError


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The result of a poll.

    Attributes:
        windows: the ones that were fetched whole, in the order of the plan.
        company_state: what is known about the company now.
        failures: windows without new data, one entry per reason.
        retry_at: Unix seconds at which to poll again, if Gong or the quota ended the poll.
    """

    windows: tuple[WindowData, ...]
    company_state: CompanyState
    failures: tuple[WindowFailure, ...]
    retry_at: float | None


def without_traceback(error: GongError) -> GongError:
    """The error without its traceback, to be kept.

    The traceback refers to the calls that the error ended, and they hold the users that were
    received before: up to 100,000 for each window that failed.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def group_failures(failed: Iterable[tuple[str, GongError]]) -> tuple[WindowFailure, ...]:
    """One failure for each reason and message, so that one cause is one log line."""
    groups: dict[tuple[str, str], WindowFailure] = {}
    for name, error in failed:
        key = (error.reason, error.message)
        before = groups.get(key, WindowFailure(windows=(), error=error))
        groups[key] = replace(before, windows=(*before.windows, name))
    return tuple(groups.values())
