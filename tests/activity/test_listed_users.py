"""Users by id and by address, and every meaning a 404 may have; calls counted at the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from gong_exporter.activity.knowledge import Knowledge
from gong_exporter.activity.poll import PollResult, poll
from gong_exporter.activity.snapshot import Snapshot, WindowData
from gong_exporter.activity.users import Selection, build_snapshot
from gong_exporter.gong.errors import GongError, ServerError, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page
from gong_exporter.simulator.options import Readings
from gong_exporter.simulator.serve import Simulator
from tests.activity.rig import (
    Answering,
    Said,
    activity,
    asked,
    client_of,
    listed,
    page_of,
    plan_of,
    ranges,
    truth,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.simulator import running_simulator

HOUR, DAY = 3600.0, 86_400.0
WINDOWS = ("1d", "7d", "28d")

MILD, STRICT = Readings(), Readings(unknown_id_fails=True)
"""The two readings of "User not found"."""

MANY = FixtureCompany(263)
"""Three pages when everybody is listed."""

FEW = FixtureCompany(30)
"""One page."""


@dataclass
class Polls:
    """Polls one simulated company again and again, with one knowledge."""

    simulator: Simulator
    selection: Selection
    clock: FakeClock
    knowledge: Knowledge
    said: Said = field(default_factory=Said)

    def poll(self, after: float = 0.0) -> PollResult:
        """Poll once, ``after`` seconds from now; ``calls`` are those of this poll alone."""
        self.clock.advance(after)
        self.simulator.journal.clear()
        plan = plan_of(*WINDOWS, host=self.simulator.url, selection=self.selection)
        client = client_of(self.simulator, self.clock, said=self.said)
        result = poll(client, plan, self.knowledge, self.clock, self.said)
        self.knowledge = result.knowledge
        return result

    @property
    def calls(self) -> int:
        return len(asked(self.simulator))

    @property
    def refusals(self) -> int:
        return sum(entry.status == 404 for entry in self.simulator.journal.entries())

    @property
    def listings(self) -> Counter[tuple[str, str]]:
        """How often everybody's listing was begun, by the days it is about."""
        bodies = asked(self.simulator)
        return Counter(
            ranges(b for b in bodies if "userIds" not in b["filter"] and "cursor" not in b)
        )


@contextmanager
def polls(
    company: FixtureCompany,
    *entries: str,
    reading: Readings = MILD,
    gone: tuple[str, ...] = (),
    now: datetime = datetime(2026, 3, 11, 18, tzinfo=UTC),
) -> Iterator[Polls]:
    """A company of which everybody was named before, and those in ``gone`` are no more."""
    clock = FakeClock(now)
    with running_simulator(company, now=clock.datetime, readings=reading) as simulator:
        knowledge = Knowledge(
            host=simulator.url,
            time_zone=company.time_zone.key,
            named=dict.fromkeys(gone, "gone@acme.example"),
        )
        yield Polls(simulator, listed(*entries), clock, knowledge)


def ghosts(count: int) -> tuple[str, ...]:
    return tuple(str(555_000 + number) for number in range(count))


