"""Runs of the detector: beside polls and reloads, in a process of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gong_exporter.activity.users import ListedUser
from gong_exporter.config.values import EmailLabel
from gong_exporter.roster.records import Roster
from gong_exporter.runtime import drop_finder
from gong_exporter.runtime.detector import (
    DetectorFailed,
    DetectorInput,
    DetectorOutput,
    DetectorProcess,
    detect,
)
from gong_exporter.runtime.reload import Reloader
from gong_exporter.runtime.setup import make_setup
from gong_exporter.runtime.state import ExporterSite
from gong_exporter.store import SavedDays
from gong_exporter.store.day_body import pack_day
from tests.support.bench import Bench, bench, changed
from tests.support.companies import user_id
from tests.support.history_samples import a_company

HOUR = 3600.0
USUAL = "gong_company_usual_activity"
TEAM = "gong_team_observed_activity"


def an_input(bodies: tuple[bytes, ...] | None = None) -> DetectorInput:
    """A company of 30 people in five teams, some of whom have left."""
    records = list(a_company(30, 42))
    ids = sorted({user for record in records for user in record.counts})
    numbers = {user: number for number, user in enumerate(ids)}
    if bodies is None:
        bodies = tuple(pack_day(record, numbers) for record in records)
    return DetectorInput(
        days=SavedDays({number: user for user, number in numbers.items()}, bodies),
        covered=None,
        known_users=frozenset({*ids, "without any activity"}),
        teams={user: f"Team {number % 5}" for user, number in numbers.items()},
        left=frozenset(ids[:2]),
    )


def ended(run: DetectorProcess) -> DetectorProcess:
    assert run.join(60)
    assert run.done
    return run


def test_the_process_finds_what_the_detector_finds() -> None:
    given = an_input()
    found, expected = ended(DetectorProcess(given)).result(), detect(given)
    assert found.company == expected.company
    assert found.teams == expected.teams
    assert len(found.teams) == 5
    assert found.people.indexes() == expected.people.indexes()
    assert "without any activity" in found.people.indexes()
    rows = [repr(found.people.at(index)) for index in range(len(found.people))]
    assert rows == [repr(expected.people.at(index)) for index in range(len(expected.people))]


def test_a_process_that_fails_says_why() -> None:
    run = ended(DetectorProcess(an_input(bodies=(b"\0",) * 20)))
    with pytest.raises(DetectorFailed, match=r"status 1: zlib\.error: "):
        run.result()


def test_a_stopped_process_has_no_result() -> None:
    run = DetectorProcess(an_input())
    run.stop()
    with pytest.raises(DetectorFailed, match="status -9"):
        ended(run).result()


class FakeRun(DetectorProcess):
    """A run that ends when the test says so."""

    def __init__(self, given: DetectorInput) -> None:
        self.given = given
        self.stopped = False
        self.end: Callable[[], DetectorOutput] | None = None

    @property
    def done(self) -> bool:
        return self.end is not None

    def join(self, _timeout: float) -> bool:
        return self.done

    def result(self) -> DetectorOutput:
        assert self.end is not None
        return self.end()

    def stop(self) -> None:
        self.stopped = True


def fail() -> DetectorOutput:
    raise DetectorFailed("out of memory")


@contextmanager
def with_runs(folder: Path) -> Iterator[tuple[Bench, list[FakeRun]]]:
    """A bench with a whole history, and the runs of its detector; the first has begun."""
    runs: list[FakeRun] = []

    def start(given: DetectorInput) -> FakeRun:
        runs.append(FakeRun(given))
        return runs[-1]

    with bench(folder, sections={"drops": {"enabled": True}}, start_detector=start) as loop:
        loop.run()
        for _ in range(200):
            loop.turn()
        assert loop.value("gong_activity_history_ratio") == 1
        yield loop, runs


def warnings(loop: Bench) -> tuple[str, ...]:
    """Those of the status page."""
    reloader = Reloader(load=lambda: loop.config, runner=loop.runner, poller=loop.poller)
    site = ExporterSite(
        runner=loop.runner, poller=loop.poller, started_at=loop.clock.now(), reloader=reloader
    )
    return site.status().warnings


def test_polls_and_reloads_do_not_wait_for_the_detector(tmp_path: Path) -> None:
    with with_runs(tmp_path) as (loop, runs):
        (run,) = runs
        polls = len(loop.polled)
        loop.sleep(HOUR)
        assert len(loop.polled) == polls + 1
        loop.use(interval=7200.0)
        assert loop.runner.poll_state.setup.config.poll.interval == 7200
        assert len(runs) == 1 or run.stopped
        assert loop.value(USUAL, window="7d") is None


def test_what_a_run_finds_is_published_after_its_end(tmp_path: Path) -> None:
    with with_runs(tmp_path) as (loop, runs):
        loop.turn()
        assert loop.value(USUAL, window="7d") is None
        runs[0].end = lambda: detect(runs[0].given)
        loop.turn()
        # The days that arrived during the run are compared in another one.
        assert len(runs) == 2
        assert len(runs[1].given.days.bodies) == 84
        assert not loop.said("the detector failed")
        runs[1].end = lambda: detect(runs[1].given)
        loop.turn()
        assert loop.value(USUAL, window="7d") is not None
        loop.turn()
        assert len(runs) == 2


def test_a_reload_ends_a_run_and_its_result_is_not_published(tmp_path: Path) -> None:
    with with_runs(tmp_path) as (loop, runs):
        loop.use(exclude_users=(ListedUser(user_id=user_id(0)),))
        loop.turn()
        assert runs[0].stopped
        assert user_id(0) in runs[0].given.known_users
        assert user_id(0) not in runs[-1].given.known_users
        runs[0].end = lambda: detect(runs[0].given)
        loop.turn()
        assert loop.value(USUAL, window="7d") is None


@pytest.mark.parametrize("failing", [False, True])
def test_a_reload_that_hides_addresses_hides_teams_that_are_named_by_them(
    tmp_path: Path, *, failing: bool
) -> None:
    boss = "boss@acme.example"
    roster = Roster(columns=("team",), by_id={user_id(index): {"team": boss} for index in range(3)})
    with with_runs(tmp_path) as (loop, runs):
        loop.poller.use(make_setup(loop.config, roster), interrupt=True)
        loop.run()
        loop.turn()
        runs[-1].end = lambda: detect(runs[-1].given)
        loop.turn()
        assert loop.value(TEAM, team=boss, window="7d") is not None
        hidden = changed(loop.config, email_label=EmailLabel.OMITTED)
        loop.poller.use(make_setup(hidden, roster), interrupt=True)
        loop.run()
        assert boss not in b"".join(loop.exposition.body(None, None).chunks).decode()
        assert loop.value(USUAL, window="7d") is not None
        if failing:
            loop.turn()
            runs[-1].end = fail
            loop.turn()
            assert loop.said("the detector failed")
            assert boss not in b"".join(loop.exposition.body(None, None).chunks).decode()


def test_a_changed_roster_has_its_teams_at_once_while_days_still_arrive(tmp_path: Path) -> None:
    with bench(tmp_path, sections={"drops": {"enabled": True}}) as loop:
        loop.run()
        for _ in range(30):
            loop.turn()
        ratio = loop.value("gong_activity_history_ratio")
        assert ratio is not None
        assert ratio < 1
        by_id = {user_id(index): {"team": "EMEA"} for index in range(3)}
        loop.poller.use(
            make_setup(loop.config, Roster(columns=("team",), by_id=by_id)), interrupt=True
        )
        for _ in range(3):
            loop.turn()
        assert loop.value(TEAM, team="EMEA", window="7d") is not None


def test_a_failed_run_is_logged_and_repeated_after_a_pause(tmp_path: Path) -> None:
    with with_runs(tmp_path) as (loop, runs):
        runs[0].end = fail
        loop.turn()
        (line,) = loop.said("the detector failed")
        assert (line["level"], line["error"]) == ("error", "out of memory")
        loop.turn()
        assert len(runs) == 1
        (warning,) = warnings(loop)
        assert warning.endswith("no scores, or those of an earlier day: out of memory")
        loop.clock.advance(drop_finder.INTERVAL)
        loop.turn()
        assert len(runs) == 2
        runs[1].end = lambda: detect(runs[1].given)
        loop.turn()
        assert warnings(loop) == ()


def test_a_run_without_an_end_is_ended(tmp_path: Path) -> None:
    with with_runs(tmp_path) as (loop, runs):
        loop.clock.advance(drop_finder.TIMEOUT + 1)
        loop.turn()
        assert runs[0].stopped
