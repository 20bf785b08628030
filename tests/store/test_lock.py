"""One poller per state file, and a killed one leaves nothing behind."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

from gong_exporter.store.lock import PollerLock
from tests.support.store_failures import NO_LOCK
from tests.support.store_processes import another_process, hear
from tests.support.store_samples import Scene


def _lock(path: Path | None, scene: Scene | None = None) -> PollerLock:
    return PollerLock(path, (scene or Scene()).log)


def test_a_second_poller_is_refused_and_gets_the_owner(tmp_path: Path) -> None:
    first, second = _lock(tmp_path / "state.db.lock"), _lock(tmp_path / "state.db.lock")
    assert [first.acquire(), first.acquire()] == [True, True]
    assert not second.acquire()
    holders = [second.owner]
    first.release()
    assert second.acquire()
    holders.append(second.owner)
    assert holders == [os.getpid(), None]
    second.release()


def test_the_lock_file_is_its_owners_alone(tmp_path: Path) -> None:
    lock = _lock(tmp_path / "state.db.lock")
    assert lock.acquire()
    assert stat.S_IMODE((tmp_path / "state.db.lock").stat().st_mode) == 0o600
    lock.release()


def test_a_link_in_place_of_the_lock_file_is_not_followed(
    tmp_path: Path,
) -> None:
    scene = Scene()
    (tmp_path / "another").write_text("precious")
    (tmp_path / "state.db.lock").symlink_to("another")
    lock = _lock(tmp_path / "state.db.lock", scene)
    assert lock.acquire()
    lock.release()
    assert (tmp_path / "another").read_text() == "precious"
    (warning,) = scene.warnings
    assert warning.startswith(NO_LOCK)


def test_a_killed_poller_leaves_nothing_behind_though_its_children_live(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    ours = _lock(tmp_path / "state.db.lock")
    children = []
    try:
        with another_process("lock", path) as process:
            assert hear(process) == "True"
            children = [int(hear(process))]
            assert not ours.acquire()
            assert ours.owner == process.pid
            process.kill()
            process.wait()
            assert ours.acquire()
            for child in children:
                os.kill(child, 0)  # it is there still
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
    ours.release()


def test_an_owner_that_could_not_write_its_pid_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "state.db.lock"
    first, second = _lock(path), _lock(path)
    assert first.acquire()
    path.write_text("")
    assert not second.acquire()
    assert second.owner is None
    first.release()


def test_without_a_usable_lock_file_it_logs_and_polls(tmp_path: Path) -> None:
    scene = Scene()
    assert _lock(tmp_path / "nowhere" / "state.db.lock", scene).acquire()
    assert scene.warnings == [f"{NO_LOCK}: No such file or directory"]


def test_without_a_state_file_there_is_nothing_to_lock() -> None:
    scene = Scene()
    assert _lock(None, scene).acquire()
    assert scene.warnings == []
