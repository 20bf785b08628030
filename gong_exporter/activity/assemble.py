"""From a listing to the data of a window: counters in columns, days as timestamps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.snapshot import METRICS, WindowData, metric_name
from gong_exporter.activity.windows import DayRange, WindowSpec, day_start
from gong_exporter.gong.records import COUNTERS, UserActivity
from gong_exporter.gong.responses import MAX_EXTRA_COUNTERS


def window_data(
    *,
    window: WindowSpec,
    days: DayRange,
    zone: ZoneInfo,
    listing: Listing,
    covered: frozenset[str] | None,
    fetched_at: float,
    fingerprint: str,
    warn: Callable[[str], None],
) -> WindowData:
    """Put a whole listing into the form in which it is kept and served. Pure, but for ``warn``.

    Args:
        window: which one.
        days: the range that was asked for.
        zone: the company's.
        listing: what came.
        covered: the ids it is about, None for everybody.
        fetched_at: Unix seconds at which its last page arrived.
        fingerprint: of what was asked.
        warn: is told of counters that are left out.
    """
    fields, metrics = _columns(listing.users, warn)
    return WindowData(
        window=window.name,
        start=days.start,
        end=days.end,
        start_timestamp=day_start(days.start, zone),
        end_timestamp=day_start(days.end, zone),
        fetched_at=fetched_at,
        fingerprint=fingerprint,
        metrics=metrics,
        users={user.user_id: tuple(map(user.counters.get, fields)) for user in listing.users},
        emails={user.user_id: user.email for user in listing.users if user.email},
        pages=listing.pages,
        covered=covered,
    )


def _columns(
    users: Iterable[UserActivity], warn: Callable[[str], None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """API fields and their ``metric`` values: the documented, then what came beside them."""
    fields, metrics = list(COUNTERS), list(METRICS)
    taken, most = set(metrics), len(metrics) + MAX_EXTRA_COUNTERS
    for field in sorted({field for user in users for field in user.counters} - set(COUNTERS)):
        name = metric_name(field)
        if name in taken:
            warn(f"the counter {field} would be a second {name}: left out")
        elif len(metrics) == most:
            warn(f"more than {MAX_EXTRA_COUNTERS} undocumented counters: the rest left out")
            break
        else:
            taken.add(name)
            fields.append(field)
            metrics.append(name)
    return tuple(fields), tuple(metrics)
