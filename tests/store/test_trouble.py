"""A file that cannot be used is said, counted and done without; nothing known is lost by it."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gong_exporter.gong.limits import Busy, Cause, Granted, Ledger
from gong_exporter.store import SavedState, StateFile, open_state, schema
from gong_exporter.store.disk import RETRY
from tests.support.store_processes import another_process, hear
from tests.support.store_samples import HOST, NOON, UNLIMITED, Scene, a_window, some_knowledge

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextmanager
def _opened(path: Path, scene: Scene) -> Iterator[StateFile]:
    with closing(open_state(path, report=scene.report, now=scene.now)) as kept:
        yield kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def _call(ledger: Ledger, now: float) -> None:
    granted = ledger.reserve(now, UNLIMITED, now + 30)
    assert isinstance(granted, Granted)
    ledger.finish(granted.call, now + 0.5)


def _fill(filler: Path) -> None:
    """Take all the room that its disk has."""
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def _rows(path: Path) -> list[tuple[float, float | None]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT started, ended FROM calls ORDER BY started").fetchall()


def _not_in_use(path: Path, why: str) -> str:
    return (
        f"the state file {path} is not in use: {why}; until it is, its content is kept in memory,"
        " and would be lost with the process"
    )


@contextmanager
def _kept_by_another(path: Path) -> Iterator[None]:
    with another_process("hold", path) as process:
        assert hear(process) == "held"
        yield
        process.kill()
        process.wait()


def test_a_locked_file_is_done_without_and_gets_the_calls_made_meanwhile(
    path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.2)
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
        running = kept.ledger.reserve(NOON + 1, UNLIMITED, NOON + 31)
        assert isinstance(running, Granted)
        with _kept_by_another(path):
            began = time.monotonic()
            _call(kept.ledger, NOON + 2)
            kept.ledger.finish(running.call, NOON + 3)
            kept.ledger.limit(NOON + 3, NOON + 33)
            kept.save(some_knowledge(), [a_window()])
            assert 0.3 < time.monotonic() - began < 2  # two attempts: a call's, and the save's
            assert kept.ledger.used(NOON + 4) == 3
            assert kept.ledger.limited_until(NOON + 4) == NOON + 33
            assert scene.reports == [
                _not_in_use(path, "another process has kept it locked for 5 s")
            ]
            assert [kept.trouble] == scene.reports
            assert kept.errors == 2
        _call(kept.ledger, NOON + 40)
        assert len(scene.reports) == 1  # it failed a moment ago, and is not tried yet
        scene.time += RETRY
        _call(kept.ledger, NOON + 41)
        assert kept.trouble is None
        assert scene.reports[1:] == [f"the state file {path} is in use again"]
    assert _rows(path) == [
        (NOON, NOON + 0.5),
        (NOON + 1, NOON + 3),
        (NOON + 2, NOON + 2.5),
        (NOON + 40, NOON + 40.5),
        (NOON + 41, NOON + 41.5),
    ]
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        assert kept.ledger.limited_until(NOON + 10) == NOON + 33


def test_a_file_locked_at_the_start_is_read_when_it_is_free(
    path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.1)
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
    with _kept_by_another(path), _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(None, ())
        assert kept.ledger.used(NOON + 1) == 0
    with _kept_by_another(path):
        late = open_state(path, report=scene.report, now=scene.now)
    scene.time -= 3600  # a clock set back keeps nobody from trying again
    _call(late.ledger, NOON + 1)
    assert late.ledger.used(NOON + 2) == 2
    late.close()


def test_others_calls_are_known_when_the_file_is_lost(path: Path, scene: Scene) -> None:
    with _opened(path, scene) as ours, _opened(path, scene) as theirs:
        _call(theirs.ledger, NOON)
        _call(ours.ledger, NOON + 1)
        _call(theirs.ledger, NOON + 2)
        theirs.ledger.limit(NOON + 3, NOON + 600)
        busy = ours.ledger.reserve(NOON + 4, UNLIMITED, NOON + 34)
        assert busy == Busy(NOON + 600, Cause.RETRY_AFTER)
        path.unlink()
        path.mkdir()
        assert ours.ledger.reserve(NOON + 5, UNLIMITED, NOON + 35) == busy
        assert ours.ledger.used(NOON + 5) == 3
    assert scene.reports[-1] == _not_in_use(path, "it is not a file")


def test_a_removed_file_is_written_again_with_all_that_is_known(path: Path, scene: Scene) -> None:
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        path.unlink()
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        assert kept.errors == 1
    assert scene.reports == [f"the state file {path} was removed; what is known is written again"]
    with _opened(path, scene) as kept:
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.load(HOST) == SavedState(
            some_knowledge(2), (a_window("1d", 1), a_window("7d", 2))
        )


@pytest.mark.parametrize("content", [b"this is no database\n" * 100, b"x", b"\0" * 4096])
def test_a_damaged_file_is_set_aside_and_a_fresh_one_begun(
    path: Path, scene: Scene, content: bytes
) -> None:
    path.write_bytes(content)
    journal = path.with_name("state.db-journal")
    journal.write_bytes(b"")
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
        assert kept.errors == 1
        assert kept.trouble is None
    aside = path.with_name("state.db.corrupt-20260202T024000Z")
    assert aside.read_bytes() == content
    assert len(scene.reports) == 1
    assert scene.reports[0].startswith(f"the state file {path} is damaged (")
    assert scene.reports[0].endswith(f"; it is kept as {aside.name}, and a fresh one begun")
    with _opened(path, scene) as kept:
        assert kept.load(HOST).windows == (a_window(),)


def test_a_second_damaged_file_of_the_same_second_is_kept_too(path: Path, scene: Scene) -> None:
    for content in (b"one" * 1000, b"two" * 1000):
        path.write_bytes(content)
        with _opened(path, scene):
            pass
    kept = {
        file.name: file.read_bytes()
        for file in path.parent.glob("*.corrupt-*")
        if file.stat().st_size
    }
    assert kept == {
        "state.db.corrupt-20260202T024000Z": b"one" * 1000,
        "state.db.corrupt-20260202T024000Z-2": b"two" * 1000,
    }


def test_a_file_that_breaks_in_use_is_set_aside_and_begun_with_all_that_is_known(
    path: Path, scene: Scene
) -> None:
    with _opened(path, scene) as kept:
        for second in range(40):
            _call(kept.ledger, NOON + second)
        kept.save(some_knowledge(), [a_window(users=500)])
        with path.open("r+b") as file:
            file.write(b"\x55" * path.stat().st_size)
        _call(kept.ledger, NOON + 400)
        assert kept.trouble is None
        assert kept.ledger.used(NOON + 401) == 41
    assert len(scene.reports) == 1
    assert "is damaged (file is not a database)" in scene.reports[0]
    assert len(_rows(path)) == 41
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(users=500),))


def test_a_row_that_cannot_be_understood_costs_no_other(path: Path, scene: Scene) -> None:
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window("1d"), a_window("7d")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE windows SET body = substr(body, 1, 50) WHERE name = '1d'")
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window("7d"),))
        assert kept.errors == 1
    assert scene.reports == [
        f"the window 1d in the state file {path} cannot be read, and is left out"
    ]


def test_a_newer_versions_file_is_left_alone(path: Path, scene: Scene) -> None:
    schema.open_file(path, [*schema.STEPS, ()]).close()
    before = path.read_bytes()
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(None, ())
        kept.save(some_knowledge(), [a_window()])
        _call(kept.ledger, NOON)
        assert kept.ledger.used(NOON + 1) == 1
    why = "it is of version 2, made by a newer gong-exporter (this one knows up to 1)"
    assert scene.reports == [_not_in_use(path, why)]
    assert path.read_bytes() == before


def test_a_missing_folder_is_said(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "nowhere" / "state.db"
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
        assert kept.errors == 1
    assert scene.reports == [_not_in_use(path, "No such file or directory")]


@needs_root
def test_a_read_only_disk_is_read_and_not_written(small_disk: Path, scene: Scene) -> None:
    path = small_disk / "state.db"
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
        kept.save(some_knowledge(), [a_window()])
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with _opened(path, scene) as kept:
        assert scene.reports == [_not_in_use(path, "it, its folder or its disk is read-only")]
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        assert kept.ledger.used(NOON + 1) == 1
        one = replace(UNLIMITED, requests_per_day=1)
        assert isinstance(kept.ledger.reserve(NOON + 1, one, NOON + 31), Busy)
        _call(kept.ledger, NOON + 2)
        assert kept.poller_lock().acquire()
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        scene.time += RETRY
        _call(kept.ledger, NOON + 3)
        assert kept.trouble is None
    assert len(_rows(path)) == 3


@needs_root
def test_a_full_disk_is_said_and_gets_everything_once_it_has_room(
    small_disk: Path, scene: Scene
) -> None:
    path = small_disk / "state.db"
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        filler = small_disk / "filler"
        _fill(filler)
        _call(kept.ledger, NOON)
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        assert scene.reports == [_not_in_use(path, "the disk is full")]
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.errors == 2
        filler.unlink()
        kept.save(some_knowledge(3), [])
        assert kept.trouble is None
    with _opened(path, scene) as kept:
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.load(HOST) == SavedState(
            some_knowledge(3), (a_window("1d", 1), a_window("7d", 2))
        )


@needs_root
def test_a_state_too_large_for_the_disk_leaves_the_last_one(small_disk: Path, scene: Scene) -> None:
    path = small_disk / "state.db"
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window(number=1)])
        kept.save(some_knowledge(2), [a_window(str(n), 2, users=20_000) for n in range(3)])
        assert kept.trouble == _not_in_use(path, "the disk is full")
        scene.time += RETRY
        _call(kept.ledger, NOON)  # tried again, in vain
        assert scene.reports == [kept.trouble]
        assert kept.ledger.used(NOON + 1) == 1
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(1), (a_window(number=1),))


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_may_not_grow_is_done_without(path: Path, scene: Scene) -> None:
    large = a_window(number=2, users=20_000)
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window(number=1)])
        with _files_of_at_most(64 * 1024):
            kept.save(some_knowledge(2), [large])
        assert scene.reports == [_not_in_use(path, "the disk gave an input/output error")]
        kept.save(some_knowledge(3), [])
        assert scene.reports[1:] == [f"the state file {path} is in use again"]
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(3), (large,))


@pytest.fixture
def folder_of_a_user() -> Iterator[Path]:
    """A folder of somebody whom permissions bind, and the test is that user meanwhile."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        if root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        yield Path(name)
        Path(name).chmod(0o700)
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_read_and_not_written(folder_of_a_user: Path, scene: Scene) -> None:
    path = folder_of_a_user / "state.db"
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
    for journal in folder_of_a_user.glob("*-journal"):
        journal.unlink()
    folder_of_a_user.chmod(0o500)
    with _opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        _call(kept.ledger, NOON)
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.poller_lock().acquire()
        assert len(scene.reports) == 2
        assert scene.reports[0].startswith(f"the state file {path} is not in use: it")
        assert scene.reports[1].startswith(f"no lock on {path}.lock: Permission denied")


def test_a_read_only_file_is_read_and_not_written(folder_of_a_user: Path, scene: Scene) -> None:
    path = folder_of_a_user / "state.db"
    with _opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
    path.chmod(0o400)
    with _opened(path, scene) as kept:
        assert scene.reports == [_not_in_use(path, "it, its folder or its disk is read-only")]
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))


def test_a_damaged_file_in_a_read_only_folder_is_done_without(
    folder_of_a_user: Path, scene: Scene
) -> None:
    path = folder_of_a_user / "state.db"
    path.write_bytes(b"no database " * 100)
    folder_of_a_user.chmod(0o500)
    with _opened(path, scene) as kept:
        _call(kept.ledger, NOON)
    why = "it is damaged (file is not a database), and cannot be renamed (Permission denied)"
    assert scene.reports == [_not_in_use(path, why)]
