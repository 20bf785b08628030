"""Whatever a server does, a window equals the truth of one moment, or is absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollResult
from gong_exporter.activity.users import ALL_USERS, Selection, UserLabels, build_snapshot
from gong_exporter.gong.errors import (
    BadRequest,
    ConnectionFailed,
    GongError,
    InvalidResponse,
    QuotaSpent,
    RateLimited,
    ServerError,
    TimedOut,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.records import ActivityFilter, ActivityPage, UserActivity
from tests.activity.rig import activity, listed, page_of, plan_of, rows
from tests.support.clocks import FakeClock
from tests.support.logs import no_log

PAGE = 3
"""Users a page: every listing is of several."""

Users = dict[str, int]
"""A number for each user with activity."""

ERRORS: tuple[Callable[[], GongError], ...] = (
    lambda: ServerError(500),
    lambda: ConnectionFailed("reset"),
    lambda: TimedOut("too slow"),
    lambda: InvalidResponse("the response is HTML (6 bytes)"),
    lambda: BadRequest(400),
    lambda: RateLimited(retry_after=7200),
    lambda: QuotaSpent("spent", until=1.0),
    lambda: Unauthorized(401),
)

LIES = ("drop", "repeat", "renumber", "rename", "total", "no total", "cursor", "same cursor")


@dataclass
class Liar:
    """A Gong whose people join and leave between calls, and whose answers are often wrong.

    It lies as far as a lie can be noticed: about one thing in an answer, and never in such a way
    that the page is what another, honest server would have sent.

    Attributes:
        world: everybody's number in the short window, and (ten times it) in the long one; users
            whose number is below ten have nothing in the short one.
        draw: the dice.
        moments: every world there was.
    """

    world: Users
    draw: Callable[[int], int]
    strict: bool = False
    moments: list[Users] = field(default_factory=list)
    doubted: set[tuple[date, date]] = field(default_factory=set)

    def page(
        self,
        wanted: ActivityFilter,
        cursor: str | None = None,
        *,
        new_connection: bool = False,  # noqa: ARG002 - it has no connections
    ) -> ActivityPage:
        self._let_time_pass()
        if self.draw(12) == 0:
            failure = ERRORS[self.draw(len(ERRORS))]
            raise failure()
        users = self.listing(wanted)
        if self._not_found(wanted, cursor, users):
            raise UserNotFound(404, errors=("User not found",))
        begin = int(cursor or 0)
        shown = users[begin : begin + PAGE]
        after = str(begin + PAGE) if begin + PAGE < len(users) else None
        honest = page_of(shown, total=len(users), cursor=after)
        return self._lie(honest, begin) if self.draw(6) == 0 else honest

    def listing(self, wanted: ActivityFilter) -> list[UserActivity]:
        asked = None if wanted.user_ids is None else set(wanted.user_ids)
        return [
            activity(name, number)
            for name, number in sorted(counted(self.world, wanted.from_date).items())
            if asked is None or name in asked
        ]

    def _let_time_pass(self) -> None:
        event = self.draw(10)
        if event == 0 and self.world:
            name = sorted(self.world)[self.draw(len(self.world))]
            self.world = {other: n for other, n in self.world.items() if other != name}
        elif event == 1:
            self.world = {str(50 + self.draw(40)): 1 + self.draw(30), **self.world}
        if not self.moments or self.moments[-1] != self.world:
            self.moments.append(self.world)

    def _not_found(
        self, wanted: ActivityFilter, cursor: str | None, users: list[UserActivity]
    ) -> bool:
        """Where a 404 is due, in the stricter or the milder reading, and here and there."""
        if wanted.user_ids is not None:
            unknown = any(int(name) >= 900 for name in wanted.user_ids)
            return not users or (self.strict and unknown) or self.draw(8) == 0
        if cursor is not None:
            return self.draw(8) == 0
        if not users:
            return self.strict
        # Two in a row would be what an idle company's API says.
        days = (wanted.from_date, wanted.to_date)
        if days not in self.doubted and self.draw(8) == 0:
            self.doubted.add(days)
            return True
        self.doubted.discard(days)
        return False

    def _lie(self, page: ActivityPage, begin: int) -> ActivityPage:
        users, total = list(page.users), page.total_records
        assert total is not None
        cursor = page.cursor
        received = None
        match LIES[self.draw(len(LIES))]:
            case "drop" if users:
                users.pop(self.draw(len(users)))
            case "repeat" if len(users) > 1:
                users[-1] = users[0]
            case "renumber" if users:
                users.append(activity(users[0].user_id, 999))
            case "rename" if users:
                received = len(users)
                users.pop()
            case "total":
                total += 1
            case "no total" if cursor is not None:
                return page_of(users, total=None, cursor=cursor)
            case "cursor":
                cursor = None if cursor else str(begin)
            case "same cursor" if cursor:
                cursor = str(begin)
        return page_of(users, total=total, cursor=cursor, received=received)


def counted(world: Users, start: date) -> Users:
    """The numbers of a window that starts then."""
    if start < date(2026, 3, 10):
        return {name: number * 10 for name, number in world.items()}
    return {name: number for name, number in world.items() if number >= 10}


def check(result: PollResult, moments: list[Users], selection: Selection, known: set[str]) -> None:
    for window in result.windows:
        shown = {name: values[0] for name, values in window.users.items()}
        truths = [counted(world, window.start) for world in moments]
        if not selection.all_users:
            about = window.covered or frozenset()
            assert about <= known
            truths = [{n: v for n, v in truth.items() if n in about} for truth in truths]
        assert shown in truths, window.window
    snapshot = build_snapshot(
        windows=result.windows,
        company_state=result.company_state,
        selection=selection,
        metrics=None,
        user_labels=UserLabels(email_label=str),
    )
    for window in snapshot.windows:
        truths = [counted(world, window.start) for world in moments]
        shown = {user_id: values[0] for user_id, values in rows(snapshot, window).items()}
        assert any(shown == {name: truth.get(name, 0) for name in shown} for truth in truths), (
            window.window
        )


worlds = st.dictionaries(st.integers(10, 20).map(str), st.integers(1, 30), max_size=8)
selections = st.one_of(
    st.just(ALL_USERS),
    st.lists(
        st.sampled_from([*map(str, range(10, 20)), "u12@acme.example", "901", "902"]),
        min_size=1,
        unique=True,
    ).map(lambda entries: listed(*entries)),
)


liars = st.builds(
    lambda world, strict, dice: Liar(world, dice.randrange, strict),
    worlds,
    st.booleans(),
    st.randoms(use_true_random=False),
)


@settings(max_examples=300, deadline=None)
@given(liar=liars, selection=selections)
def test_a_window_equals_the_truth_of_one_moment_or_is_absent(
    liar: Liar, selection: Selection
) -> None:
    clock = FakeClock(datetime(2026, 3, 11, 18, tzinfo=UTC))
    plan = plan_of("1d", "7d", selection=selection)
    named = {"901": "", "902": "", **{str(n): f"u{n}@acme.example" for n in range(10, 20)}}
    company_state = CompanyState(
        host=plan.host, time_zone="UTC", known_users=named if liar.strict else {}
    )
    for _ in range(3):
        begun = len(liar.moments)
        result = poll(liar, plan, company_state, clock, no_log())
        company_state = result.company_state
        moments = liar.moments[max(0, begun - 1) :]
        check(result, moments, selection, set(company_state.known_users))
        got = {window.window for window in result.windows}
        failed = {name for failure in result.failures for name in failure.windows}
        assert got | failed == {"1d", "7d"}
        assert not got & failed
        clock.advance(3600)


def test_a_server_without_faults_gives_whole_windows() -> None:
    """Without this, a poll that never brings anything would pass above."""
    liar = Liar({"10": 3, "11": 30, "12": 12, "13": 1, "14": 10}, lambda n: n - 1)
    company_state = CompanyState(host="http://gong.test", time_zone="UTC")
    result = poll(liar, plan_of("1d", "7d"), company_state, FakeClock(), no_log())
    assert not result.failures
    check(result, liar.moments, ALL_USERS, set())
    assert [len(window.users) for window in result.windows] == [3, 5]


@pytest.mark.parametrize("gone", ["901", "10"])
def test_a_server_without_faults_gives_whole_windows_of_listed_users(gone: str) -> None:
    liar = Liar({"10": 3, "11": 30, "12": 12}, lambda n: n - 1, strict=True)
    plan = plan_of("1d", "7d", selection=listed("10", "11", gone))
    named = dict.fromkeys(["10", "11", gone], "")
    company_state = CompanyState(host=plan.host, time_zone="UTC", known_users=named)
    result = poll(liar, plan, company_state, FakeClock(), no_log())
    assert not result.failures
    assert [set(window.users) for window in result.windows] == [{"11"}, {"10", "11"}]
