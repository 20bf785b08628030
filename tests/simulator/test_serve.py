"""Starting, stopping, and the journal of what arrived."""

from __future__ import annotations

import json
import socket
import threading

import pytest
import requests

from gong_exporter.simulator.api.messages import Entry
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.support.clocks import NOW, FakeClock
from tests.support.companies import FixtureCompany
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling, errors_of


def test_it_listens_on_a_free_port_of_loopback_and_says_where(simulator: Simulator) -> None:
    assert simulator.port > 0
    assert simulator.url == f"http://127.0.0.1:{simulator.port}"


def test_it_listens_on_the_port_it_is_given_and_comes_back_there(caller: Caller) -> None:
    simulator = caller.simulator
    port = simulator.port
    first = caller.page().json()
    simulator.stop()
    with pytest.raises(requests.ConnectionError):
        caller.page()
    simulator.start()
    assert simulator.port == port
    assert caller.page(cursor=first["records"]["cursor"]).status_code == 200


def test_it_listens_on_ipv6_too(company: FixtureCompany) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with Simulator(company, host="::1", now=lambda: NOW) as simulator, calling(simulator) as caller:
        assert simulator.url == f"http://[::1]:{simulator.port}"
        assert caller.page().status_code == 200


def test_a_port_that_is_taken_is_an_error_at_the_start(simulator: Simulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(FixtureCompany(), port=simulator.port).start()


def test_stopping_twice_is_harmless(company: FixtureCompany) -> None:
    simulator = Simulator(company).start()
    simulator.stop()
    simulator.stop()


def test_nothing_is_left_running_after_a_stop(company: FixtureCompany) -> None:
    before = set(threading.enumerate())
    with running_simulator(company) as simulator, calling(simulator) as caller:
        caller.page()
        during = set(threading.enumerate()) - before
    assert during
    until(lambda: not any(thread.is_alive() for thread in during), "they have all ended")


class TestTheJournal:
    def test_it_has_what_arrived_and_what_was_answered(self, caller: Caller) -> None:
        caller.page()
        caller.simulator.set_faults("server-error")
        refused = caller.page(WEEK | {"userIds": ["1"]})
        first, second = caller.simulator.journal.entries()
        assert (first.method, first.target, first.status) == ("POST", PATH, 200)
        assert first.body == {"filter": WEEK}
        assert first.faults == ()
        assert second.body == {"filter": WEEK | {"userIds": ["1"]}}
        assert (second.status, second.faults) == (500, ("server-error",))
        assert second.request_id == refused.json()["requestId"]

    def test_it_has_the_time_of_arrival(self) -> None:
        clock = FakeClock()
        with (
            running_simulator(now=clock.datetime, monotonic=clock.monotonic) as simulator,
            calling(simulator) as caller,
        ):
            caller.page()
            clock.advance(2.5)
            caller.page()
            first, second = simulator.journal.entries()
        assert second.arrived - first.arrived == 2.5

    def test_it_has_the_headers_without_what_is_secret(self, caller: Caller) -> None:
        caller.send(json={"filter": WEEK}, headers={"User-Agent": "probe/1", "Cookie": "hush"})
        headers = dict(caller.simulator.journal.entries()[0].headers)
        assert headers["user-agent"] == "probe/1"
        assert headers["authorization"] == "Basic ***"
        assert headers["cookie"] == "***"
        text = repr(caller.simulator.journal.entries())
        assert "hush" not in text
        assert str(caller.session.auth) not in text

    def test_an_answer_that_never_comes_has_no_status(self, caller: Caller) -> None:
        caller.simulator.set_faults("close")
        with pytest.raises(requests.ConnectionError):
            caller.page()
        (entry,) = caller.simulator.journal.entries()
        assert (entry.status, entry.faults) == (None, ("close",))
        assert "no answer" in str(entry)

    def test_a_body_that_is_no_json_is_none(self, caller: Caller) -> None:
        caller.send(data=b"{")
        (entry,) = caller.simulator.journal.entries()
        assert (entry.body, entry.status) == (None, 400)

    def test_it_is_bounded_and_can_be_cleared(self, company: FixtureCompany) -> None:
        with (
            running_simulator(company, journal_size=3) as simulator,
            calling(simulator) as caller,
        ):
            wanted = [WEEK | {"fromDate": f"2026-03-0{day}"} for day in range(1, 6)]
            for one in wanted:
                caller.page(one)
            bodies = [entry.body["filter"] for entry in simulator.journal.entries()]
            assert bodies == wanted[2:]
            simulator.journal.clear()
            assert simulator.journal.entries() == ()

    def test_every_entry_can_be_watched_as_a_line(self, company: FixtureCompany) -> None:
        seen: list[Entry] = []
        with (
            Simulator(company, now=lambda: NOW, on_entry=seen.append) as simulator,
            calling(simulator) as caller,
        ):
            answer = caller.page()
        (entry,) = seen
        request_id = answer.json()["requestId"]
        body = json.dumps({"filter": WEEK})
        assert str(entry) == f"POST {PATH} 200 {request_id} {body}"


def test_a_host_beyond_ascii_comes_back_in_a_redirect(simulator: Simulator) -> None:
    simulator.set_faults("redirect")
    head = b"POST %b HTTP/1.1\r\nHost: \xe9\r\nAuthorization: Bearer %b\r\nContent-Length: 2"
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as client:
        client.sendall(head % (PATH.encode(), simulator.options.bearer_token.encode()))
        client.sendall(b"\r\n\r\n{}")
        assert client.recv(65536).startswith(b"HTTP/1.1 307 ")


def test_the_same_seed_gives_the_same_request_ids() -> None:
    def first_request_id(seed: int) -> str:
        with running_simulator(seed=seed) as simulator, calling(simulator) as caller:
            request_id: str = caller.page().json()["requestId"]
            return request_id

    assert first_request_id(5) == first_request_id(5) != first_request_id(6)


def test_an_own_key_replaces_the_demo_key(company: FixtureCompany) -> None:
    options = SimulatorOptions(access_key="mine", access_key_secret="hush")
    with Simulator(company, options, now=lambda: NOW) as simulator, calling(simulator) as caller:
        assert caller.page().status_code == 200
        caller.session.auth = ("DEMO-ACCESS-KEY", "demo-access-key-secret")
        answer = caller.page()
    assert answer.status_code == 401
    assert errors_of(answer) == ["Invalid credentials"]
