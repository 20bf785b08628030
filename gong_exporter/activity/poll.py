"""One poll: all windows of one company day, from the client to whole windows and knowledge.

The longest window comes first: it contains the others, so an unfiltered listing of it settles
which listed users Gong knows at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.activity.fetch import Listing, PageSource, fetch_listing
from gong_exporter.activity.knowledge import Knowledge, Understood
from gong_exporter.activity.snapshot import METRICS, WindowData, metric_name
from gong_exporter.activity.users import Selection, learn, resolve
from gong_exporter.activity.windows import (
    DayRange,
    WindowSpec,
    company_today,
    day_start,
    longest,
    today_everywhere,
)
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    Forbidden,
    GongError,
    InvalidResponse,
    NotSent,
    RateLimited,
    Redirected,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.records import COUNTERS, ActivityFilter, UserActivity


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
class Failure:
    """Why some windows have no new data.

    Attributes:
        windows: their names.
        error: what kept them.
    """

    windows: tuple[str, ...]
    error: GongError


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


Warn = Callable[[str, str | None], None]
"""Is told of something odd that did not end the poll: words, and Gong's ``requestId``."""

_ENDS_THE_POLL = (Unauthorized, Forbidden, Redirected, RateLimited, NotSent)
"""What would befall the next window just the same."""


