"""Calls a simulated API as a plain client would, one request at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.records import ApiUserActivity

PATH = "/v2/stats/activity/aggregate"
FROM_DATE = "2026-03-02"
TO_DATE = "2026-03-09"
WEEK = {"fromDate": FROM_DATE, "toDate": TO_DATE}
"""A filter for the week before the tests' present, Monday to Sunday."""


class Caller:
    """A client with the simulator's own access key, over one connection."""

    def __init__(self, simulator: Simulator, session: requests.Session) -> None:
        self.simulator = simulator
        self.session = session
        session.trust_env = False
        session.auth = (simulator.options.access_key, simulator.options.access_key_secret)

    def post(self, body: object, **more: Any) -> requests.Response:
        """POST a JSON body to the endpoint."""
        return self.send(json=body, **more)

    def send(self, **request: Any) -> requests.Response:
        """POST to the endpoint; the arguments are those of ``requests``."""
        return self.session.post(
            self.simulator.url + PATH, **({"timeout": 10, "allow_redirects": False} | request)
        )

    def page(
        self, wanted: dict[str, Any] | None = None, cursor: str | None = None
    ) -> requests.Response:
        """Ask for one page of the week, or of the filter given."""
        body: dict[str, Any] = {"filter": WEEK if wanted is None else wanted}
        return self.post(body if cursor is None else body | {"cursor": cursor})

    def pages(self, wanted: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """All pages of a listing that is expected to arrive."""
        pages: list[dict[str, Any]] = []
        cursor = None
        while not pages or cursor is not None:
            answer = self.page(wanted, cursor)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            cursor = pages[-1]["records"].get("cursor")
        return pages


@contextmanager
def calling(simulator: Simulator) -> Iterator[Caller]:
    """A caller for the length of a block."""
    with requests.Session() as session:
        yield Caller(simulator, session)


def users_of(pages: Sequence[dict[str, Any]]) -> list[ApiUserActivity]:
    """The users of all pages put together, as the company names them."""
    return [
        ApiUserActivity(
            user["userId"], user["userEmailAddress"], user["userAggregateActivityStats"]
        )
        for page in pages
        for user in page["usersAggregateActivityStats"]
    ]


def errors_of(answer: requests.Response) -> list[str]:
    """The messages of an error answer, whose body must have the documented shape."""
    body = answer.json()
    assert set(body) == {"requestId", "errors"}
    assert body["requestId"]
    errors: list[str] = body["errors"]
    return errors
