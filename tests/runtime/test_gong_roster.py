"""``activity.roster: gong`` in the poll loop: when the list is fetched, kept, and when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.activity.users import ListedUser
from gong_exporter.gong.gong_users import GongUser
from gong_exporter.runtime.gong_roster import FRESH_AT_START, RETRY_INTERVAL
from gong_exporter.runtime.setup import unrecorded_warning
from gong_exporter.simulator.api.faults import FAULTS, Stage
from gong_exporter.simulator.records import DirectoryUser
from gong_exporter.store import SavedUsers
from tests.support.bench import Bench, bench
from tests.support.companies import FixtureCompany, email, user_id

HOUR, DAY = 3600.0, 86_400.0


class Firm(FixtureCompany):
    """Three users: the first manages the others; the last was deactivated."""

    def __init__(self) -> None:
        super().__init__(3)
        self.changes: dict[int, dict[str, Any]] = {}

    def directory(self, today: date) -> Sequence[DirectoryUser]:  # noqa: ARG002 - the protocol
        people: list[dict[str, Any]] = [
            {"first_name": "Ann", "last_name": "Head", "title": "VP"},
            {"first_name": "Ben", "manager_id": user_id(0), "aliases": ("ben@alias.example",)},
            {"first_name": "Cy", "manager_id": user_id(0), "active": False, "recorded": False},
        ]
        return [
            DirectoryUser(
                user_id=user_id(n), email=email(n), **{**person, **self.changes.get(n, {})}
            )
            for n, person in enumerate(people)
        ]


@contextmanager
def firm(folder: Path, **activity: Any) -> Iterator[Bench]:
    sections = {"activity": {"roster": "gong", **activity}, "drops": {"enabled": False}}
    with bench(folder, Firm(), sections=sections) as loop:
        yield loop


def labels(loop: Bench) -> dict[str, dict[str, str]]:
    return {user.user_id: dict(user.labels) for user in loop.runner.current().snapshot.users}


def refreshes(loop: Bench) -> tuple[float | None, float | None]:
    return (
        loop.value("gong_exporter_roster_refreshes_total"),
        loop.value("gong_exporter_roster_refresh_failures_total"),
    )


def lists(loop: Bench) -> int:
    return sum(entry.method == "GET" for entry in loop.simulator.journal.entries())


def test_the_first_publication_has_teams_and_the_fixed_label(tmp_path: Path) -> None:
    with firm(tmp_path, roster_labels=["name", "team"]) as loop:
        assert refreshes(loop) == (0, 0)
        loop.run()
        assert labels(loop) == {
            user_id(0): {"active": "true", "name": "Ann Head", "team": ""},
            user_id(1): {"active": "true", "name": "Ben", "team": "Ann Head"},
            user_id(2): {"active": "false", "name": "Cy", "team": "Ann Head"},
        }
        assert refreshes(loop) == (1, 0)


def test_without_the_label_name_nobodys_name_is_published(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        ben = {"active": "true", "team": user_id(0), "manager": user_id(0), "title": ""}
        assert labels(loop)[user_id(1)] == ben


@pytest.mark.parametrize("label", ["plain", "hashed", "omitted"])
def test_a_managers_address_is_shown_as_every_address(tmp_path: Path, label: str) -> None:
    (tmp_path / "key").write_text("a-key-for-hashes")
    key = {"email_hash_key_file": str(tmp_path / "key")} if label == "hashed" else {}
    with firm(tmp_path, roster_labels=["manager_email"], email_label=label, **key) as loop:
        loop.run()
        emails = {user.user_id: user.email for user in loop.runner.current().snapshot.users}
        assert labels(loop)[user_id(1)]["manager_email"] == emails[user_id(0)]
        assert (emails[user_id(0)] == email(0)) == (label == "plain")
        assert labels(loop)[user_id(0)]["manager_email"] == ""


def test_the_roster_is_fetched_once_a_day_and_its_calls_count(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        loop.sleep(DAY - HOUR)
        assert lists(loop) == 1
        loop.sleep(2 * HOUR)
        assert (lists(loop), refreshes(loop)) == (2, (2, 0))
        calls = len(loop.simulator.journal.entries())
        assert loop.value("gong_exporter_api_requests_total", code="200") == calls
        assert loop.runner.poll_state.budget.roster_calls == 1


def test_a_change_is_published_without_a_poll(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        loop.sleep(DAY - HOUR)
        polls = len(loop.polled)
        company = loop.simulator.company
        assert isinstance(company, Firm)
        company.changes = {1: {"title": "AE", "active": False}}
        loop.clock.advance(HOUR + 1 - loop.clock.now() % 1)
        loop.turn()
        assert len(loop.polled) == polls
        assert labels(loop)[user_id(1)]["title"] == "AE"
        assert labels(loop)[user_id(1)]["active"] == "false"


def test_a_failed_refresh_keeps_the_old_roster_and_is_tried_again(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        before = labels(loop)
        loop.simulator.set_users_faults("no-users-scope")
        loop.sleep(DAY + 3 * RETRY_INTERVAL)
        assert labels(loop) == before
        done, failed = refreshes(loop)
        assert done is not None
        assert failed is not None
        assert (done, failed) == (1 + failed, failed)
        assert failed >= 3
        assert "api:users:read" in (loop.runner.roster.error or "")
        said = loop.said("the roster could not be fetched from Gong; the last good one stays")
        assert len(said) == 1
        assert loop.value("gong_up") == 1
        assert loop.value("gong_exporter_poll_failures_total") == 0
        assert loop.value("gong_exporter_api_request_errors_total", reason="unauthorized") == 0
        assert loop.value("gong_exporter_api_requests_total", code="401") == failed
        loop.simulator.set_users_faults()
        loop.sleep(RETRY_INTERVAL + HOUR)
        assert loop.runner.roster.error is None


def test_a_reload_fetches_a_roster_that_failed(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.simulator.set_users_faults("no-users-scope")
        loop.run()
        loop.use()
        loop.turn()
        assert refreshes(loop) == (2, 2)
        loop.simulator.set_users_faults()
        loop.use()
        loop.turn()
        assert refreshes(loop) == (3, 2)
        assert labels(loop)[user_id(1)]["active"] == "true"
        loop.use()
        loop.turn()
        assert refreshes(loop) == (3, 2)


def test_without_the_scope_everything_else_works(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.simulator.set_users_faults("no-users-scope")
        loop.run()
        assert loop.value("gong_up") == 1
        assert labels(loop)[user_id(0)] == {
            "active": "",
            "team": "",
            "manager": "",
            "title": "",
        }


INTERRUPTING = {"rate-limited-long"}
"""It forbids every call for hours, the polls' too."""


