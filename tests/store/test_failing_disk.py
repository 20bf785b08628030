"""Full, read-only and broken disks: logged, counted, replaced by memory, and used again."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gong_exporter.gong.limits import Wait
from gong_exporter.store import SavedState
from gong_exporter.store.database import RETRY_INTERVAL
from tests.support.store_failures import (
    IN_USE_AGAIN,
    NO_LOCK,
    ledger_rows,
    make_a_call,
    not_in_use,
    opened,
)
from tests.support.store_samples import HOST, NOON, UNLIMITED, Scene, a_window, some_knowledge


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def _fill(filler: Path) -> None:
    """Take all the room that its disk has."""
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_read_only_disk_is_read_and_not_written(small_disk: Path, scene: Scene) -> None:
    path = small_disk / "state.db"
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        kept.save(some_knowledge(), [a_window()])
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with opened(path, scene) as kept:
        assert scene.warnings == [not_in_use("it, its folder or its disk is read-only")]
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        assert kept.ledger.used(NOON + 1) == 1
        one = replace(UNLIMITED, requests_per_day=1)
        assert isinstance(kept.ledger.reserve(NOON + 1, one, NOON + 31), Wait)
        make_a_call(kept.ledger, NOON + 2)
        assert kept.poller_lock.acquire()
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        scene.time += RETRY_INTERVAL
        make_a_call(kept.ledger, NOON + 3)
        assert kept.error is None
    assert len(ledger_rows(path)) == 3


def test_a_full_disk_is_logged_and_gets_everything_once_it_has_room(
    small_disk: Path, scene: Scene
) -> None:
    path = small_disk / "state.db"
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        filler = small_disk / "filler"
        _fill(filler)
        make_a_call(kept.ledger, NOON)
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        assert scene.warnings == [not_in_use("the disk is full")]
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.error_count == 2
        filler.unlink()
        kept.save(some_knowledge(3), [])
        assert kept.error is None
    with opened(path, scene) as kept:
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.load(HOST) == SavedState(
            some_knowledge(3), (a_window("1d", 1), a_window("7d", 2))
        )


def test_a_state_too_large_for_the_disk_leaves_the_last_one(small_disk: Path, scene: Scene) -> None:
    path = small_disk / "state.db"
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window(number=1)])
        kept.save(some_knowledge(2), [a_window(str(n), 2, users=20_000) for n in range(3)])
        assert kept.error == f"{path} is not in use: the disk is full"
        scene.time += RETRY_INTERVAL
        make_a_call(kept.ledger, NOON)  # tried again, in vain
        assert scene.warnings == [not_in_use("the disk is full")]
        assert kept.ledger.used(NOON + 1) == 1
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(1), (a_window(number=1),))


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_may_not_grow_is_replaced_by_memory(path: Path, scene: Scene) -> None:
    large = a_window(number=2, users=20_000)
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window(number=1)])
        with _files_of_at_most(64 * 1024):
            kept.save(some_knowledge(2), [large])
        assert scene.warnings == [not_in_use("the disk gave an input/output error")]
        kept.save(some_knowledge(3), [])
        assert scene.warnings[1:] == [IN_USE_AGAIN]
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(3), (large,))


@pytest.fixture
def folder_of_a_user() -> Iterator[Path]:
    """A folder of a user whom permissions bind; the test runs as that user."""
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
    with opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
    for journal in folder_of_a_user.glob("*-journal"):
        journal.unlink()
    folder_of_a_user.chmod(0o500)
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        make_a_call(kept.ledger, NOON)
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.poller_lock.acquire()
        assert len(scene.warnings) == 2
        assert scene.warnings[0].startswith(not_in_use("it"))
        assert scene.warnings[1] == f"{NO_LOCK}: Permission denied"


def test_a_read_only_file_is_read_and_not_written(folder_of_a_user: Path, scene: Scene) -> None:
    path = folder_of_a_user / "state.db"
    with opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
    path.chmod(0o400)
    with opened(path, scene) as kept:
        assert scene.warnings == [not_in_use("it, its folder or its disk is read-only")]
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))


def test_a_corrupt_file_in_a_read_only_folder_is_replaced_by_memory(
    folder_of_a_user: Path, scene: Scene
) -> None:
    path = folder_of_a_user / "state.db"
    path.write_bytes(b"no database " * 100)
    folder_of_a_user.chmod(0o500)
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
    why = "it is corrupt (file is not a database) and cannot be renamed (Permission denied)"
    assert scene.warnings == [not_in_use(why)]
