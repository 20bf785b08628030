"""``GET /v2/users`` of the simulator: the company's people, a hundred a page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from gong_exporter.simulator.api.faults import FAULTS, Stage
from gong_exporter.simulator.api.faulty_responses import CONTENT, USERS_CONTENT
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.companies import FixtureCompany
from tests.support.simulator_caller import Caller, calling, errors_of

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
COMPANY = SimulatedCompany(150, 20, ZoneInfo("America/New_York"), TODAY)
OPTIONS = SimulatorOptions(requests_per_second=1e6, requests_per_day=None)


def get(caller: Caller, cursor: str | None = None, **more: Any) -> requests.Response:
    url = caller.simulator.url + "/v2/users"
    return caller.session.get(url, params={"cursor": cursor}, timeout=10, **more)


def pages(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while not found or cursor is not None:
        response = get(caller, cursor)
        assert response.status_code == 200, response.text
        found.append(response.json())
        cursor = found[-1]["records"].get("cursor")
    return found


def test_it_lists_everybody_a_hundred_a_page_from_page_0() -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        listed = pages(caller)
    users = [user for page in listed for user in page["users"]]
    sizes = [page["records"]["currentPageSize"] for page in listed]
    assert sizes[:-1] == [100] * (len(sizes) - 1)
    assert len(sizes) > 1
    assert [page["records"]["currentPageNumber"] for page in listed] == list(range(len(sizes)))
    assert {page["records"]["totalRecords"] for page in listed} == {len(users)}
    ids = [user["id"] for user in users]
    assert len(set(ids)) == len(ids)
    at_work = {p.user_id for p in COMPANY.people if p.hired <= TODAY < p.left}
    assert {user["id"] for user in users if user["active"]} == at_work
    assert any(not user["active"] for user in users)
    assert any(user["title"] is None for user in users)
    assert any(user["managerId"] is None for user in users)
    assert any(user["emailAliases"] for user in users)


def test_a_manager_is_named_by_id() -> None:
    people = {person.user_id: person for person in COMPANY.people}
    for user in COMPANY.directory(TODAY):
        person = people[user.user_id]
        manager = people.get(user.manager_id or "")
        assert (manager.name if manager else "") == person.manager


def test_a_company_without_a_directory_has_ids() -> None:
    with Simulator(FixtureCompany(2), OPTIONS) as simulator, calling(simulator) as caller:
        users = get(caller).json()["users"]
    assert [user["emailAddress"] for user in users] == [None, None]


@pytest.mark.parametrize("cursor", ["x", "a.b"])
def test_a_wrong_cursor_is_a_400(cursor: str) -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        response = get(caller, cursor)
    assert (response.status_code, errors_of(response)) == (400, ["cursor: invalid"])


def test_a_post_is_refused_and_so_is_a_wrong_key() -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        posted = caller.session.post(simulator.url + "/v2/users", json={}, timeout=10)
        caller.session.auth = ("x", "y")
        assert (posted.status_code, posted.headers["Allow"]) == (405, "GET")
        assert get(caller).status_code == 401


def test_a_missing_scope_is_about_this_endpoint_alone() -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        simulator.set_faults("no-users-scope")
        refused = get(caller)
        assert refused.status_code == 401
        assert "api:users:read" in errors_of(refused)[0]
        assert caller.page().status_code == 200


def test_faults_of_this_endpoint_leave_the_other_alone() -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        simulator.set_users_faults("server-error")
        assert get(caller).status_code == 500
        assert caller.page().status_code == 200


LISTING = [kind.name for kind in FAULTS if kind.stage is Stage.LISTING]


@pytest.mark.parametrize("fault", LISTING)
def test_faults_of_a_listing_apply(fault: str) -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        first = get(caller).json()
        cursor = first["records"]["cursor"]
        healthy = get(caller, cursor).json()
        simulator.set_users_faults(fault)
        faulty = get(caller, cursor).json()
    del healthy["requestId"], faulty["requestId"]
    healthy["records"].pop("cursor", None)
    if fault not in {"endless-pages", "repeated-cursor"}:
        faulty.get("records", {}).pop("cursor", None)
    assert faulty != healthy


@pytest.mark.parametrize("fault", USERS_CONTENT)
def test_faults_of_the_content_apply(fault: str) -> None:
    with Simulator(COMPANY, OPTIONS, now=lambda: NOW) as simulator, calling(simulator) as caller:
        healthy = get(caller).json()
        simulator.set_users_faults(fault)
        faulty = get(caller).json()
    if fault != "null-members":
        del healthy["requestId"], faulty["requestId"]
    for page in (healthy, faulty):
        page.get("records", {}).pop("cursor", None)
    assert faulty != healthy
    assert fault in CONTENT
