"""From a checked configuration to what a poll needs and how many calls it takes. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import unquote, urlsplit

from gong_exporter.activity.budget import DAY, CallBudget, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.exclusion import make_exclusion
from gong_exporter.activity.history import HISTORY_DAYS, QUOTA_SHARE, HistoryCalls, history_calls
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.users import Selection
from gong_exporter.activity.windows import WindowSpec, longest
from gong_exporter.common.problems import first_of
from gong_exporter.common.redact import RedactionPolicy
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import Config, PollConfig
from gong_exporter.config.values import EmailLabel
from gong_exporter.gong.limits import CallLimits
from gong_exporter.roster.records import Roster

WEEK = 7
"""Days in which there is a working day."""

FIRST_FILL = 0.1
"""Of the quota, what stretched polls leave to the first fill of the day history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What follows from one configuration.

    Attributes:
        config: the configuration as loaded.
        plan: what each poll asks for.
        limits: this exporter's share of the company's.
        roster: people's columns.
    """

    config: Config
    plan: PollPlan
    limits: CallLimits
    roster: Roster


def make_setup(config: Config, roster: Roster | None = None) -> Setup:
    """Derive what follows from a configuration and its roster (none has no columns)."""
    gong, activity = config.gong, config.activity
    roster = roster or Roster()
    selection = Selection(
        listed=activity.users,
        aliases=roster.aliases,
        excluded=make_exclusion([user.name for user in activity.exclude_users], roster.aliases),
    )
    return Setup(
        config=config,
        plan=PollPlan(
            host=gong.base_url,
            windows=activity.windows,
            selection=selection,
            zone=gong.time_zone,
            created_from=activity.created_from,
            created_to=activity.created_to,
        ),
        limits=CallLimits(gong.requests_per_second, gong.requests_per_day),
        roster=roster,
    )


def unrecorded_warning(setup: Setup, company_state: CompanyState) -> str:
    """A warning that Gong does not record the calls of some users; empty for none."""
    selection, found = setup.plan.selection, setup.roster.not_recorded
    if not selection.all_users:
        found &= selection.known_ids(_state_of_host(setup, company_state))
    if not found:
        return ""
    return (
        f"Gong does not record the web conferences of {len(found)} active users"
        " (webConferencesRecorded is false), so their calls are not counted:"
        f" {first_of(sorted(found))}"
    )


def redaction_policy(config: Config) -> RedactionPolicy:
    """What logs, pages and commands must not show with this configuration.

    The credentials are not part of it: the client adds each header that it sends.
    """
    proxy = config.gong.proxy_url
    userinfo = urlsplit(proxy.get_secret_value()).netloc.rpartition("@")[0] if proxy else ""
    password = userinfo.partition(":")[2]
    return RedactionPolicy(
        hide_addresses=config.activity.email_label is not EmailLabel.PLAIN,
        secrets=tuple(secret for text in (userinfo, password) if (secret := unquote(text))),
    )


def runs_per_day(poll: PollConfig) -> float:
    """Polls a day by the schedule, on the day that has most."""
    if poll.cron is not None:
        return float(len(poll.cron.minutes))
    return DAY / (poll.interval or DAY)


def forecast_calls(setup: Setup, company_state: CompanyState) -> CallBudget:
    """The calls that a day's polls will take, by the pages seen last, or by the list's length.

    It leaves out what cannot be known beforehand: retries, the one call that learns the time zone,
    and for each window a 404 to listed users with the listing that settles it. All of these are in
    the ledger, which keeps the quota.
    """
    state = _state_of_host(setup, company_state)
    budget = CallBudget(
        calls_per_poll=sum(_pages(setup, state).values()),
        runs_per_day=runs_per_day(setup.config.poll),
        requests_per_day=setup.limits.requests_per_day,
        search_calls=_search_pages(setup, state),
        roster_calls=setup.roster.calls,
        reserved_calls=_reserved_calls(setup, state),
    )
    if budget_problem(setup, budget):
        # Polls come first: without the reserve, data may still be fresh enough.
        return replace(budget, reserved_calls=0)
    return budget


def keeps_history(setup: Setup) -> bool:
    """Whether there is a day history: it needs a state file."""
    return setup.config.drops.enabled and setup.config.state.file is not None


def forecast_history(
    setup: Setup, company_state: CompanyState, *, missing: int = HISTORY_DAYS
) -> HistoryCalls:
    """The calls of the day history; of none, if there is no history.

    ``missing`` is the number of days that are not known yet.
    """
    if not keeps_history(setup):
        return HistoryCalls(once=0, per_day=0)
    pages = _pages(setup, _state_of_host(setup, company_state))
    # A shorter window has few pages on Sundays and Mondays, because most people did nothing in it.
    whole_weeks = [pages[window.name] for window in setup.plan.windows if window.days >= WEEK]
    return history_calls(
        pages=min(whole_weeks, default=max(pages.values())),
        missing=missing,
        one_day_polled=any(window.days == 1 for window in setup.plan.windows),
    )


def _reserved_calls(setup: Setup, state: CompanyState) -> int:
    """Calls that polls leave to the history before their interval is stretched.

    The daily calls, a tenth of the quota for the first fill, and the part of the quota in which the
    history makes no calls: stretched polls would use all that is left.
    """
    if not keeps_history(setup):
        return 0
    share = 1 - QUOTA_SHARE + FIRST_FILL
    return forecast_history(setup, state).per_day + math.ceil(share * setup.limits.requests_per_day)


def windows_to_poll(
    setup: Setup, company_state: CompanyState, today: date
) -> tuple[WindowSpec, ...]:
    """All windows; if their pages do not fit the quota at all, the longest one that does.

    If none fits either, it is the shortest one, because it has the fewest pages: without a try a
    company that shrinks would never be polled again.
    """
    windows = setup.plan.windows
    state = _state_of_host(setup, company_state)
    quota = setup.limits.requests_per_day
    pages, search = _pages(setup, state), _search_pages(setup, state) + setup.roster.calls
    if sum(pages.values()) + search <= quota:
        return windows
    fitting = [window for window in windows if max(pages[window.name], search) <= quota]
    if fitting:
        return (longest(fitting, today),)
    return (max(windows, key=lambda window: window.range_on(today).start),)


def _state_of_host(setup: Setup, company_state: CompanyState) -> CompanyState:
    host = setup.plan.host
    return company_state if company_state.host == host else CompanyState(host=host)


def _pages(setup: Setup, state: CompanyState) -> dict[str, int]:
    """Pages of each window when it was last fetched; at least those of the list before that."""
    listed = setup.plan.selection.listed
    least = 1 if listed is None else pages_for(len(listed))
    return {window.name: state.pages.get(window.name, least) for window in setup.plan.windows}


def _search_pages(setup: Setup, state: CompanyState) -> int:
    """Pages of the daily search for unknown users; 0 if there are none."""
    if not setup.plan.selection.unknown_users(state):
        return 0
    return pages_for(len(state.known_users))


def poll_span(setup: Setup, calls: int) -> float:
    """Seconds that a poll of so many calls takes at least, by our own limiter."""
    return calls * setup.limits.hold / setup.limits.slots


def search_share(budget: CallBudget) -> str:
    """Text to add after a quota: the parts of it that are not for the polls."""
    parts = {
        "for the daily search for unknown users": budget.search_calls,
        "for the roster": budget.roster_calls,
        "left to the day history": budget.reserved_calls,
    }
    texts = [f"{calls} of them {what}" for what, calls in parts.items() if calls]
    return f" ({' and '.join(texts)})" if texts else ""


def budget_problem(setup: Setup, budget: CallBudget) -> str | None:
    """Why this schedule cannot keep data fresh within the quota; None if it can."""
    stale_after = setup.config.poll.stale_after
    needed = budget.effective_interval + poll_span(setup, budget.calls_per_poll)
    if needed <= stale_after:
        return None
    quota = f"{budget.requests_per_day}{search_share(budget)}"
    if budget.impossible:
        return (
            f"a poll takes {budget.calls_per_poll} calls, and gong.requests_per_day is"
            f" {quota}: not even two polls a day fit; ask for fewer windows or users, or raise"
            " gong.requests_per_day"
        )
    return (
        f"a poll takes {budget.calls_per_poll} calls, so gong.requests_per_day ="
        f" {quota} allows one every {format_duration(budget.effective_interval)};"
        f" with the poll itself that is {format_duration(round(needed))}, past poll.stale_after"
        f" ({format_duration(stale_after)}): data would become stale between polls. Ask for fewer"
        " windows or users, raise gong.requests_per_day or poll.stale_after"
    )
