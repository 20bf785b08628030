"""How much a backfill will be, from what is known before its first day is fetched."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.activity.budget import PAGE_SIZE, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS, User, WindowData
from gong_exporter.backfill.order import Means, Order
from gong_exporter.backfill.plan import Crowd, Forecast, Share, forecast
from gong_exporter.backfill.style import Format, Style
from gong_exporter.exposition.names import USER_ACTIVITY, USER_INFO
from gong_exporter.gong.records import Page

_SOMEBODY = User(user_id="2" * 19, email="firstname.lastname@example.com")
"""Of whom a line is as long as most."""


def estimate(
    order: Order,
    means: Means,
    *,
    zone: ZoneInfo,
    days: Collection[date],
    done: Collection[date],
    company_state: CompanyState,
    page: Page | None,
) -> Forecast:
    """Forecast an order.

    Args:
        order: what is asked for.
        means: the quota, and what polls saw last.
        zone: the company's.
        days: of the output.
        done: days that need no call.
        company_state: pages of each window, as last seen.
        page: the one page that was asked for to learn more; None if that was not needed.
    """
    selection = order.plan.selection
    people = _people(page, means.latest) if selection.listed is None else len(selection.listed)
    most = pages_for(people)
    search = 0
    if selection.unknown_users(company_state):
        search = pages_for(len(company_state.known_users))
    return forecast(
        days_left=len(set(days) - set(done)),
        days=len(days),
        windows=order.plan.windows,
        pages={
            window.name: company_state.pages.get(window.name, most) for window in order.plan.windows
        },
        search=search,
        crowd=_crowd(order, people, zone),
        step=order.step,
        share=Share(
            calls_per_second=means.calls_per_second,
            calls_per_day=means.quota.per_day,
            room=means.quota.room(),
        ),
    )


def _people(page: Page | None, latest: Collection[WindowData]) -> int:
    """How many people there are, as far as one page or the last poll says."""
    if page is not None:
        return max(page.total_records or 0, len(page.users))
    return max((len(data.users) for data in latest), default=PAGE_SIZE)


def _crowd(order: Order, people: int, zone: ZoneInfo) -> Crowd:
    """Lines as long as those of a typical user."""
    user = order.portray(_SOMEBODY.user_id, _SOMEBODY.email)
    style = Style(form=order.form, labels=order.labels, zone=zone, step=1, until=0.0)
    who = (("user", user.user_id), ("email", user.email))
    metrics = order.metrics or METRICS
    metric = sorted(metrics, key=len)[len(metrics) // 2]
    rest = len("12.0 1735689600\n") + (3 if order.form is Format.PROMETHEUS else 0)
    activity = style.series(USER_ACTIVITY, [*who, ("metric", metric), ("window", "28d")])
    info = style.series(USER_INFO, [*who, *user.labels])
    return Crowd(
        users=people,
        metrics=len(metrics),
        activity_bytes=len(activity) + rest,
        other_bytes=len(info) + rest,
    )
