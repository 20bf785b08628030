"""Listings of valid users without an end: what they may weigh, and what is left of them."""

from __future__ import annotations

import itertools
import json

import pytest

from gong_exporter.activity.fetch import fetch_listing
from gong_exporter.gong.errors import InvalidResponse
from tests.activity.rig import Script, activity, page_of
from tests.gong.clients import WANTED, watched
from tests.support.hostile import Behaviour, Connection, answer, hostile_server
from tests.support.logs import no_log

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


def test_a_listing_that_gets_too_large_fails_at_once_and_does_not_start_again() -> None:
    """A page may hold thousands of users: to count the pages is not enough."""
    with hostile_server(full_pages(40_000, 0, pages=5)) as server:
        client = watched(server.url, timeout=WAIT_TIMEOUT).client
        with pytest.raises(InvalidResponse) as caught:
            fetch_listing(client, WANTED, no_log())
        assert caught.value.message == "more than 100000 users"
        assert len(server.requests) == 3


def test_a_hundred_thousand_users_with_every_documented_counter_are_listed() -> None:
    everybody = [activity(str(n)) for n in range(100_000)]
    parts = [everybody[n : n + 1000] for n in range(0, len(everybody), 1000)]
    pages = [page_of(part, total=len(everybody), cursor=f"c{n}") for n, part in enumerate(parts)]
    pages[-1] = page_of(parts[-1], total=len(everybody))
    assert len(fetch_listing(Script([*pages]), WANTED, no_log()).users) == 100_000
