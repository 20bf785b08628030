"""What the loop survives: defects, reloads in the middle of a poll, another process that polls."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gong_exporter.activity.snapshot import Snapshot
from gong_exporter.activity.windows import WindowSpec
from gong_exporter.exposition.body import Exposition
from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.gong.clock import Stopped
from gong_exporter.roster.records import Roster
from gong_exporter.runtime.reload import same_but_for_roster
from gong_exporter.runtime.setup import make_setup
from tests.support.bench import Bench, bench, changed
from tests.support.companies import user_id

HOUR = 3600.0


def break_once(loop: Bench) -> None:
    """The next poll ends in a defect of ours."""

    def defect() -> None:
        loop.during = lambda: None
        raise ZeroDivisionError("made for a test")

    loop.during = defect


def test_a_defect_in_a_poll_is_counted_and_logged_and_the_loop_continues(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        break_once(loop)
        loop.run()
        assert loop.value("gong_up") == 0
        assert loop.value("gong_exporter_poll_failures_total") == 1
        (line,) = loop.said("the poll broke down: a defect, please report it")
        assert "ZeroDivisionError: made for a test" in line["exception"]
        failure = loop.metrics.status().last_failure
        assert failure is not None
        assert (failure.reason, failure.message) == ("defect", "ZeroDivisionError")
        loop.sleep(HOUR)
        assert loop.value("gong_up") == 1
        assert loop.value("gong_exporter_polls_total") == 2


def test_a_defect_in_a_later_poll_keeps_the_data(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        before = loop.runner.current().snapshot
        break_once(loop)
        loop.sleep(HOUR)
        assert loop.value("gong_up") == 0
        assert loop.runner.current().snapshot is before


class Brittle(Exposition):
    """Cannot show a snapshot with windows while ``broken`` is set."""

    broken = True

    def publish(self, snapshot: Snapshot, drops: DropReport | None = None) -> None:
        if self.broken and snapshot.windows:
            raise ZeroDivisionError("made for a test")
        super().publish(snapshot, drops)


def test_a_defect_while_publishing_a_poll_does_not_end_the_loop(tmp_path: Path) -> None:
    with bench(tmp_path, exposition_type=Brittle) as loop:
        loop.run()
        assert loop.said("the poll broke down: a defect, please report it")
        assert loop.value("gong_up") == 0
        loop.exposition.broken = False  # type: ignore[attr-defined]  # it is a Brittle
        loop.sleep(HOUR)
        assert loop.value("gong_up") == 1
        assert b"gong_user_activity{" in b"".join(loop.exposition.body(None, None).chunks)


def test_a_reload_during_a_poll_abandons_it_and_polls_again(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:

        def reload() -> None:
            loop.during = lambda: None
            setup = make_setup(changed(loop.config, windows=(WindowSpec("2d", 2),)))
            loop.poller.use(setup, interrupt=True)
            loop.clock.stop()  # what the interruption does to the real clock

        loop.during = reload
        loop.turn()
        loop.turn()
        assert loop.value("gong_exporter_polls_total") == 0
        loop.clock._stop_at = None
        loop.run()
        assert [data.window for data in loop.runner.poll_state.windows] == ["2d"]
        assert loop.value("gong_exporter_polls_total") == 1


def test_several_reloads_during_a_poll_apply_the_last_one(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:

        def reload_thrice() -> None:
            loop.during = lambda: None
            for days in (2, 3, 4):
                windows = (WindowSpec(f"{days}d", days),)
                setup = make_setup(changed(loop.config, windows=windows))
                loop.poller.use(setup, interrupt=False)

        loop.during = reload_thrice
        loop.run()
        assert [data.window for data in loop.runner.poll_state.windows] == ["4d"]
        assert len(loop.polled) == 2


def test_a_reload_and_a_scheduled_poll_at_the_same_time_are_one_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        setup = make_setup(changed(loop.config, windows=(WindowSpec("2d", 2),)))
        loop.poller.use(setup, interrupt=True)
        loop.poller._wake.set()
        loop.run()
        assert [data.window for data in loop.runner.poll_state.windows] == ["2d"]
        assert len(loop.polled) == 2


def test_without_new_threads_polls_fail_but_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        with monkeypatch.context() as patch:

            def refuse(_: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            loop.during = lambda: patch.setattr(threading.Thread, "start", refuse)
            loop.sleep(HOUR)
        assert len(loop.polled) == 2
        loop.during = lambda: None
        loop.sleep(HOUR)
        assert len(loop.polled) == 3
        assert loop.value("gong_up") == 1


def test_a_change_of_the_roster_alone_is_published_without_a_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("unauthorized")
        loop.sleep(HOUR)  # a failed poll: any other change would poll at once
        roster = Roster(by_id={user_id(0): {"team": "EMEA"}}, by_email={}, columns=("team",))
        new = make_setup(loop.config, roster)
        assert same_but_for_roster(new, make_setup(loop.config))
        loop.poller.use(new, interrupt=False, poll=False)
        loop.run()
        assert len(loop.polled) == 2
        teams = {user.user_id: user.labels for user in loop.runner.current().snapshot.users}
        assert teams[user_id(0)] == (("active", ""), ("team", "EMEA"))
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(loop.polled[1] + HOUR, abs=1)


def test_a_roster_without_most_people_is_logged_once(tmp_path: Path) -> None:
    most = "people with activity are in the roster"
    with bench(tmp_path) as loop:
        loop.run()
        people = [user.user_id for user in loop.runner.current().snapshot.users]
        few = Roster(by_id={people[0]: {}, "404": {}}, skipped=7)
        for _ in range(2):
            loop.poller.use(make_setup(loop.config, few), interrupt=False, poll=False)
            loop.run()
        assert loop.value("gong_exporter_roster_rows_skipped") == 7
        lines = [line["msg"] for line in loop.log() if most in line["msg"]]
        assert lines == [
            (
                f"only 1 of the {len(people)} {most}: the others have no team; its column id must"
                " hold Gong's user ids, or email the addresses that people have in Gong"
            )
        ]
        half = Roster(by_id={key: {} for key in people[:2]})
        loop.poller.use(make_setup(loop.config, half), interrupt=False, poll=False)
        loop.run()
        assert not loop.runner.current().roster_match.warning
        assert loop.value("gong_exporter_roster_rows_skipped") == 0


def test_another_change_beside_the_roster_needs_a_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        roster = Roster(by_id={}, by_email={}, columns=("team",))
        old = make_setup(loop.config)
        both = make_setup(changed(loop.config, windows=(WindowSpec("2d", 2),)), roster)
        assert not same_but_for_roster(old, old)
        assert not same_but_for_roster(both, old)


def test_a_standby_serves_what_the_polling_process_saves(tmp_path: Path) -> None:
    mine = [False]
    with bench(tmp_path, acquire=lambda: mine[0]) as loop:
        loop.run()
        assert "another process polls" in str(loop.poller.standby)
        assert loop.asked() == []
        assert loop.value("gong_up") is None

        with bench(tmp_path, now=loop.clock.datetime()) as other:
            # The same state file, and the same host for both: the other one's simulator.
            other.run()
            setup = make_setup(other.config)
        loop.poller.use(setup, interrupt=True)
        loop.clock.advance(20)
        loop.run()
        assert loop.value("gong_activity_window_end_timestamp_seconds", window="7d")
        assert loop.value("gong_exporter_polls_total") == 0

        mine[0] = True
        loop.run()
        assert loop.poller.standby is None
        assert loop.said("the data is fresh: no poll now")
        assert loop.value("gong_exporter_next_poll_timestamp_seconds")


def test_a_stop_in_the_middle_of_a_poll_ends_it_without_counting_it(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:

        def stop() -> None:
            raise Stopped

        loop.during = stop
        loop.turn()
        loop.turn()
        assert loop.value("gong_exporter_polls_total") == 0
        assert loop.value("gong_up") is None
        assert loop.metrics.status().polling_since is None
