"""Fetches one page, and compares the range that it states with the range that was requested.

A response can be about another range. For example, a proxy may send the response to an earlier
request late, on a connection that is kept open; then all following responses are wrong too. How
Gong itself states ranges has not been seen at the live API, so a small difference is accepted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gong_exporter.activity.windows import day_start, load_zone
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import ActivityFilter, ActivityPage

MAX_DIFFERENCE = 36 * 3600.0
"""Seconds by which a stated start or end may differ from the requested one."""

_ONE_DAY = timedelta(days=1)


class PageSource(Protocol):
    """The part of the client that fetches pages."""

    def page(
        self, wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
    ) -> ActivityPage:
        """Fetch one page. Raises: GongError, Stopped."""
        ...


@dataclass(frozen=True, slots=True)
class StatedRange:
    """The range that a response states, if it is not the requested one.

    Attributes:
        start: Unix seconds.
        end: Unix seconds.
        difference: seconds by which the start or the end differs, whichever is more.
        text: the range for a message, in the response's own time zone.
    """

    start: float
    end: float
    difference: float
    text: str


def fetch_page(
    source: PageSource,
    wanted: ActivityFilter,
    cursor: str | None = None,
    *,
    new_connection: bool = False,
) -> tuple[ActivityPage, StatedRange | None]:
    """Fetch one page, and once more on a new connection if it is about another range.

    On a new connection, no response to an earlier request can arrive.

    Returns:
        The page, and the range that it states if that still differs.

    Raises:
        InvalidResponse: the stated range differs by more than MAX_DIFFERENCE.
        GongError: whatever else ``source.page`` raises.
        Stopped: the process is stopping.
    """
    page = source.page(wanted, cursor, new_connection=new_connection)
    if compare_range(page, wanted) is None:
        return page, None
    page = source.page(wanted, cursor, new_connection=True)
    stated = compare_range(page, wanted)
    if stated is not None and stated.difference > MAX_DIFFERENCE:
        raise InvalidResponse(
            f"the response states another range than the requested one: {stated.text}",
            request_id=page.request_id,
        )
    return page, stated


def compare_range(page: ActivityPage, wanted: ActivityFilter) -> StatedRange | None:
    """The range that the page states; None if it is the requested one, absent, or malformed.

    Dates are those in the response's own time zone. The end may be stated as the end itself, or as
    any time of the day before.
    """
    start, end = _parse(page.from_date_time, page), _parse(page.to_date_time, page)
    first, last = start or end, end or start
    if first is None or last is None:
        return None
    wanted_start = day_start(wanted.from_date, first.tzinfo or UTC)
    wanted_end = day_start(wanted.to_date, last.tzinfo or UTC)
    stated_start = wanted_start if start is None else start.timestamp()
    stated_end = wanted_end if end is None else end.timestamp()
    # The first moment of a day has another date where clocks skip the whole day.
    start_agrees = stated_start == wanted_start or first.date() == wanted.from_date
    end_agrees = stated_end == wanted_end or last.date() == wanted.to_date - _ONE_DAY
    if start_agrees and end_agrees:
        return None
    difference = max(
        abs(stated_start - wanted_start),
        stated_end - wanted_end,
        wanted_end - _ONE_DAY.total_seconds() - stated_end,
    )
    if stated_start >= stated_end:
        difference = math.inf
    text = f"{(start or wanted.from_date).isoformat()} to {(end or wanted.to_date).isoformat()}"
    return StatedRange(start=stated_start, end=stated_end, difference=difference, text=text)


def _parse(text: str | None, page: ActivityPage) -> datetime | None:
    """A stated time in the response's own time zone; None if it is absent or malformed."""
    try:
        moment = datetime.fromisoformat(text or "")
        zone = load_zone(page.time_zone or "") or moment.tzinfo
        if zone is None:
            return None
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None
