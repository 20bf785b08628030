"""``activity.exclude_users``: nothing about these people is kept, counted, shown or logged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.activity.days import HistoryKey
from gong_exporter.activity.users import ListedUser
from gong_exporter.activity.windows import WindowSpec
from gong_exporter.roster.records import Roster
from gong_exporter.runtime.known_days import KnownDays
from gong_exporter.runtime.published import Company
from gong_exporter.runtime.setup import make_setup
from gong_exporter.simulator.records import ApiUserActivity
from gong_exporter.store import StateFile
from tests.support.bench import Bench, bench, changed
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.logs import no_log

HOUR = 3600.0
DAYS = [date(2026, 3, 10) - timedelta(days=back) for back in range(84)]
RATIO = "gong_activity_history_ratio"


def _excluded(*names: str) -> tuple[ListedUser, ...]:
    return tuple(
        ListedUser(email=name) if "@" in name else ListedUser(user_id=name) for name in names
    )


def _saved(loop: Bench) -> str:
    """All that is saved of windows, company state and history, as text; the kept id aside."""
    loop.state.close()
    found = []
    state = StateFile(loop.config.state.file, log=no_log(), now=loop.clock.now)
    saved = state.load(loop.config.gong.base_url)
    assert saved.company_state is not None
    found.append(repr(replace(saved.company_state, excluded_ids={})))
    found += map(repr, saved.windows)
    zone = saved.company_state.time_zone
    assert zone is not None
    key = HistoryKey.of(loop.config.gong.base_url, None, None, zone)
    days = state.history.days(key) or {}
    newest = max(days, default=None)
    if newest is not None:
        saved_days = state.history.load([newest])
        assert saved_days is not None
        found += [repr(saved_days.ids), repr(saved_days.people())]
    state.close()
    return "\n".join(found)


def _shown(loop: Bench) -> str:
    return b"".join(loop.exposition.body(None, None).chunks).decode()


def _assert_gone(loop: Bench, indexes: Iterable[int]) -> None:
    shown, logged, saved = _shown(loop), loop.sink.getvalue(), _saved(loop)
    assert user_id(1) in shown
    assert user_id(1) in saved
    for index in indexes:
        for text in (f'"{user_id(index)}"', email(index)):
            assert text not in shown, text
            assert text not in logged, text
        assert f"'{user_id(index)}'" not in saved
        assert email(index) not in saved


@pytest.mark.parametrize("by", [user_id, lambda index: email(index).upper()])
@pytest.mark.parametrize("listed", [False, True])
def test_excluded_people_are_in_no_output_and_no_file(
    tmp_path: Path, by: Any, *, listed: bool
) -> None:
    activity: dict[str, Any] = {"exclude_users": [by(0), by(2)]}
    if listed:
        activity["users"] = [user_id(0), email(1), email(2), user_id(3)]
    sections = {"activity": activity, "drops": {"enabled": True}}
    with bench(tmp_path, FixtureCompany(users=4), sections=sections) as loop:
        loop.run()
        loop.sleep(2 * HOUR)
        assert loop.value("gong_up") == 1
        totals = [
            loop.value("gong_activity_users", window="28d", state=state)
            for state in ("active", "inactive", "unknown")
        ]
        assert totals == [2, 0, 0]
        requested = [e.body["filter"].get("userIds", []) for e in loop.simulator.journal.entries()]
        assert not any(user_id(0) in ids or user_id(2) in ids for ids in requested)
        _assert_gone(loop, [0, 2])


def test_a_reload_that_excludes_people_purges_what_was_saved(tmp_path: Path) -> None:
    sections = {"drops": {"enabled": True}}
    with bench(tmp_path, FixtureCompany(users=4), sections=sections) as loop:
        loop.run()
        assert loop.value("gong_activity_users", window="28d", state="active") == 4
        loop.simulator.set_faults("server-error")  # no poll brings anything
        loop.use(exclude_users=_excluded(user_id(0), email(2)))
        assert loop.value("gong_activity_users", window="28d", state="active") == 2
        loop.sink.truncate(0)  # they were known before
        _assert_gone(loop, [0, 2])


@pytest.mark.parametrize("known_before", [False, True])
def test_a_person_who_is_not_excluded_any_more_has_no_0_in_an_older_window(
    tmp_path: Path, *, known_before: bool
) -> None:
    everybody, without = (), _excluded(email(0))
    weeks = (WindowSpec("7d", 7), WindowSpec("28d", 28))
    first = everybody if known_before else without
    with bench(tmp_path, FixtureCompany(users=4), windows=weeks, exclude_users=first) as loop:
        loop.run()
        loop.use(exclude_users=without, windows=weeks[1:])
        loop.use(exclude_users=everybody)
        loop.sleep(2 * HOUR)
        assert loop.value("gong_activity_users", window="28d", state="active") == 4
        loop.simulator.set_faults("server-error")  # no poll brings anything
        loop.use(windows=weeks)  # the file has 7d without the person
        assert loop.value("gong_activity_users", window="7d", state="active") == 3
        assert loop.value("gong_activity_users", window="7d", state="inactive") == 0
        assert f'"{user_id(0)}"' not in _shown(loop)
        loop.simulator.set_faults()
        loop.sleep(2 * HOUR)
        assert loop.value("gong_activity_users", window="7d", state="active") == 4


def test_a_person_excluded_by_address_stays_excluded_with_a_new_address(tmp_path: Path) -> None:
    class Company(FixtureCompany):
        renamed = False

        def activity(self, start: date, end: date) -> list[ApiUserActivity]:
            users = list(super().activity(start, end))
            if self.renamed:
                users[0] = replace(users[0], email="new@acme.example")
            return users

    company = Company(users=3)
    sections = {"activity": {"exclude_users": [email(0)]}}
    with bench(tmp_path, company, sections=sections) as loop:
        loop.run()
        company.renamed = True
        loop.runner.restore()  # as after a restart
        loop.sleep(HOUR)
        assert len(loop.polled) == 2
        assert loop.value("gong_activity_users", window="7d", state="active") == 2
        assert f'"{user_id(0)}"' not in _shown(loop)


def test_an_excluded_alias_excludes_the_person(tmp_path: Path) -> None:
    sections = {"activity": {"exclude_users": ["other@acme.example"]}}
    with bench(tmp_path, sections=sections) as loop:
        loop.run()
        assert loop.value("gong_activity_users", window="7d", state="active") == 3
        roster = Roster(aliases={"other@acme.example": user_id(0)})
        loop.poller.use(make_setup(loop.config, roster), interrupt=True)
        loop.run()
        assert loop.value("gong_activity_users", window="7d", state="active") == 2
        assert f'"{user_id(0)}"' not in _shown(loop)


def test_people_who_are_no_longer_excluded_return_with_the_next_poll(tmp_path: Path) -> None:
    sections = {"activity": {"exclude_users": [email(0), user_id(1)]}}
    with bench(tmp_path, sections=sections) as loop:
        loop.run()
        assert loop.value("gong_activity_users", window="7d", state="active") == 1
        loop.use(exclude_users=())
        loop.sleep(HOUR)
        assert loop.value("gong_activity_users", window="7d", state="active") == 3


def test_a_listed_address_is_looked_for_again_when_its_person_is_no_longer_excluded(
    tmp_path: Path,
) -> None:
    activity = {"users": [email(0), email(1)], "exclude_users": [user_id(0), user_id(2)]}
    with bench(tmp_path, sections={"activity": activity}) as loop:
        loop.run()
        assert loop.value("gong_activity_users", window="7d", state="active") == 1
        loop.use(exclude_users=_excluded(user_id(2)))
        loop.sleep(25 * HOUR)
        assert loop.value("gong_activity_users", window="7d", state="active") == 2


def _past(loop: Bench) -> dict[str, bytes]:
    """The calls of each person on the days of the history, when all of it is fetched."""
    for _ in range(100):
        loop.turn()
    assert loop.value(RATIO) == 1
    saved = loop.state.history.load(DAYS)
    assert saved is not None
    return {user: bytes(days.calls) for user, days in saved.people().items()}


def test_people_who_are_no_longer_excluded_get_their_past_back(tmp_path: Path) -> None:
    with bench(tmp_path, sections={"drops": {"enabled": True}}) as loop:
        loop.run()
        before = _past(loop)
        assert set(before) == {user_id(0), user_id(1), user_id(2)}
        calls = len(loop.asked())
        loop.use(exclude_users=_excluded(user_id(0), email(2)))
        assert loop.value(RATIO) == 1
        assert set(_past(loop)) == {user_id(1)}
        assert len(loop.asked()) == calls  # those who stay are known
        # After a restart without an entry, only days on which the person did nothing are known.
        loop.state.poller_lock.release()
        for entries in (user_id(0),), (email(2),), ():
            setup = make_setup(changed(loop.config, exclude_users=_excluded(*entries)))
            again = KnownDays(loop.runner.parts)
            again.use(Company(setup, loop.runner.company_state))
            assert again.days
            assert min(day.weekday() for day in again.days) >= 5
        # The same after a reload. Then the days are fetched again.
        loop.use(exclude_users=_excluded(email(2)))
        assert (loop.value(RATIO) or 0) < 0.1
        loop.sleep(HOUR)
        assert _past(loop) == {user: before[user] for user in (user_id(0), user_id(1))}


def test_days_that_were_fetched_without_a_person_are_fetched_again(tmp_path: Path) -> None:
    sections = {"activity": {"exclude_users": [email(0).upper()]}, "drops": {"enabled": True}}
    with bench(tmp_path, sections=sections) as loop:
        loop.run()
        assert set(_past(loop)) == {user_id(1), user_id(2)}
        loop.use(exclude_users=())
        assert (loop.value(RATIO) or 0) < 0.1
        loop.sleep(HOUR)
        assert set(_past(loop)) == {user_id(0), user_id(1), user_id(2)}
