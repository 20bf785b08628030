"""SIGHUP and POST /-/reload: a good configuration swaps in, a bad one is refused, and why."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.exporter import Process, exporter, write_config
from tests.support.reloads import Scene, playing
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.truth import published

SUCCESSFUL = "gong_exporter_config_last_reload_successful"
SUCCESS_AT = "gong_exporter_config_last_reload_success_timestamp_seconds"
INTERVAL = "gong_exporter_poll_interval_seconds"
LAST_SUCCESS = "gong_exporter_last_success_timestamp_seconds"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with playing(tmp_path) as scene:
        yield scene


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with playing(tmp_path_factory.mktemp("steady")) as scene:
        yield scene


@pytest.fixture
def steady(shared: Scene) -> Iterator[Scene]:
    """One for the tests that leave everything in force as it was."""
    yield shared
    assert shared.reload().status == 200
    assert shared.running.fresh_polls() == 1


def test_a_reload_of_what_is_shown_takes_effect_at_once_without_a_call(steady: Scene) -> None:
    before, calls = steady.running.samples(), steady.calls()
    answer = steady.reload(activity={"metrics": ["calls_as_host"], "windows": ["7d", "1d"]})
    assert (answer.status, answer.text) == (
        200,
        "the configuration was read again and is in force\n",
    )
    after = steady.running.samples()
    kept = {
        key: value
        for key, value in published(before).items()
        if key[2] == "calls_as_host" and key[3] != "28d"
    }
    assert published(after) == kept
    assert after.by("window", LAST_SUCCESS).keys() == {"1d", "7d"}
    assert after.value("gong_up") == 1
    then = before.value(SUCCESS_AT) or 0
    until(lambda: (steady.running.samples().value(SUCCESS_AT) or 0) > then, "metrics say so")
    assert steady.calls() == calls


def test_a_reload_of_the_users_polls_at_once_and_shows_no_others(
    scene: Scene,
) -> None:
    everyone, calls = published(scene.running.samples()), scene.calls()
    scene.simulator.set_faults("hang")
    assert scene.reload(activity={"users": ["user3@acme.example", "7000"]}).status == 200
    until(lambda: scene.calls() > calls, "the new question is asked")
    assert published(scene.running.samples()) == {}
    scene.simulator.set_faults()
    # The next reload abandons the poll that hangs.
    assert scene.reload(activity={"users": ["user3@acme.example", "7000", "4711"]}).status == 200
    samples = scene.running.await_polls(2)
    wanted = {"7000", "7003"}
    assert published(samples) == {key: v for key, v in everyone.items() if key[0] in wanted}
    states = {(x["window"], x["state"]): v for x, v in samples.of("gong_activity_users")}
    assert states["28d", "unknown"] == 1

    assert scene.reload(activity={"users": "all"}).status == 200
    assert published(scene.running.await_polls(3)) == everyone


def test_a_new_window_is_fetched_at_once_and_the_others_stay_served(scene: Scene) -> None:
    before = published(scene.running.samples())
    assert scene.reload(activity={"windows": ["1d", "7d", "28d", "90d"]}).status == 200
    after = published(scene.running.await_polls(2))
    assert {key: value for key, value in after.items() if key[3] != "90d"} == before
    assert {key[3] for key in after} == {"1d", "7d", "28d", "90d"}


def test_a_reload_ends_a_hanging_poll_and_the_next_poll_succeeds(scene: Scene) -> None:
    scene.simulator.set_faults("hang")
    calls = scene.calls()
    assert scene.reload(gong={"timeout": "60s"}, activity={"windows": ["2d"]}).status == 200
    until(lambda: scene.calls() > calls, "it hangs")
    scene.simulator.set_faults()
    assert scene.reload(activity={"windows": ["3d"]}).status == 200
    samples = scene.running.await_polls(2, timeout=5)
    assert {key[3] for key in published(samples)} == {"3d"}


def test_a_sighup_with_the_same_configuration_changes_nothing(steady: Scene) -> None:
    calls = steady.calls()
    before, said = steady.running.samples(), len(steady.running.said("configuration reloaded"))
    steady.running.send(signal.SIGHUP)
    until(lambda: len(steady.running.said("configuration reloaded")) > said, "it is read again")
    assert published(steady.running.samples()) == published(before)
    assert steady.calls() == calls


def test_a_bad_configuration_is_refused_with_the_reason_and_the_old_one_stays(
    steady: Scene,
) -> None:
    before = steady.running.samples()
    answer = steady.reload(activity={"widnows": ["7d"]})
    assert answer.status == 500
    assert "activity.widnows: unknown key; did you mean 'windows'?" in answer.text
    until(lambda: steady.running.samples().value(SUCCESSFUL) == 0, "metrics say so")
    after = steady.running.samples()
    assert after.value(SUCCESS_AT) == before.value(SUCCESS_AT)
    assert published(after) == published(before)
    assert steady.running.ask("/-/healthy").status == 200
    until(
        lambda: "The last reload was refused" in steady.running.ask("/").text,
        "the page says so",
    )

    steady.write()
    steady.running.send(signal.SIGHUP)
    until(lambda: steady.running.samples().value(SUCCESSFUL) == 1, "it is accepted again")
    until(
        lambda: "The last reload was refused" not in steady.running.ask("/").text,
        "the page does not show the refusal any more",
    )


def test_a_bad_configuration_by_sighup_is_on_the_page_and_in_the_log_too(steady: Scene) -> None:
    steady.write(gong={"timeout": "tomorrow"})
    steady.running.send(signal.SIGHUP)
    refusal = "reload refused, the old configuration stays in force"
    until(
        lambda: any("gong.timeout" in line["error"] for line in steady.running.said(refusal)),
        "the log says why",
    )
    until(lambda: steady.running.samples().value(SUCCESSFUL) == 0, "metrics say so")
    until(
        lambda: "The last reload was refused" in steady.running.ask("/").text,
        "the page says so",
    )


def test_the_state_file_cannot_be_changed_by_a_reload(steady: Scene) -> None:
    answer = steady.reload(state={"file": "other.db"})
    assert answer.status == 500
    assert "state.file: cannot change while the exporter runs: restart it" in answer.text
    assert not (steady.folder / "other.db").exists()


def test_a_file_that_lost_its_list_of_users_is_refused(scene: Scene) -> None:
    assert scene.reload(activity={"users": ["1"], "email_label": "omitted"}).status == 200
    answer = scene.reload()
    assert answer.status == 500
    assert "activity.users: is missing, which would publish all users" in answer.text
    assert "activity.email_label: is missing, which would publish addresses" in answer.text
    everyone = {"users": "all", "email_label": "plain"}
    assert scene.reload(activity=everyone).status == 200


def test_a_schedule_that_no_longer_fits_the_quota_is_refused(steady: Scene) -> None:
    answer = steady.reload(gong={"requests_per_day": 3})
    assert answer.status == 500
    assert "gong.requests_per_day is 3: not even two polls a day fit" in answer.text
    assert steady.running.samples().value("gong_exporter_poll_interval_seconds") == 3600


def test_a_smaller_quota_stretches_the_interval_with_a_log_line(steady: Scene) -> None:
    used = steady.running.samples().value("gong_exporter_api_quota_used")
    assert steady.reload(gong={"requests_per_day": 30}).status == 200
    until(lambda: steady.running.samples().value(INTERVAL) == 9600, "30 / 3 - 1 polls a day")
    samples = steady.running.samples()
    assert samples.value("gong_exporter_api_quota_limit") == 30
    assert samples.value("gong_exporter_api_quota_used") == used
    line = steady.running.await_said(
        "polling less often than configured, to keep gong.requests_per_day"
    )
    assert (line["interval"], line["effective_interval"]) == (3600, 9600)
    assert "stretched from" in steady.running.ask("/").text


def test_a_signal_without_a_free_thread_is_handled_later(scene: Scene) -> None:
    pid = scene.running.process.pid
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    _, most = resource.prlimit(pid, resource.RLIMIT_AS)
    # No room for another thread's stack.
    resource.prlimit(pid, resource.RLIMIT_AS, ((pages + 64) * resource.getpagesize(), most))
    scene.write(activity={"windows": ["3d"]})
    scene.running.send(signal.SIGHUP)
    time.sleep(1)  # a longer wait can only find more
    assert scene.running.ask("/-/healthy").status == 200, scene.running.log()
    assert not scene.running.said("configuration reloaded")
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    scene.running.await_said("configuration reloaded")
    until(lambda: "serving 3d" in scene.running.ask("/-/ready").text, "it is in force")


def test_a_sighup_during_the_start_is_not_lost(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config, listening=False) as running:
            running.await_said("starting")
            running.send(signal.SIGHUP)
            running.await_said("configuration reloaded")
            assert running.process.poll() is None


def test_reloading_over_http_is_off_by_default(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            assert running.ask("/-/reload", "POST").status == 403
            assert not running.said("configuration reloaded")


def test_with_the_flag_a_new_roster_needs_no_reload(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("email,team\nuser0@acme.example,EMEA\n")
    flags = ("--config.enable-auto-reload", "--config.auto-reload-interval=1s")
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, activity={"roster_file": str(roster)})

        def teams(running: Process) -> set[str]:
            return {labels["team"] for labels, _ in running.samples().of("gong_user_info")}

        with exporter(config, *flags) as followed:
            followed.await_polls(1)
            assert "EMEA" in teams(followed)
            roster.write_text("email,team\nuser0@acme.example,APAC\n")
            until(lambda: "APAC" in teams(followed), "the new roster is published")
            assert followed.polls() == 1
