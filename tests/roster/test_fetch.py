"""Gong's list of users, fetched from the simulator with all its faults: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gong_exporter.activity.listing import MAX_STARTS
from gong_exporter.gong.client import GongClient, RetryPolicy
from gong_exporter.gong.errors import GongError, InvalidResponse
from gong_exporter.gong.gong_users import GongUser, UsersPage
from gong_exporter.roster.gong import fetch_users
from gong_exporter.simulator.api.faults import FAULTS, Stage
from gong_exporter.simulator.api.simulator import Simulator
from tests.activity.rig import client_of
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.logs import LogRecorder, no_log
from tests.support.simulator import running_simulator

USERS = 150
IDS = {user_id(index) for index in range(USERS)}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running_simulator(FixtureCompany(USERS)) as simulator:
        yield simulator


def client(simulator: Simulator) -> GongClient:
    return client_of(simulator, FakeClock(), timeout=0.5, retry=RetryPolicy(attempts=2))


def test_all_pages_are_fetched_with_progress(simulator: Simulator) -> None:
    seen: list[tuple[int, int | None]] = []
    users = fetch_users(client(simulator), no_log(), lambda *page: seen.append(page))
    assert {user.user_id for user in users} == IDS
    assert seen == [(100, 150), (150, 150)]


HARMLESS = {kind.name for kind in FAULTS if kind.stage is Stage.READING} | {
    *("null-counters", "weird-counters", "nan-counters", "extra-counters", "weird-counter-names"),
    *("numeric-ids", "null-emails", "weird-emails", "unknown-time-zone", "null-time-zone"),
    *("malformed-date-times", "other-range", "null-members"),
}


@pytest.mark.parametrize("name", [kind.name for kind in FAULTS])
def test_a_fault_gives_an_error_or_the_whole_list(simulator: Simulator, name: str) -> None:
    simulator.set_users_faults(name)
    if name in HARMLESS:
        assert {user.user_id for user in fetch_users(client(simulator), no_log())} == IDS
    else:
        with pytest.raises(GongError):
            fetch_users(client(simulator), no_log())


@pytest.mark.parametrize("name", ["shifting", "wrong-total", "repeated-cursor", "endless-pages"])
def test_a_list_that_contradicts_itself_is_fetched_again_a_few_times(
    simulator: Simulator, name: str
) -> None:
    simulator.set_users_faults(name)
    recorder = LogRecorder()
    with pytest.raises(InvalidResponse, match="no whole listing in 3 starts"):
        fetch_users(client(simulator), recorder.log)
    again = recorder.messages.count("fetching the list of users again")
    assert again == MAX_STARTS - 1


class Pages(GongClient):
    """A client whose pages a test writes."""

    def __init__(self, *pages: UsersPage) -> None:
        self.pages = list(pages)

    def users_page(
        self,
        cursor: str | None = None,  # noqa: ARG002 - the client's
        *,
        new_connection: bool = False,  # noqa: ARG002 - the client's
    ) -> UsersPage:
        return self.pages.pop(0)


def page(*users: GongUser, total: int | None, cursor: str | None = None) -> UsersPage:
    return UsersPage(
        request_id="r",
        total_records=total,
        cursor=cursor,
        users=users,
        records_received=len(users),
    )


ANN, BEN, CARL = (GongUser(user_id=str(n), active=True) for n in (1, 2, 3))


def test_a_user_deactivated_between_pages_is_as_received_last() -> None:
    """Gong moved Ann to the end; the page after hers shifted, so no user is missing."""
    gone = GongUser(user_id="1", active=False)
    source = Pages(page(ANN, BEN, total=3, cursor="c"), page(CARL, gone, total=3))
    assert set(fetch_users(source, no_log())) == {gone, BEN, CARL}


def test_a_page_that_shifted_past_somebody_is_not_believed() -> None:
    first, shifted = page(ANN, BEN, total=3, cursor="c"), page(BEN, total=3)
    source = Pages(first, shifted, page(ANN, BEN, total=3, cursor="d"), page(CARL, total=3))
    assert set(fetch_users(source, no_log())) == {ANN, BEN, CARL}


def test_a_user_who_joins_in_between_starts_it_again() -> None:
    source = Pages(page(ANN, total=2, cursor="c"), page(BEN, total=3), page(ANN, BEN, total=2))
    assert set(fetch_users(source, no_log())) == {ANN, BEN}


def test_a_full_page_without_total_and_cursor_is_not_believed_to_be_the_last() -> None:
    users = [GongUser(user_id=str(n)) for n in range(100)]
    with pytest.raises(InvalidResponse):
        fetch_users(Pages(*[page(*users, total=None)] * 3), no_log())


@pytest.mark.parametrize("last", [page(total=0), page(total=None)])
def test_an_empty_list_is_not_believed(last: UsersPage) -> None:
    with pytest.raises(InvalidResponse):
        fetch_users(Pages(*[last] * 3), no_log())
