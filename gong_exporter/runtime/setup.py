"""From a checked configuration to what a poll needs. Pure; a reload makes a new one."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gong_exporter.activity.budget import DAY, CallBudget, call_budget, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.users import ALL_USERS, ListedUser, Selection, fingerprint
from gong_exporter.common.redact import RedactionPolicy
from gong_exporter.config.cron import runs_per_day_max
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import Config, EmailLabel, PollConfig, UsersAll
from gong_exporter.config.secrets import BasicCredentials, Credentials
from gong_exporter.gong.limits import CallLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One configuration in force.

    Attributes:
        config: as loaded.
        plan: what each poll asks for.
        limits: this exporter's share of the company's.
    """

    config: Config
    plan: PollPlan
    limits: CallLimits


def make_setup(config: Config) -> Setup:
    """Derive what follows from a configuration."""
    gong, activity = config.gong, config.activity
    selection = _selection(config)
    return Setup(
        config=config,
        plan=PollPlan(
            host=gong.base_url,
            windows=activity.windows,
            selection=selection,
            zone=gong.time_zone,
            fingerprint=fingerprint(
                gong.base_url, selection, activity.created_from, activity.created_to
            ),
            created_from=activity.created_from,
            created_to=activity.created_to,
        ),
        limits=CallLimits(gong.requests_per_second, gong.requests_per_day),
    )


def authorization(credentials: Credentials) -> Callable[[], str]:
    """The Authorization header's value, from secrets read anew each time (they rotate).

    The returned function raises CredentialsUnreadable.
    """

    def header() -> str:
        secret = credentials.read()
        if isinstance(secret, BasicCredentials):
            pair = f"{secret.access_key.reveal()}:{secret.access_key_secret.reveal()}"
            return "Basic " + b64encode(pair.encode()).decode()
        return "Bearer " + secret.token.reveal()

    return header


def email_label(config: Config) -> Callable[[str], str]:
    """From an address to what labels, pages and logs show of it."""
    if config.activity.email_label is EmailLabel.OMITTED:
        return lambda _: ""
    if config.activity.email_hash_key is None:
        return lambda email: email
    key = config.activity.email_hash_key.read().reveal().encode()
    return lambda email: _hashed(email, key)


def _hashed(email: str, key: bytes) -> str:
    """An address as 16 digits that only the key's owner can find out: HMAC-SHA-256, 64 bits.

    Nobody can guess addresses against it, as against a plain hash, and at 10,000 people the
    chance that two share a label is one in 10^11.
    """
    if not email:
        return ""
    # A lone surrogate (Gong's JSON can hold one) has no UTF-8.
    address = email.lower().encode(errors="replace")
    return hmac.new(key, address, "sha256").hexdigest()[:16]


def redaction_policy(config: Config) -> RedactionPolicy:
    """What logs, pages and commands must not show with this configuration.

    The credentials are not part of it: the client adds each header that it sends.
    """
    proxy = config.gong.proxy_url
    userinfo = urlsplit(proxy.reveal()).netloc.rpartition("@")[0] if proxy else ""
    password = userinfo.partition(":")[2]
    return RedactionPolicy(
        hide_addresses=config.activity.email_label is not EmailLabel.PLAIN,
        secrets=tuple(secret for text in (userinfo, password) if (secret := unquote(text))),
    )


def runs_per_day(poll: PollConfig) -> float:
    """Polls a day by the schedule, on the day that has most."""
    if poll.cron is not None:
        return float(runs_per_day_max(poll.cron))
    return DAY / (poll.interval or DAY)


def forecast_calls(setup: Setup, knowledge: CompanyState | None) -> CallBudget:
    """What a day's polls will cost, by the pages seen last, or by the list's length.

    Left out is what nobody knows beforehand: retries, the one call that learns the time zone, and
    for each window a 404 to listed users with the listing that settles it. All of it is in the
    ledger, which keeps the quota.
    """
    config = setup.config
    listed = setup.plan.selection.listed
    if knowledge is None or knowledge.host != setup.plan.host:
        knowledge = CompanyState(host=setup.plan.host)
    least = 1 if listed is None else pages_for(len(listed))
    pages = {window.name: knowledge.pages.get(window.name, least) for window in setup.plan.windows}
    search = (
        pages_for(len(knowledge.known_users))
        if setup.plan.selection.unknown_users(knowledge)
        else 0
    )
    return call_budget(
        pages=pages,
        windows=tuple(pages),
        runs_per_day=runs_per_day(config.poll),
        requests_per_day=config.gong.requests_per_day,
        search_pages=search,
    )


def interval_in_effect(cost: CallBudget) -> float:
    """Seconds between two polls: by the schedule, or stretched; a day where no interval fits.

    That can happen while the exporter runs, when a company grows. Then the calls of one poll
    are more than a day's quota, and a try a day is what is left.
    """
    return DAY if cost.impossible else cost.effective_interval


def poll_span(setup: Setup, calls: int) -> float:
    """Seconds a poll of so many calls takes at least, by our own limiter."""
    return calls * setup.limits.hold / setup.limits.slots


def search_share(cost: CallBudget) -> str:
    """What to say behind a quota; else the polls would seem to have all of it."""
    calls = cost.extra_calls_per_day
    return f" ({calls} of them for the daily search for unknown users)" if calls else ""


def budget_fault(setup: Setup, cost: CallBudget) -> str | None:
    """Why this schedule cannot keep data fresh within the quota; None when it can."""
    stale_after = setup.config.poll.stale_after
    needed = cost.effective_interval + poll_span(setup, cost.calls_per_poll)
    if needed <= stale_after:
        return None
    quota = f"{cost.requests_per_day}{search_share(cost)}"
    if cost.impossible:
        return (
            f"a poll takes {cost.calls_per_poll} calls, and gong.requests_per_day is"
            f" {quota}: not even two polls a day fit; ask for fewer windows or users, or raise"
            " gong.requests_per_day"
        )
    return (
        f"a poll takes {cost.calls_per_poll} calls, so gong.requests_per_day ="
        f" {quota} allows one every {format_duration(cost.effective_interval)};"
        f" with the poll itself that is {format_duration(round(needed))}, past poll.stale_after"
        f" ({format_duration(stale_after)}): data would lapse between polls. Ask for fewer"
        " windows or users, raise gong.requests_per_day or poll.stale_after"
    )


def _selection(config: Config) -> Selection:
    users = config.activity.users
    if isinstance(users, UsersAll):
        return ALL_USERS
    return Selection(
        listed=tuple(
            ListedUser(user_id=user.id, email=user.email, labels=tuple(user.labels.items()))
            for user in users
        )
    )