def mixed(count: int, unknown: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids to configure: the company's, and those of nobody."""
    strangers = ghosts(unknown)
    return tuple(user_id(n) for n in range(count - unknown)), strangers


def assert_true(result: PollResult, company: FixtureCompany, known: tuple[str, ...]) -> None:
    assert result.complete, result.failures
    for window in result.windows:
        assert window.users == truth(company, window.start, window.end, known), window.window


CASES = [
    (1, 0),
    (1, 1),
    (10, 0),
    (10, 1),
    (10, 10),
    (60, 0),
    (60, 1),
    (60, 60),
]

both_readings = pytest.mark.parametrize(
    "reading", [MILD, STRICT], ids=["404 if nobody has data", "404 for any unknown id"]
)


@both_readings
@pytest.mark.parametrize(("count", "unknown"), CASES)
def test_ids_that_gong_never_named_cost_the_others_nothing(
    count: int, unknown: int, reading: Readings
) -> None:
    known, strangers = mixed(count, unknown)
    with polls(MANY, *known, *strangers, reading=reading) as company:
        result = company.poll()
        assert_true(result, MANY, known)
        assert company.refusals == 0
        # One search through everybody, in the longest window; then each window, if anybody is left.
        assert company.listings == {("2026-02-11", "2026-03-11"): 1}
        assert company.calls == 3 + (2 if known else 0)
        # What the search cost is not what the next poll will.
        assert company.knowledge.pages == dict.fromkeys(WINDOWS if known else ["28d"], 1)

        assert_true(company.poll(after=HOUR), MANY, known)
        assert company.listings == {}
        assert company.calls == (3 if known else 0)

        assert_true(company.poll(after=DAY), MANY, known)
        assert company.listings == ({("2026-02-12", "2026-03-12"): 1} if strangers else {})
        snapshot = snapshot_of(result, company.selection)
        assert {user.user_id for user in snapshot.users} == set(known)
        assert snapshot.unknown == strangers


@both_readings
@pytest.mark.parametrize(("count", "unknown"), CASES)
def test_ids_that_are_gone_cost_few_calls_once_a_day_and_the_others_nothing(
    count: int, unknown: int, reading: Readings
) -> None:
    """The bound: for each window and company day one 404 and one listing of everybody."""
    known, gone = mixed(count, unknown)
    with polls(MANY, *known, *gone, reading=reading, gone=(*known, *gone)) as company:
        spoilt = bool(gone) and (reading is STRICT or not known)
        first = company.poll()
        assert_true(first, MANY, known)
        assert set(company.listings.values()) <= {1}
        assert len(company.listings) == (3 if spoilt else 0)
        assert company.calls == (3 * (1 + 3) if spoilt else 3)
        assert company.knowledge.pages == dict.fromkeys(WINDOWS, 1)

        for _ in range(3):  # the same day: what a 404 meant is known
            assert_true(company.poll(after=HOUR), MANY, known)
            assert company.listings == {}
            assert company.calls == 3
            assert company.refusals == (0 if known else 3)

        assert_true(company.poll(after=DAY), MANY, known)  # another day is another question
        assert set(company.listings.values()) <= {1}
        assert company.calls <= 3 * (1 + 3)
    assert company.said.warnings == []


@both_readings
def test_where_listing_everybody_costs_no_more_nobodys_late_activity_is_missed(
    reading: Readings,
) -> None:
    known, gone = mixed(10, 1)
    with polls(FEW, *known, *gone, reading=reading, gone=(*known, *gone)) as company:
        assert_true(company.poll(), FEW, known)
        assert company.calls == (6 if reading is STRICT else 3)
        assert_true(company.poll(after=HOUR), FEW, known)
        assert company.calls == 3
        assert len(company.listings) == (3 if reading is STRICT else 0)


@both_readings
def test_listed_users_without_activity_in_a_window_are_left_out_of_it_and_known(
    reading: Readings,
) -> None:
    """On Monday, yesterday was a Sunday: users with an even number did nothing."""
    known = (user_id(0), user_id(2))
    monday = datetime(2026, 3, 9, 18, tzinfo=UTC)
    with polls(MANY, *known, reading=reading, now=monday) as company:
        company.poll()
        result = company.poll(after=HOUR)
        assert_true(result, MANY, known)
        assert window_of(result, "1d").users == {}
        assert set(window_of(result, "7d").users) == set(known)
        assert company.refusals == 1  # it is a 404 each time, and understood
        assert company.listings == {}
        snapshot = snapshot_of(result, company.selection)
        rows = dict(snapshot.rows(window_of(result, "1d")))
        assert list(rows.values()) == [(0,) * 15] * 2


@both_readings
def test_a_company_without_any_activity_leaves_everybody_at_nothing(reading: Readings) -> None:
    idle = FixtureCompany(5, silent=range(5))
    known = tuple(user_id(n) for n in range(5))
    with polls(idle, *known, reading=reading, gone=known) as company:
        result = company.poll()
        assert result.complete
        assert [window.users for window in result.windows] == [{}, {}, {}]
        company.poll(after=HOUR)
        assert company.calls == 3


def test_users_by_address_and_by_id_are_the_same_users() -> None:
    entries = (user_id(1), email(2), email(3).upper(), "nobody@acme.example")
    known = (user_id(1), user_id(2), user_id(3))
    with polls(MANY, *entries) as company:
        first = company.poll()
        assert_true(first, MANY, known)
        assert company.selection.missing(company.knowledge) == ("nobody@acme.example",)
        assert_true(company.poll(after=HOUR), MANY, known)
        filters = [body["filter"]["userIds"] for body in asked(company.simulator)]
        assert filters == [sorted(known)] * 3


def test_an_address_that_gong_changes_later_still_means_the_same_user() -> None:
    renamed = [activity("7", 1, "jane@acme.example")]

    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        found = [u for u in renamed if wanted.user_ids is None or u.user_id in wanted.user_ids]
        return page_of(found)

    source, clock = Answering(answer), FakeClock()
    plan = plan_of("7d", selection=listed("Jane@acme.example"))
    first = poll(source, plan, Knowledge(host=plan.host, time_zone="UTC"), clock, Said())
    assert set(window_of(first, "7d").users) == {"7"}
    renamed[:] = [activity("7", 2, "jane.doe@acme.example"), activity("8", 3, "jane@acme.example")]
    second = poll(source, plan, first.knowledge, clock, Said())
    assert set(window_of(second, "7d").users) == {"7"}
    assert source.calls[-1][0].user_ids == ("7",)
    assert second.knowledge.named["7"] == "jane.doe@acme.example"


def test_a_user_who_appears_later_is_found_by_the_next_days_search() -> None:
    late = FixtureCompany(3)
    people = list(late.user_ids)
    late._user_ids = tuple(people[:2])
    with polls(late, *people) as company:
        assert set(window_of(company.poll(), "28d").users) == set(people[:2])
        late._user_ids = tuple(people)
        company.poll(after=HOUR)
        assert company.selection.missing(company.knowledge) == (people[2],)
        assert_true(company.poll(after=DAY), late, tuple(people))
        assert company.selection.missing(company.knowledge) == ()
        company.poll(after=DAY)
        assert company.listings == {}  # nobody is looked for any more


def test_a_user_added_to_the_list_needs_no_search_if_everybody_was_listed_before() -> None:
    with polls(MANY, user_id(0), "555") as company:
        company.poll()
        company.selection = listed(user_id(0), user_id(9), email(10), "555")
        assert_true(company.poll(after=HOUR), MANY, (user_id(0), user_id(9), user_id(10)))
        assert company.listings == {}


@pytest.mark.parametrize("fault", ["server-error", "wrong-total", "html"])
def test_a_search_that_fails_does_not_cost_the_known_users_their_numbers(fault: str) -> None:
    known = (user_id(0), user_id(1))
    with polls(FEW, *known, "555") as company:
        company.knowledge = Knowledge(
            host=company.simulator.url, time_zone="US/Pacific", named=dict.fromkeys(known, "")
        )
        plan = plan_of(*WINDOWS, host=company.simulator.url, selection=company.selection)
        client = client_of(company.simulator, company.clock)

        def answer(wanted: ActivityFilter, cursor: str | None) -> Page:
            company.simulator.set_faults(*([fault] if wanted.user_ids is None else []))
            return client.page(wanted, cursor)

        result = poll(Answering(answer), plan, company.knowledge, company.clock, company.said)
        assert_true(result, FEW, known)
        assert result.knowledge.looked_up is None  # the next poll tries again
        assert company.said.messages[-1].startswith("looking for unknown users: ")


@pytest.mark.parametrize("fault", ["rate-limited-long", "unauthorized", "forbidden", "redirect"])
def test_an_error_that_ends_the_poll_ends_it_in_the_search_as_well(fault: str) -> None:
    with polls(FEW, user_id(0), "555", gone=(user_id(0),)) as company:
        company.simulator.set_faults(fault)
        result = company.poll()
        assert company.calls == 1
        assert [failure.windows for failure in result.failures] == [WINDOWS]
        assert (result.retry_at is not None) == (fault == "rate-limited-long")


def test_somebody_whom_nobody_asked_for_is_left_out() -> None:
    source = Answering(lambda *_: page_of([activity("1"), activity("2")]))
    plan = plan_of("7d", selection=listed("1"))
    knowledge = Knowledge(host=plan.host, time_zone="UTC", named={"1": "", "2": ""})
    result = poll(source, plan, knowledge, FakeClock(), Said())
    assert set(window_of(result, "7d").users) == {"1"}


class Strict:
    """A third reading: a 404 unless every asked-for user has data; some of it comes late."""

    def __init__(self, *active: str) -> None:
        self.active = set(active)
        self.listings = 0

    def page(self, wanted: ActivityFilter, cursor: str | None = None) -> Page:
        assert cursor is None
        if wanted.user_ids is None:
            self.listings += 1
            return page_of([activity(name) for name in sorted(self.active)])
        if not self.active.issuperset(wanted.user_ids):
            raise UserNotFound(404, errors=("User not found",))
        return page_of([activity(name) for name in wanted.user_ids])


@pytest.mark.parametrize("named", [5, 500], ids=["one page", "five pages"])
def test_a_404_unless_everybody_has_data_would_be_understood_too(named: int) -> None:
    source, clock = Strict("1", "2"), FakeClock()
    plan = plan_of("7d", selection=listed("1", "2", "3"))
    people = {str(number): "" for number in range(named)}
    knowledge = Knowledge(host=plan.host, time_zone="UTC", named=people)
    first = poll(source, plan, knowledge, clock, Said())
    assert set(window_of(first, "7d").users) == {"1", "2"}
    second = poll(source, plan, first.knowledge, clock, Said())
    assert set(window_of(second, "7d").users) == {"1", "2"}
    # One page for everybody costs no more than asking; five do.
    assert source.listings == (2 if named == 5 else 1)
    source.active = {"2"}  # somebody asked for alone has left meanwhile
    third = poll(source, plan, second.knowledge, clock, Said())
    assert third.complete
    if named == 500:  # should the next poll find the same, it pays for a 404 and a listing
        assert third.knowledge.pages == {"7d": 2}
    assert set(window_of(third, "7d").users) == {"2"}


def test_what_a_404_meant_is_not_taken_for_an_answer_about_other_users() -> None:
    """Somebody was added to the list: asking for the ones that were active would miss them."""
    source, clock = Strict("1", "2"), FakeClock()
    people = {str(number): "" for number in range(500)}
    knowledge = Knowledge(host="http://gong.test", time_zone="UTC", named=people)
    first = poll(source, plan_of("7d", selection=listed("1", "3")), knowledge, clock, Said())
    assert set(window_of(first, "7d").users) == {"1"}
    plan = plan_of("7d", selection=listed("1", "2", "3"))
    second = poll(source, plan, first.knowledge, clock, Said())
    assert set(window_of(second, "7d").users) == {"1", "2"}


def test_an_error_in_the_listing_behind_a_404_fails_that_window_alone() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        if wanted.from_date != date(2026, 3, 4):
            return page_of([activity("1")])
        if wanted.user_ids is None:
            raise GongError("broken")
        raise UserNotFound(404, errors=("User not found",))

    plan = plan_of(selection=listed("1"))
    knowledge = Knowledge(host=plan.host, time_zone="UTC", named={"1": ""})
    result = poll(Answering(answer), plan, knowledge, FakeClock(), Said())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    assert [failure.windows for failure in result.failures] == [("7d",)]
    assert "7d" not in result.knowledge.understood


def snapshot_of(result: PollResult, selection: Selection, *older: WindowData) -> Snapshot:
    fresh = {window.window: window for window in (*older, *result.windows)}
    return build_snapshot(
        windows=fresh.values(),
        knowledge=result.knowledge,
        selection=selection,
        metrics=None,
        email_label=str,
    )


@pytest.mark.parametrize("others", [(), ("1",)], ids=["nobody else is listed", "somebody is"])
def test_somebody_named_just_now_has_no_zero_in_a_window_that_was_not_about_them(
    others: tuple[str, ...],
) -> None:
    """Their 7d failed to arrive: what is left of it is from before anybody asked about them."""
    broken = False

    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        if broken and wanted.from_date == date(2026, 3, 4):
            raise ServerError(500)
        people = [activity("1")] + [activity("2")] * broken
        found = [u for u in people if wanted.user_ids is None or u.user_id in wanted.user_ids]
        return page_of(found)

    clock, selection = FakeClock(), listed(*others, "2")
    plan = plan_of("7d", "28d", selection=selection)
    start = Knowledge(host=plan.host, time_zone="UTC")
    first = poll(Answering(answer), plan, start, clock, Said())
    assert [user.user_id for user in snapshot_of(first, selection).users] == [*others]
    broken = True
    clock.advance(DAY)
    clock.set(datetime(2026, 3, 11, 23, tzinfo=UTC))
    knowledge = replace(first.knowledge, looked_up=None)
    second = poll(Answering(answer), plan, knowledge, clock, Said())
    assert second.knowledge.named.keys() == {"1", "2"}
    shown = snapshot_of(second, selection, window_of(first, "7d"))
    assert [user.user_id for user in shown.users] == [*others]
    assert shown.unknown == ("2",)
    broken = False
    third = poll(Answering(answer), plan, second.knowledge, clock, Said())
    shown = snapshot_of(third, selection)
    assert [user.user_id for user in shown.users] == [*others, "2"]
    assert shown.unknown == ()


def test_somebody_whom_the_listing_behind_a_404_names_first_is_in_that_window() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        if wanted.user_ids is not None:
            raise UserNotFound(404, errors=("User not found",))
        return page_of([activity("1"), activity("2")])

    selection = listed("1", "2")
    plan = plan_of("7d", selection=selection)
    today = date(2026, 3, 11)
    knowledge = Knowledge(host=plan.host, time_zone="UTC", named={"1": ""}, looked_up=today)
    result = poll(Answering(answer), plan, knowledge, FakeClock(), Said())
    assert set(window_of(result, "7d").users) == {"1", "2"}
    assert [user.user_id for user in snapshot_of(result, selection).users] == ["1", "2"]


def test_an_empty_window_is_about_everybody() -> None:
    clock, selection = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC)), listed("1")
    source = Answering(lambda *_: page_of([activity("1")]))
    plan = plan_of("mtd", "7d", selection=selection)
    result = poll(source, plan, Knowledge(host=plan.host, time_zone="UTC"), clock, Said())
    snapshot = snapshot_of(result, selection)
    assert dict(snapshot.rows(window_of(result, "mtd"))) == {snapshot.users[0]: (0,) * 15}