def load_zone(name: str) -> ZoneInfo | None:
    """A time zone by the name Gong gives it (aliases such as ``US/Pacific`` included)."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # absolute paths, folders, odd characters, unknown
        return None


def poll(
    source: PageSource,
    plan: PollPlan,
    knowledge: Knowledge,
    clock: Clock,
    warn: Warn,
    *,
    today: date | None = None,
) -> PollResult:
    """Fetch every window of the plan.

    No error of Gong's leaves it: each is in ``failures``. ``today`` is fixed at the start.

    Args:
        source: the client.
        plan: what to ask for.
        knowledge: what earlier polls learned.
        clock: time and waits.
        warn: is told of oddities.
        today: a company day to ask as if it were today (a backfill's); None for the current one.

    Raises:
        Stopped: the process is stopping.
    """
    if knowledge.host != plan.host:
        knowledge = Knowledge(host=plan.host)
    run = _Poll(source, plan, knowledge, clock, warn, today=today)
    try:
        zone = run.zone()
    except GongError as error:
        return run.nothing(error)
    result = run.windows(zone)
    told = load_zone(result.knowledge.time_zone or "")
    if plan.zone is None and told is not None and _differs(told, zone, clock.now()):
        # The company moved to another zone since it was learned: its days are others.
        warn(f"the company's time zone is now {told.key}; fetching its days anew", None)
        return _Poll(source, plan, result.knowledge, clock, warn, today=today).windows(told)
    return result


class _Poll:
    """The state of one poll: what is known so far, and what it asks next."""

    def __init__(
        self,
        source: PageSource,
        plan: PollPlan,
        knowledge: Knowledge,
        clock: Clock,
        warn: Warn,
        *,
        today: date | None,
    ) -> None:
        self._source = source
        self._plan = plan
        self._clock = clock
        self._warn = warn
        self._knowledge = replace(knowledge, resolved=resolve(knowledge, plan.selection))
        self._fixed = today
        self._today = date.min

    def zone(self) -> ZoneInfo:
        """The company's zone: configured, known, or asked for with a range over everywhere."""
        if self._plan.zone is not None:
            return self._plan.zone
        known = load_zone(self._knowledge.time_zone or "")
        if known is not None:
            return known
        over = today_everywhere(self._clock.now())
        days = longest(self._plan.windows, over).on(over)
        if days.empty:
            days = WindowSpec("1d", 1).on(over)
        try:
            page = self._source.page(self._filter(days, None))
        except UserNotFound as error:
            raise InvalidResponse(
                "Gong has no activity to learn the company's time zone from: set gong.time_zone",
                request_id=error.request_id,
            ) from error
        zone = load_zone(page.time_zone or "")
        if zone is None:
            raise InvalidResponse(
                f"Gong names the company's time zone {page.time_zone!r}, which is not known here:"
                " set gong.time_zone",
                request_id=page.request_id,
            )
        self._knowledge = replace(self._knowledge, time_zone=page.time_zone)
        return zone

    def nothing(self, error: GongError) -> PollResult:
        """No window could be asked for."""
        names = tuple(window.name for window in self._plan.windows)
        return PollResult(
            windows=(),
            knowledge=self._knowledge,
            failures=(Failure(windows=names, error=error),),
            retry_at=_retry_at(error),
            zone=None,
        )

    def windows(self, zone: ZoneInfo) -> PollResult:
        """Fetch them, the longest first."""
        self._today = self._fixed or company_today(self._clock.now(), zone)
        first = longest(self._plan.windows, self._today)
        order = [first, *(window for window in self._plan.windows if window != first)]
        arrived: dict[str, WindowData] = {}
        failed: list[tuple[str, GongError]] = []
        ended: GongError | None = None
        for window in order:
            if ended is not None:
                failed.append((window.name, ended))
                continue
            try:
                arrived[window.name] = self._window(window, zone, is_longest=window == first)
            except GongError as error:
                failed.append((window.name, error))
                if isinstance(error, _ENDS_THE_POLL):
                    ended = error
        return PollResult(
            windows=tuple(
                arrived[window.name] for window in self._plan.windows if window.name in arrived
            ),
            knowledge=self._knowledge,
            failures=_grouped(failed),
            retry_at=_retry_at(ended) if ended else None,
            zone=zone,
        )

    def _window(self, window: WindowSpec, zone: ZoneInfo, *, is_longest: bool) -> WindowData:
        days = window.on(self._today)
        if days.empty:
            listing = Listing(users=(), time_zone=None, pages=0)
        elif self._plan.selection.everyone:
            listing = self._unfiltered(days)
        else:
            listing = self._of_listed_users(window, days, is_longest=is_longest)
        self._compare_zone(listing, zone)
        pages = {**self._knowledge.pages, window.name: listing.pages}
        self._knowledge = replace(self._knowledge, pages=pages)
        return self._data(window, days, zone, listing)

    def _of_listed_users(self, window: WindowSpec, days: DayRange, *, is_longest: bool) -> Listing:
        """Ask for the listed users whom Gong has named; look for the others once a day."""
        if is_longest and self._search_is_due():
            try:
                listing = self._unfiltered(days)
            except _ENDS_THE_POLL:
                raise
            except GongError as error:
                # The search can wait for the next poll; the users we know cannot.
                self._warn(f"looking for unknown users: {error.message}", error.request_id)
            else:
                self._knowledge = replace(self._knowledge, looked_up=self._today)
                return self._only(listing, self._targets())
        targets = self._targets()
        if not targets:
            return Listing(users=(), time_zone=None, pages=0)
        before = self._knowledge.understood.get(window.name)
        if before is not None and (before.start, before.end, before.asked) != (
            days.start,
            days.end,
            targets,
        ):
            before = None
        asked = before.active if before is not None and before.active else targets
        try:
            return self._fetch(days, asked)
        except UserNotFound:
            if before is not None and not before.active:
                # Once more none of them has data, as the listing of this very range had shown.
                return Listing(users=(), time_zone=None, pages=1)
        listing = self._only(self._unfiltered(days), targets)
        active = frozenset(user.user_id for user in listing.users)
        understood = Understood(start=days.start, end=days.end, asked=targets, active=active)
        self._knowledge = replace(
            self._knowledge, understood={**self._knowledge.understood, window.name: understood}
        )
        # The next poll asks for the known ones alone: one page per hundred of them.
        return replace(listing, pages=max(1, -(-len(active or targets) // 100)))

    def _search_is_due(self) -> bool:
        missing = self._plan.selection.missing(self._knowledge)
        return bool(missing) and self._knowledge.looked_up != self._today

    def _targets(self) -> frozenset[str]:
        return self._plan.selection.found(self._knowledge)

    def _unfiltered(self, days: DayRange) -> Listing:
        try:
            return self._fetch(days, None)
        except UserNotFound as error:
            # One reading of the documentation: a range without any activity is a 404 too.
            return Listing(users=(), time_zone=None, pages=1, request_id=error.request_id)

    def _fetch(self, days: DayRange, user_ids: Iterable[str] | None) -> Listing:
        listing = fetch_listing(self._source, self._filter(days, user_ids), self._warn)
        named, resolved = learn(self._knowledge, listing.users, self._plan.selection)
        self._knowledge = replace(self._knowledge, named=named, resolved=resolved)
        return listing

    def _filter(self, days: DayRange, user_ids: Iterable[str] | None) -> ActivityFilter:
        return ActivityFilter(
            from_date=days.start,
            to_date=days.end,
            created_from=self._plan.created_from,
            created_to=self._plan.created_to,
            user_ids=None if user_ids is None else tuple(sorted(user_ids)),
        )

    @staticmethod
    def _only(listing: Listing, targets: frozenset[str]) -> Listing:
        kept = tuple(user for user in listing.users if user.user_id in targets)
        return replace(listing, users=kept)

    def _compare_zone(self, listing: Listing, zone: ZoneInfo) -> None:
        """Gong says with every answer what the zone is: believe it, or wonder aloud."""
        if listing.time_zone is None:
            return
        told = load_zone(listing.time_zone)
        if told is None:
            self._warn(f"Gong names an unknown time zone, {listing.time_zone!r}", None)
            return
        if self._plan.zone is None:
            self._knowledge = replace(self._knowledge, time_zone=listing.time_zone)
        elif _differs(told, zone, self._clock.now()):
            self._warn(
                f"gong.time_zone is {zone.key}, but Gong counts the company's days in {told.key}",
                listing.request_id,
            )

    def _data(
        self, window: WindowSpec, days: DayRange, zone: ZoneInfo, listing: Listing
    ) -> WindowData:
        fields, metrics = self._columns(listing.users)
        return WindowData(
            window=window.name,
            start=days.start,
            end=days.end,
            start_timestamp=day_start(days.start, zone),
            end_timestamp=day_start(days.end, zone),
            fetched_at=self._clock.now(),
            fingerprint=self._plan.fingerprint,
            metrics=metrics,
            users={
                user.user_id: tuple(user.counters.get(field) for field in fields)
                for user in listing.users
            },
            emails={user.user_id: user.email for user in listing.users if user.email},
            pages=listing.pages,
        )

    def _columns(self, users: tuple[UserActivity, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """API fields and their ``metric`` values: the documented, then what came beside them."""
        fields, metrics = list(COUNTERS), list(METRICS)
        for field in sorted({field for user in users for field in user.counters} - set(COUNTERS)):
            name = metric_name(field)
            if name in metrics:
                self._warn(f"the counter {field} would be a second {name}: left out", None)
                continue
            fields.append(field)
            metrics.append(name)
        return tuple(fields), tuple(metrics)


def _differs(told: ZoneInfo, zone: ZoneInfo, now: float) -> bool:
    today = company_today(now, zone)
    return day_start(today, told) != day_start(today, zone)


def _retry_at(error: GongError) -> float | None:
    return error.until if isinstance(error, RateLimited | NotSent) else None


def _grouped(failed: list[tuple[str, GongError]]) -> tuple[Failure, ...]:
    """One failure per reason and message, so that one cause is one log line."""
    groups: dict[tuple[str, str], tuple[list[str], GongError]] = {}
    for window, error in failed:
        groups.setdefault((error.reason, error.message), ([], error))[0].append(window)
    return tuple(Failure(windows=tuple(names), error=error) for names, error in groups.values())