@pytest.mark.parametrize(
    "fault",
    [
        kind.name
        for kind in FAULTS
        if kind.stage in {Stage.INSTEAD, Stage.LISTING} and kind.name not in INTERRUPTING
    ],
)
def test_no_fault_of_the_list_fails_a_poll(tmp_path: Path, fault: str) -> None:
    with firm(tmp_path) as loop:
        loop.simulator.set_users_faults(fault)
        loop.run()
        loop.sleep(120)  # a short Retry-After is for all calls
        assert loop.value("gong_up") == 1
        assert loop.said("the poll loop ended: a defect, please report it") == []


def restarted(loop: Bench, age: float) -> None:
    """As if a process before had saved a list so many seconds ago."""
    users = (GongUser(user_id=user_id(1), manager_id="77", active=True),)
    saved = SavedUsers(users, loop.clock.now() - age)
    loop.state.save_users(loop.config.gong.base_url, saved)
    loop.runner.restore()


def test_a_restart_serves_the_kept_list_and_does_not_fetch_a_fresh_one(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        restarted(loop, FRESH_AT_START / 2)
        loop.run()
        assert labels(loop)[user_id(1)]["team"] == "77"
        assert lists(loop) == 0


def test_a_start_fetches_a_list_that_is_older_than_an_hour(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        restarted(loop, FRESH_AT_START + 1)
        loop.run()
        assert labels(loop)[user_id(1)]["team"] == user_id(0)
        assert lists(loop) == 1


def test_a_listed_alias_finds_its_user(tmp_path: Path) -> None:
    with firm(tmp_path, users=["BEN@alias.example", email(0)]) as loop:
        loop.run()
        loop.sleep(HOUR)
        snapshot = loop.runner.current().snapshot
        assert {user.user_id for user in snapshot.users} == {user_id(0), user_id(1)}
        assert snapshot.unknown == ()
        assert not any("alias" in str(user) for user in snapshot.users)


def test_a_reload_keeps_the_list(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        loop.use(interval=7200.0)
        assert labels(loop)[user_id(1)]["team"] == user_id(0)
        assert lists(loop) == 1


def test_active_users_without_recordings_are_explained(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        company = loop.simulator.company
        assert isinstance(company, Firm)
        assert unrecorded_warning(loop.runner.poll_state.setup, loop.runner.company_state) == ""
        company.changes = {1: {"recorded": False}}
        loop.run()
        text = unrecorded_warning(loop.runner.poll_state.setup, loop.runner.company_state)
        assert text == (
            "Gong does not record the web conferences of 1 active users (webConferencesRecorded is"
            f" false), so their calls are not counted: {user_id(1)}"
        )


def test_excluded_people_are_neither_in_the_roster_nor_saved(tmp_path: Path) -> None:
    with firm(tmp_path, exclude_users=["BEN@alias.example", user_id(0)]) as loop:
        loop.run()
        assert set(labels(loop)) == {user_id(2)}
        assert labels(loop)[user_id(2)]["manager"] == ""
        saved = loop.state.load_users(loop.config.gong.base_url)
        assert saved is not None
        cy, ann, ben = saved.users
        assert ann == GongUser(user_id=user_id(0))
        assert ben == GongUser(user_id=user_id(1), aliases=("ben@alias.example",))
        assert (cy.name, cy.manager_id) == ("Cy", "")


def test_a_reload_that_excludes_people_purges_the_saved_roster(tmp_path: Path) -> None:
    with firm(tmp_path) as loop:
        loop.run()
        loop.use(exclude_users=(ListedUser(email="ben@alias.example"),))
        assert set(labels(loop)) == {user_id(0), user_id(2)}
        saved = loop.state.load_users(loop.config.gong.base_url)
        assert saved is not None
        assert [user.name for user in saved.users] == ["Ann Head", "Cy", ""]
