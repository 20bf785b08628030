"""Listings of valid users without an end: what they may weigh, and what is left of them."""

from __future__ import annotations

import gc
import itertools
import json

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import fetch_listing
from gong_exporter.activity.poll import poll
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import UserActivity
from tests.activity.rig import Script, activity, client_of, page_of, plan_of
from tests.gong.clients import WANTED, watched
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.hostile import Behaviour, Connection, answer, hostile_server
from tests.support.logs import no_log
from tests.support.simulator import running_simulator

WAIT_TIMEOUT = 60.0
"""Seconds for one page: they are large, and the machine may be busy."""


def full_pages(users: int, counters: int, pages: int) -> Behaviour:
    """So many pages of so many valid users, each with so many counters."""
    serial = itertools.count(1)
    stats = json.dumps({f"x{n}": 1 for n in range(counters)})

    def behave(connection: Connection) -> bool:
        page = next(serial)
        records = json.dumps({"cursor": f"c{page}"} if page < pages else {})
        people = ",".join(
            f'{{"userId":"{page * users + n}","userAggregateActivityStats":{stats}}}'
            for n in range(users)
        )
        body = f'{{"records":{records},"usersAggregateActivityStats":[{people}]}}'
        return answer(200, body.encode())(connection)

    return behave


@pytest.mark.parametrize(
    ("users", "counters", "problem"),
    [(40_000, 0, "more than 100000 users"), (14_000, 50, "more than 2000000 counters")],
)
def test_a_listing_that_gets_too_large_fails_at_once_and_does_not_start_again(
    users: int, counters: int, problem: str
) -> None:
    """A page may hold thousands of users: to count the pages is not enough."""
    with hostile_server(full_pages(users, counters, pages=5)) as server:
        client = watched(server.url, timeout=WAIT_TIMEOUT).client
        with pytest.raises(InvalidResponse) as caught:
            fetch_listing(client, WANTED, no_log())
        assert caught.value.message == problem
        assert len(server.requests) == 3


def test_a_hundred_thousand_users_with_every_documented_counter_are_listed() -> None:
    everybody = [activity(str(n)) for n in range(100_000)]
    parts = [everybody[n : n + 1000] for n in range(0, len(everybody), 1000)]
    pages = [page_of(part, total=len(everybody), cursor=f"c{n}") for n, part in enumerate(parts)]
    pages[-1] = page_of(parts[-1], total=len(everybody))
    assert len(fetch_listing(Script([*pages]), WANTED, no_log()).users) == 100_000


@pytest.mark.parametrize(
    "fault", ["wrong-total", "repeated-cursor", "shifting", "expired-cursor", "endless-pages"]
)
def test_windows_that_were_refused_hold_no_users_while_the_poll_goes_on(fault: str) -> None:
    """An error knows where it was raised, and with that everything that was there."""
    company, clock = FixtureCompany(263), FakeClock()
    with running_simulator(company, now=clock.datetime) as simulator:
        simulator.set_faults(fault)
        plan = plan_of("1d", "7d", "28d", host=simulator.url, zone="US/Pacific")
        client, company_state = client_of(simulator, clock), CompanyState(host=simulator.url)
        before = users_held()
        result = poll(client, plan, company_state, clock, no_log())
        held = users_held()
    assert sum(len(failure.windows) for failure in result.failures) == 3
    assert [user for user in held if not any(user is other for other in before)] == []


def users_held() -> list[UserActivity]:
    """Every record of a user in this process that something holds on to."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, UserActivity)]
