"""``check --live``: one real call; what is wrong is said with what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.exporter import SECRET, run_here, write_config
from tests.support.saved_state import state_at
from tests.support.simulator import running_simulator
from tests.support.truth import today_in


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with running_simulator(FixtureCompany(users=7), now=utc_now) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Iterator[Simulator]:
    """A simulator without faults."""
    yield shared_simulator
    shared_simulator.set_faults()


def check_live(folder: Path, url: str, **sections: Any) -> tuple[int, str, str]:
    config = write_config(folder, url, **sections)
    done = run_here("check", "--live", f"--config.file={config}")
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_one_call_proves_key_scope_host_and_zone(simulator: Simulator, tmp_path: Path) -> None:
    before = len(simulator.journal.entries())
    status, out, err = check_live(tmp_path, simulator.url)
    assert (status, err) == (0, "")
    assert "live call: key, scope and host are right" in out
    today = today_in(simulator.company.time_zone)
    assert f"time zone US/Pacific (learned from Gong); the company's today is {today}" in out
    assert "7 users were active from " in out
    assert len(simulator.journal.entries()) == before + 1
    # It makes no state file either: that is for the exporter's own user to do.
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_the_call_is_in_the_ledger_that_is_there(simulator: Simulator, tmp_path: Path) -> None:
    database = tmp_path / "gong-exporter.db"
    with state_at(database):
        pass
    assert check_live(tmp_path, simulator.url)[0] == 0
    assert check_live(tmp_path, simulator.url)[0] == 0
    with state_at(database) as state:
        assert state.ledger.used(utc_now().timestamp()) == 2


def test_a_list_and_a_roster_are_held_against_who_was_active(
    simulator: Simulator, tmp_path: Path
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        f"email,team\n{email(0).upper()},EMEA\n{email(3)},APAC\ngone@acme.example,x\n"
    )
    listed = [user_id(1), email(2), "404", *(f"nobody{n}@acme.example" for n in range(5))]
    activity: dict[str, Any] = {"users": listed, "roster_file": str(roster)}
    _, out, err = check_live(tmp_path, simulator.url, activity=activity)
    nobodies = ", ".join(listed[3:7])
    assert f"  2 of the 8 listed users were active then; not 404, {nobodies} and 1 more\n" in out
    assert "  2 of the 7 users who were active then are in the roster\n" in out
    assert "warning: only 2 of the 7 people with activity are in the roster" in err
    activity["email_label"] = "omitted"
    _, out, _ = check_live(tmp_path, simulator.url, activity=activity)
    assert "not 404, (hidden), (hidden)" in out
    assert "nobody" not in out


def test_the_calls_of_a_larger_company_are_corrected_until_a_poll_has_measured_them(
    tmp_path: Path,
) -> None:
    line = "  so each window takes 2 calls: multiply those of polls and of the day history by 2\n"
    with running_simulator(FixtureCompany(users=120), now=utc_now) as simulator:
        assert line in check_live(tmp_path, simulator.url)[1]
        assert line not in check_live(tmp_path, simulator.url, activity={"users": [user_id(0)]})[1]
        with state_at(tmp_path / "gong-exporter.db") as state:
            pages = {"1d": 2, "7d": 2, "28d": 2}
            state.save(CompanyState(host=simulator.url, pages=pages), [])
        assert line not in check_live(tmp_path, simulator.url)[1]


def test_of_many_pages_only_the_first_is_asked_for_and_that_is_said(tmp_path: Path) -> None:
    company = FixtureCompany(users=7)
    with running_simulator(company, now=utc_now, page_size=3) as simulator:
        activity = {"users": [user_id(index) for index in range(7)]}
        _, out, _ = check_live(tmp_path, simulator.url, activity=activity)
    assert "  3 of the 7 listed users are on its first page; not " in out


def test_another_zone_than_gongs_is_a_warning(simulator: Simulator, tmp_path: Path) -> None:
    status, out, err = check_live(tmp_path, simulator.url, gong={"time_zone": "Europe/Berlin"})
    assert status == 0
    assert "time zone Europe/Berlin (gong.time_zone)" in out
    assert "warning: gong.time_zone is Europe/Berlin, but Gong says US/Pacific" in err


@pytest.mark.parametrize(
    ("fault", "words", "advice"),
    [
        ("unauthorized", "Gong answered 401", "check the access key and secret"),
        ("no-scope", "You don't have permission to use 'api:stats:user-actions'", "scope"),
        ("forbidden", "Gong answered 403", "public IP address on the allow-list"),
        ("redirect", "redirects to http://", "set gong.base_url to the host shown on Gong's"),
        ("rate-limited-long", "Gong answered 429", "other integrations share them"),
        ("server-error", "Gong answered 500", ""),
    ],
)
def test_a_refusal_is_said_with_its_request_id_and_what_to_do(
    simulator: Simulator, fault: str, words: str, advice: str, tmp_path: Path
) -> None:
    simulator.set_faults(fault)
    before = len(simulator.journal.entries())
    status, out, err = check_live(tmp_path, simulator.url)
    assert status == 1
    assert "key, scope and host are right" not in out
    assert err.startswith("gong-exporter: the live call failed: ")
    assert words in err
    assert advice in err
    (asked,) = simulator.journal.entries()[before:]
    if fault != "redirect":  # which has no body to hold one
        assert f"(requestId {asked.request_id})" in err


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unknown-time-zone", "which is not known here: set gong.time_zone"),
        ("null-time-zone", "the company's time zone was not stated by Gong: set gong.time_zone"),
        ("html", "the live call failed: "),
        ("other-range", "the live call failed: the response states another range"),
        ("hang", "no complete response within gong.timeout (0.5 s)"),
    ],
)
def test_an_answer_without_what_is_needed(
    simulator: Simulator, fault: str, words: str, tmp_path: Path
) -> None:
    simulator.set_faults(fault)
    status, _, err = check_live(tmp_path, simulator.url, gong={"timeout": "500ms"})
    assert status == 1
    assert words in err


def test_a_period_without_any_activity_proves_the_key_all_the_same(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.set_faults("not-found")
    status, out, _ = check_live(tmp_path, simulator.url, gong={"time_zone": "US/Pacific"})
    assert status == 0
    assert "live call: key, scope and host are right" in out


def test_a_refused_connection_names_the_host(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    status, _, err = check_live(tmp_path, f"http://127.0.0.1:{port}")
    assert status == 1
    assert f"127.0.0.1:{port}" in err
    assert "refused" in err
    assert "check gong.base_url, the network, gong.proxy_url or $HTTPS_PROXY, and" in err


def test_an_unreadable_secret_is_said_and_nothing_sent(
    simulator: Simulator, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("two words")
    before = len(simulator.journal.entries())
    status, _, err = check_live(
        tmp_path,
        simulator.url,
        gong={"access_key_secret": None, "access_key_secret_file": str(secret)},
    )
    assert status == 2
    assert "has a space or a line break in it" in err
    assert len(simulator.journal.entries()) == before


def test_with_the_roster_from_gong_both_scopes_are_proved(
    simulator: Simulator, tmp_path: Path
) -> None:
    status, out, err = check_live(tmp_path, simulator.url, activity={"roster": "gong"})
    assert (status, err) == (0, "")
    assert "live call: key, scope and host are right" in out
    assert "live call for the roster: the scope api:users:read is right" in out
    assert "Gong has 7 users, deactivated ones included" in out
    assert "Gong's own users, 1 call a day; not fetched yet" in out


def test_a_key_without_the_scope_for_the_roster_fails_the_check(tmp_path: Path) -> None:
    with running_simulator(FixtureCompany(users=7), now=utc_now) as simulator:
        simulator.set_faults("no-users-scope")
        assert check_live(tmp_path, simulator.url)[0] == 0
        status, out, err = check_live(tmp_path, simulator.url, activity={"roster": "gong"})
    assert status == 1
    assert "live call: key, scope and host are right" in out
    assert "the live call for the roster failed: Gong answered 401" in err
    assert "needs the scope api:users:read" in err
