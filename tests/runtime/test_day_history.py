"""The day history of a running exporter: fetched between polls, and never in place of one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.windows import WindowSpec
from gong_exporter.config.values import EmailLabel
from gong_exporter.roster.records import Roster
from gong_exporter.runtime.known_days import KnownDays
from gong_exporter.runtime.published import Company
from gong_exporter.runtime.setup import Setup, make_setup
from gong_exporter.simulator.records import COUNTERS, ApiUserActivity
from tests.support.bench import Bench, bench, changed
from tests.support.companies import FixtureCompany, user_id

HOUR, DAY = 3600.0, 86_400.0
TODAY = date(2026, 3, 11)
FAILURES = "gong_exporter_history_fetch_failures_total"
RATIO = "gong_activity_history_ratio"
END = "gong_activity_history_end_timestamp_seconds"


@contextmanager
def history(
    folder: Path, company: Any = None, *, activity: dict[str, Any] | None = None, **changes: Any
) -> Iterator[Bench]:
    """A bench with a day history."""
    sections = {"drops": {"enabled": True}, "activity": activity or {}}
    with bench(folder, company, sections=sections, **changes) as loop:
        yield loop


def single_days(loop: Bench, start: int = 0) -> list[date]:
    """The days that were asked for one by one, in order."""
    found = []
    for entry in loop.simulator.journal.entries()[start:]:
        wanted = entry.body["filter"]
        first, end = (date.fromisoformat(wanted[name]) for name in ("fromDate", "toDate"))
        if end - first == timedelta(days=1):
            found.append(first)
    return found


def turn_until(loop: Bench, done: Callable[[], bool]) -> None:
    for _ in range(300):
        if done():
            return
        loop.turn()
    raise AssertionError(loop.sink.getvalue()[-2000:])


def published_with(loop: Bench, setup: Setup) -> str:
    """The metrics with another setup, when the history is complete."""
    loop.poller.use(setup, interrupt=False)
    loop.run()
    fill(loop)
    loop.turn()
    return b"".join(loop.exposition.body(None, None).chunks).decode()


def fill(loop: Bench) -> None:
    """Turn until nothing is left to fetch."""
    turn_until(loop, lambda: bool(loop.said("the day history is complete")))


def test_all_84_days_arrive_after_the_poll_newest_first(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        assert loop.value(RATIO) == pytest.approx(1 / 84, abs=0.1)
        fill(loop)
        # The newest came with the poll's window of one day.
        assert single_days(loop) == [TODAY - timedelta(days=back) for back in range(1, 85)]
        assert loop.value(RATIO) == 1
        midnight = loop.value("gong_activity_window_end_timestamp_seconds", window="1d")
        assert loop.value(END) == midnight
        assert loop.value(FAILURES) == 0
        assert len(loop.polled) == 1
        calls = len(loop.asked())
        loop.turn()
        assert len(loop.asked()) == calls


def test_a_day_costs_three_calls_once_the_history_is_complete(tmp_path: Path) -> None:
    with history(tmp_path, interval=12 * HOUR) as loop:
        loop.run()
        fill(loop)
        loop.sleep(13 * HOUR)  # into the next day of the company
        calls = len(loop.asked())
        loop.clock.advance(HOUR)
        for _ in range(10):
            loop.turn()
        # The poll's window of one day, and then the three days before it.
        assert single_days(loop, calls) == [TODAY - timedelta(days=back) for back in range(4)]


def test_a_due_poll_goes_first(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        turn_until(loop, lambda: len(single_days(loop)) > 5)
        before = len(loop.asked())
        loop.clock.advance(HOUR)
        loop.timer.fire_if_due(loop.clock.now())
        loop.turn()
        assert len(loop.polled) == 2
        assert len(loop.asked()) == before + 3
        fill(loop)


def test_a_poll_between_two_pages_of_a_day_does_not_cost_the_day(tmp_path: Path) -> None:
    company = FixtureCompany(users=220)
    with history(tmp_path, company, interval=20.0, requests_per_day=10**6) as loop:
        loop.run()
        loop.turn()
        day = TODAY - timedelta(days=2)
        assert 0 < single_days(loop).count(day) < 3
        loop.clock.advance(20)
        loop.timer.fire_if_due(loop.clock.now())
        loop.turn()
        assert len(loop.polled) == 2
        fill(loop)
        assert single_days(loop).count(day) == 3  # its pages, each once


def test_after_a_restart_the_saved_days_are_known(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        turn_until(loop, lambda: len(single_days(loop)) >= 10)
        again = KnownDays(loop.runner.parts)
        again.use(Company(loop.runner.poll_state.setup, loop.runner.company_state))
        assert sorted(again.days) == sorted(single_days(loop))


def test_failures_are_counted_apart_and_tried_again(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("unauthorized")
        for _ in range(3):
            loop.turn()
        assert loop.value(FAILURES) == 1
        assert loop.value("gong_up") == 1
        assert loop.value("gong_exporter_poll_failures_total") == 0
        reason = {"reason": "unauthorized"}
        assert loop.value("gong_exporter_api_request_errors_total", **reason) == 0
        assert loop.value("gong_exporter_api_requests_total", code="401") == 1
        assert loop.said("a day of the history could not be fetched")
        loop.simulator.set_faults()
        loop.clock.advance(61)
        fill(loop)
        assert loop.value(FAILURES) == 1


def test_failing_for_months_does_not_end_the_loop(tmp_path: Path) -> None:
    with history(tmp_path, interval=365 * DAY, stale_after=400 * DAY) as loop:
        loop.run()
        loop.simulator.set_faults("unauthorized")
        for _ in range(1075):  # 45 days, with a poll after each midnight
            loop.turn()
            loop.clock.advance(HOUR + 1)
        assert (loop.value(FAILURES) or 0) > 1024  # 2.0**1024 overflows
        last = loop.said("a day of the history could not be fetched")[-1]
        assert last["next_try_in_seconds"] == HOUR


def test_days_that_cannot_be_saved_cost_few_calls(tmp_path: Path) -> None:
    with history(tmp_path, interval=12 * HOUR) as loop:
        loop.run()
        path = loop.config.state.file
        assert path is not None
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "CREATE TRIGGER full BEFORE INSERT ON history_days"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        calls = len(loop.asked())
        for _ in range(6 * 60):
            loop.turn()
            loop.clock.advance(60)
        assert 5 < len(loop.asked()) - calls < 15
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("DROP TRIGGER full")
        loop.clock.advance(HOUR)
        fill(loop)
        assert loop.value(RATIO) == 1


def test_days_in_a_file_that_cannot_be_read_are_not_known(tmp_path: Path) -> None:
    with history(tmp_path, Slump(6, slow=[])) as loop:
        loop.run()
        turn_until(loop, lambda: (loop.value(RATIO) or 0) > 0.5)
        path = loop.config.state.file
        assert path is not None
        kept = path.rename(tmp_path / "kept")
        path.mkdir()
        loop.clock.advance(660)  # the detector looks at the days since its last run
        loop.turn()
        loop.turn()
        assert loop.runner.current().drops is None
        assert loop.value(RATIO) is None
        assert loop.value(END) is None
        path.rmdir()
        kept.rename(path)
        loop.clock.advance(HOUR)
        fill(loop)
        loop.turn()
        assert loop.runner.current().drops is not None
        assert loop.value(RATIO) == 1


def test_a_clock_that_was_set_back_for_long_costs_each_day_once(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        fill(loop)
        calls = len(loop.asked())
        loop.clock.jump(-400 * DAY)
        loop.run()
        for _ in range(150):
            loop.turn()
        assert len(loop.asked()) - calls < 90
        loop.clock.jump(400 * DAY)
        loop.run()
        for _ in range(100):
            loop.turn()
        assert loop.value(RATIO) == 1
        assert len(loop.asked()) - calls < 100


def test_no_call_above_four_fifths_of_the_quota(tmp_path: Path) -> None:
    with history(tmp_path, interval=20 * HOUR, requests_per_day=50) as loop:
        loop.run()
        for _ in range(100):
            loop.turn()
        assert loop.value("gong_exporter_api_quota_used") == 40
        assert not loop.said("the day history is complete")
        assert len(loop.said("the day history waits, so that polls have their calls")) == 1


def test_a_day_is_begun_only_if_all_of_its_pages_may_be_fetched(tmp_path: Path) -> None:
    with history(tmp_path, FixtureCompany(130), interval=12 * HOUR, requests_per_day=52) as loop:
        for _ in range(3 * 24):
            loop.sleep(HOUR)
            for _ in range(50):
                loop.turn()
        assert (loop.value(RATIO) or 0) > 0.4
        assert not loop.said("fetching the window again")  # because a cursor has expired


def test_the_first_fill_leaves_a_day_of_polls(tmp_path: Path) -> None:
    with history(tmp_path, requests_per_day=125) as loop:
        loop.run()  # polls take 75 calls a day, and the fill takes 84
        for _ in range(100):
            loop.turn()
        assert (loop.value(RATIO) or 0) > 30 / 84
        used = []
        for _ in range(30):
            loop.sleep(HOUR)
            for _ in range(5):
                loop.turn()
            used.append(loop.value("gong_exporter_api_quota_used") or 0)
            assert loop.value("gong_up") == 1
        assert max(used) <= 0.9 * 125
        assert (loop.value(RATIO) or 0) > 50 / 84


def test_no_poll_fails_for_the_first_fill_of_a_company_that_fills_its_quota(tmp_path: Path) -> None:
    with history(tmp_path, requests_per_day=50) as loop:  # as 10,000 people with 5,000 calls
        ratios = []
        for hour in range(12 * 24):
            loop.sleep(HOUR)
            for _ in range(5):
                loop.turn()
            assert loop.value("gong_up") == 1
            if hour % 24 == 23:
                ratios.append(loop.value(RATIO) or 0)
        assert ratios[1] > 20 / 84
        assert ratios[-1] == 1


def test_filling_the_history_slower_than_a_day_still_ends(tmp_path: Path) -> None:
    with history(tmp_path, interval=12 * HOUR, requests_per_day=50) as loop:
        for _ in range(8):
            loop.sleep(DAY)
            for _ in range(60):
                loop.turn()
        assert loop.value(RATIO) == 1


def test_a_standby_fetches_nothing(tmp_path: Path) -> None:
    with history(tmp_path, acquire=lambda: False) as loop:
        for _ in range(5):
            loop.clock.advance(20)
            loop.turn()
        assert loop.asked() == []


def test_without_a_state_file_there_is_no_history(tmp_path: Path) -> None:
    sections = {"drops": {"enabled": True}, "state": {"file": None}}
    with bench(tmp_path, sections=sections) as loop:
        loop.run()
        for _ in range(5):
            loop.turn()
        assert len(loop.asked()) == 4
        assert loop.value(RATIO) is None
        assert loop.value(FAILURES) == 0


def test_disabling_drops_deletes_the_history(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        fill(loop)
        path = loop.config.state.file
        assert path is not None
        before = path.read_bytes()
        loop.use(enabled=False)
        loop.turn()
        assert loop.said("the day history was deleted, because drops.enabled is false")
        assert loop.value(RATIO) is None
        assert path.read_bytes() != before
        loop.use(enabled=True)
        loop.turn()
        assert (loop.value(RATIO) or 0) < 0.1


def test_people_who_are_taken_off_the_list_are_deleted(tmp_path: Path) -> None:
    users = [user_id(0), user_id(1), user_id(2)]
    with history(tmp_path, activity={"users": users}) as loop:
        loop.run()
        fill(loop)
        held = loop.state.history.load([TODAY - timedelta(days=1)])
        assert held is not None
        assert user_id(2) in held.people()
        listed = loop.config.activity.users
        assert listed is not None
        calls = len(loop.asked())
        loop.use(users=listed[:2])
        loop.turn()
        held = loop.state.history.load([TODAY - timedelta(days=1)])
        assert held is not None
        assert set(held.people()) <= set(users[:2])
        assert loop.value(RATIO) == 1
        for _ in range(10):
            loop.turn()
        assert len(loop.asked()) == calls + 3  # a poll for the changed list
        # Added again: each day is asked once, for the one person.
        loop.use(users=listed)
        start = len(loop.asked())
        for _ in range(200):
            loop.turn()
        added = [e.body["filter"].get("userIds") for e in loop.simulator.journal.entries()[start:]]
        assert added.count([user_id(2)]) >= 80
        held = loop.state.history.load([TODAY - timedelta(days=1)])
        assert held is not None
        assert user_id(2) in held.people()


def test_a_changed_time_zone_discards_all_days(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        fill(loop)
        loop.use(time_zone=ZoneInfo("Asia/Tokyo"))
        assert (loop.value(RATIO) or 0) < 0.1


class Slump(FixtureCompany):
    """Everybody has 5 of everything on weekdays; a few people stop ten days ago."""

    def __init__(self, users: int, slow: Collection[int]) -> None:
        super().__init__(users)
        self._slow = frozenset(slow)

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        found = []
        for index, name in enumerate(self.user_ids):
            counts = dict.fromkeys(COUNTERS, 0)
            for n in range((end - start).days):
                day = start + timedelta(days=n)
                slow = index in self._slow and day >= TODAY - timedelta(days=12)
                amount = (1 if slow else 4 + (index + n) % 3) if day.weekday() < 5 else 0
                for counter in ("callsAsHost", "callsCommentsGiven"):
                    counts[counter] += amount
            if any(counts.values()):
                found.append(ApiUserActivity(name, f"user{index}@acme.example", counts))
        return found


def evidence(loop: Bench, index: int) -> float | None:
    shown = loop.runner.current().drops
    assert shown is not None
    found = shown.people.at(shown.people.indexes()[user_id(index)])
    return found.own_activity.evidence if found.own_activity else None


def test_the_person_who_slows_down_has_evidence_and_the_others_have_none(tmp_path: Path) -> None:
    with history(tmp_path, Slump(20, slow=[3])) as loop:
        loop.run()
        fill(loop)
        loop.turn()
        assert (evidence(loop, 3) or 0) > 5
        assert max(evidence(loop, index) or 0 for index in range(20) if index != 3) < 1
        labels = {"user": user_id(3), "email": "user3@acme.example"}
        assert loop.value("gong_user_drop_reason", reason="activity_down", **labels) == 1
        week = {"metric": "own_activity", "window": "7d"}
        assert loop.value("gong_user_observed_activity", **labels, **week) == 10
        assert (loop.value("gong_user_expected_activity", **labels, **week) or 0) > 30
        (years,) = [
            loop.value("gong_user_drop_return_period_seconds", **labels, metric="own_activity")
        ]
        assert (years or 0) > 5 * 365 * DAY


def test_findings_follow_the_roster_without_a_call(tmp_path: Path) -> None:
    with history(tmp_path, Slump(6, slow=[])) as loop:
        loop.run()
        fill(loop)
        loop.turn()
        assert loop.value("gong_team_drop_evidence", team="EMEA", window="7d") is None
        calls = len(loop.asked())
        teams = {user_id(index): {"team": "EMEA"} for index in range(3)}
        setup = make_setup(loop.config, Roster(by_id=teams, columns=("team",)))
        loop.poller.use(setup, interrupt=False, poll=False)
        loop.run()
        loop.turn()
        shown = loop.runner.current().drops
        assert shown is not None
        assert list(shown.teams) == ["EMEA"]
        assert len(loop.asked()) == calls


def test_people_can_be_left_out_and_small_teams_with_them(tmp_path: Path) -> None:
    with history(tmp_path, Slump(12, slow=[])) as loop:
        teams = {user_id(i): {"team": "EMEA" if i < 5 else "APAC"} for i in range(9)}
        loop.poller.use(
            make_setup(loop.config, Roster(by_id=teams, columns=("team",))), interrupt=False
        )
        loop.run()
        fill(loop)
        loop.turn()
        text = b"".join(loop.exposition.body(None, None).chunks).decode()
        assert "gong_user_usual_activity{" in text
        assert 'gong_team_drop_evidence{team="APAC"' in text
        config = loop.config
        setup = make_setup(changed(config, people=False), Roster(by_id=teams, columns=("team",)))
        loop.poller.use(setup, interrupt=False)
        loop.run()
        text = b"".join(loop.exposition.body(None, None).chunks).decode()
        assert "gong_user_usual_activity" not in text
        assert "gong_user_drop" not in text
        assert "gong_user_presence_ratio" not in text
        assert 'gong_team_drop_evidence{team="EMEA"' in text
        assert "APAC" not in text.split("gong_team_observed_activity")[1]
        assert "gong_company_usual_activity{" in text
        assert loop.value(RATIO) == 1


def test_a_team_that_is_an_address_is_shown_as_addresses_are(tmp_path: Path) -> None:
    with history(tmp_path, Slump(6, slow=[])) as loop:
        teams = {user_id(index): {"team": "ada@acme.example"} for index in range(3)}
        setup = make_setup(
            changed(loop.config, email_label=EmailLabel.OMITTED),
            Roster(by_id=teams, columns=("team",)),
        )
        text = published_with(loop, setup)
        assert "gong_company_usual_activity{" in text
        assert "acme.example" not in text


@pytest.mark.parametrize("cell", ["false", "FALSE", "no", "0"])
def test_whoever_has_left_by_any_spelling_is_inactive(tmp_path: Path, cell: str) -> None:
    with history(tmp_path, Slump(20, slow=[3])) as loop:
        people = {user_id(3): {"active": cell}}
        loop.poller.use(make_setup(loop.config, Roster(by_id=people)), interrupt=False)
        loop.run()
        fill(loop)
        loop.turn()
        labels = {"user": user_id(3), "email": "user3@acme.example"}
        assert loop.value("gong_user_info", active="false", **labels) == 1
        assert loop.value("gong_user_drop_reason", reason="inactive", **labels) == 1


def test_people_who_left_do_not_make_a_team_large_enough(tmp_path: Path) -> None:
    with history(tmp_path, Slump(12, slow=[])) as loop:
        people = {user_id(i): {"team": "EMEA", "active": str(i > 1).lower()} for i in range(6)}
        people |= {user_id(i): {"team": "APAC"} for i in range(6, 11)}
        setup = make_setup(
            changed(loop.config, people=False), Roster(by_id=people, columns=("team",))
        )
        text = published_with(loop, setup)
        assert 'gong_team_drop_evidence{team="APAC"' in text
        assert 'gong_team_drop_evidence{team="EMEA"' not in text


def test_scores_vanish_when_the_history_is_too_old(tmp_path: Path) -> None:
    with history(tmp_path, Slump(6, slow=[])) as loop:
        loop.run()
        fill(loop)
        loop.turn()
        assert loop.value("gong_company_observed_activity", window="7d") is not None
        end = loop.value(END)
        assert end is not None
        loop.simulator.set_faults("unauthorized")
        loop.clock.advance(end + 26 * HOUR - 1 - loop.clock.now())
        assert loop.runner.current().drops is not None
        loop.clock.advance(2)
        assert loop.runner.current().drops is None
        assert b"gong_company" not in b"".join(loop.exposition.body(None, None).chunks)


def test_an_upgrade_logs_once_that_people_are_scored(tmp_path: Path) -> None:
    with history(tmp_path) as loop:
        loop.run()
        fill(loop)
        loop.use(windows=(WindowSpec("7d", 7),))
        loop.turn()
        said = loop.said("people and teams are scored for drops of activity from now on")
        assert len(said) == 1
        assert "drops.enabled: false" in said[0]["advice"]


def test_without_scores_of_people_the_log_does_not_announce_any(tmp_path: Path) -> None:
    sections = {"drops": {"enabled": True, "people": False}}
    with bench(tmp_path, sections=sections) as loop:
        loop.run()
        fill(loop)
        assert not loop.said("people and teams are scored for drops of activity from now on")
        (line,) = loop.said(
            "teams of at least five people are scored for drops of activity from now on, and"
            " no single person"
        )
        assert line["advice"] == "drops.enabled: false switches it off"
