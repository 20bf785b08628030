"""A file that cannot be used is logged, counted and replaced by memory; nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from gong_exporter.gong.limits import Allowed, Cause, Wait
from gong_exporter.store import SavedState, StateFile, schema
from gong_exporter.store.database import RETRY_INTERVAL
from tests.support.store_failures import (
    IN_USE_AGAIN,
    kept_by_another,
    ledger_rows,
    make_a_call,
    not_in_use,
    opened,
)
from tests.support.store_samples import (
    HOST,
    NOON,
    UNLIMITED,
    Scene,
    a_window,
    create_file,
    some_knowledge,
)

T = TypeVar("T")
CORRUPT = "the state file is corrupt; it was renamed, and a new one is begun"


def test_a_locked_file_is_replaced_by_memory_and_gets_its_calls_later(
    path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.2)
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        running = kept.ledger.reserve(NOON + 1, UNLIMITED, NOON + 31)
        assert isinstance(running, Allowed)
        with kept_by_another(path):
            began = time.monotonic()
            make_a_call(kept.ledger, NOON + 2)
            kept.ledger.finish(running.call, NOON + 3)
            kept.ledger.limit(NOON + 3, NOON + 33)
            kept.save(some_knowledge(), [a_window()])
            assert time.monotonic() - began > 0.3  # two attempts: a call's, and the save's
            assert kept.ledger.used(NOON + 4) == 3
            assert kept.ledger.limited_until(NOON + 4) == NOON + 33
            assert scene.warnings == [not_in_use("another process has locked it for 5 s")]
            reason: str | None = kept.error
            assert reason == f"{path} is not in use: another process has locked it for 5 s"
            assert kept.error_count == 2
        make_a_call(kept.ledger, NOON + 40)
        assert len(scene.warnings) == 1  # it failed a moment ago, and is not tried yet
        scene.time += RETRY_INTERVAL
        make_a_call(kept.ledger, NOON + 41)
        assert kept.error is None
        assert scene.warnings[1:] == [IN_USE_AGAIN]
    assert ledger_rows(path) == [
        (NOON, NOON + 0.5),
        (NOON + 1, NOON + 3),
        (NOON + 2, NOON + 2.5),
        (NOON + 40, NOON + 40.5),
        (NOON + 41, NOON + 41.5),
    ]
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
        assert kept.ledger.limited_until(NOON + 10) == NOON + 33


def test_a_file_locked_at_the_start_is_read_when_it_is_free(
    path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.1)
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
    with kept_by_another(path), opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(None, ())
        assert kept.ledger.used(NOON + 1) == 0
    with kept_by_another(path):
        late = StateFile(path, log=scene.log, now=scene.now)
    scene.time -= 3600  # it is tried again although the clock was set back
    make_a_call(late.ledger, NOON + 1)
    assert late.ledger.used(NOON + 2) == 2
    late.close()


def test_other_processes_calls_are_known_when_the_file_is_lost(path: Path, scene: Scene) -> None:
    with opened(path, scene) as ours, opened(path, scene) as theirs:
        make_a_call(theirs.ledger, NOON)
        make_a_call(ours.ledger, NOON + 1)
        make_a_call(theirs.ledger, NOON + 2)
        theirs.ledger.limit(NOON + 3, NOON + 600)
        busy = ours.ledger.reserve(NOON + 4, UNLIMITED, NOON + 34)
        assert busy == Wait(NOON + 600, Cause.RETRY_AFTER)
        path.unlink()
        path.mkdir()
        assert ours.ledger.reserve(NOON + 5, UNLIMITED, NOON + 35) == busy
        assert ours.ledger.used(NOON + 5) == 3
    assert scene.warnings[-1] == not_in_use("it is not a regular file")


def test_a_removed_file_is_written_again_from_memory(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        path.unlink()
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        assert kept.error_count == 1
    assert scene.warnings == ["the state file was removed; it is written again from memory"]
    with opened(path, scene) as kept:
        assert kept.ledger.used(NOON + 1) == 1
        assert kept.load(HOST) == SavedState(
            some_knowledge(2), (a_window("1d", 1), a_window("7d", 2))
        )


@pytest.mark.parametrize("content", [b"this is no database\n" * 100, b"x", b"\0" * 4096])
def test_a_corrupt_file_is_renamed_and_a_new_one_begun(
    path: Path, scene: Scene, content: bytes
) -> None:
    path.write_bytes(content)
    journal = path.with_name("state.db-journal")
    journal.write_bytes(b"")
    with opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window()])
        assert kept.error_count == 1
        assert kept.error is None
    aside = path.with_name("state.db.corrupt-20260202T024000Z")
    assert aside.read_bytes() == content
    assert aside.with_name(f"{aside.name}-journal").exists()  # it must not meet the fresh file
    assert len(scene.warnings) == 1
    assert scene.recorder.messages == [CORRUPT]
    assert scene.recorder.values[0]["renamed_to"] == aside.name
    with opened(path, scene) as kept:
        assert kept.load(HOST).windows == (a_window(),)


def test_a_second_corrupt_file_of_the_same_second_is_kept_too(path: Path, scene: Scene) -> None:
    for content in (b"one" * 1000, b"two" * 1000):
        path.write_bytes(content)
        with opened(path, scene):
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


def test_a_file_that_becomes_corrupt_in_use_is_renamed_and_written_again(
    path: Path, scene: Scene
) -> None:
    with opened(path, scene) as kept:
        for second in range(40):
            make_a_call(kept.ledger, NOON + second)
        kept.save(some_knowledge(), [a_window(users=500)])
        with path.open("r+b") as file:
            file.write(b"\x55" * path.stat().st_size)
        make_a_call(kept.ledger, NOON + 400)
        assert kept.error is None
        assert kept.ledger.used(NOON + 401) == 41
    assert len(scene.warnings) == 1
    assert scene.warnings == [f"{CORRUPT}: file is not a database"]
    assert len(ledger_rows(path)) == 41
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(users=500),))


def test_a_file_replaced_by_a_corrupt_one_is_renamed_too(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        other = path.with_name("other")
        other.write_bytes(b"no database " * 100)
        other.replace(path)
        make_a_call(kept.ledger, NOON + 1)
        assert kept.error is None
    assert len(ledger_rows(path)) == 2
    assert ["was removed" in scene.warnings[0], CORRUPT in scene.warnings[1]] == [True, True]


def test_a_corrupt_row_costs_no_other(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        kept.save(some_knowledge(), [a_window("1d"), a_window("7d")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE windows SET body = substr(body, 1, 50) WHERE name = '1d'")
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window("7d"),))
        assert kept.error_count == 1
    assert scene.warnings == ["a part of the state file is corrupt and ignored: window 1d"]


@pytest.mark.parametrize("nonsense", ["'soon'", "x'00ff'", "9e999", "-9e999", "1e300"])
@pytest.mark.parametrize("column", ["call", "started", "ended", "expires"])
def test_a_corrupt_call_is_ignored(column: str, nonsense: str, path: Path, scene: Scene) -> None:
    """SQLite takes anything in any column, and its files have no checksums."""
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        make_a_call(kept.ledger, NOON + 1)
    spoil(path, "calls", f"{column} = {nonsense} WHERE started > {NOON}")
    with opened(path, scene) as kept:
        assert kept.ledger.used(NOON + 2) == 1
        make_a_call(kept.ledger, NOON + 2)
        assert kept.error_count == 1
    assert scene.warnings == ["a part of the state file is corrupt and ignored: record of calls"]
    assert ledger_rows(path) == [(NOON, NOON + 0.5), (NOON + 2, NOON + 2.5)]


@pytest.mark.parametrize(
    "nonsense",
    [
        "said_at = 'now'",
        "until = 'later'",
        "until = 9e999",
        "said_at = -9e999",
        "until = said_at + 86400 * 40",
    ],
)
def test_a_corrupt_retry_after_is_ignored(nonsense: str, path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        kept.ledger.limit(NOON, NOON + 7200)
    spoil(path, "retry_after", nonsense)
    with opened(path, scene) as kept:
        assert kept.ledger.limited_until(NOON + 1) == 0
        make_a_call(kept.ledger, NOON + 2)
        assert kept.error_count == len(scene.warnings) == 1
    assert len(ledger_rows(path)) == 2


def spoil(path: Path, table: str, change: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET {change}")  # noqa: S608 - the tests' own
        connection.commit()


def test_a_newer_versions_file_is_left_alone(path: Path, scene: Scene) -> None:
    create_file(path, (*schema.MIGRATIONS, ()))
    before = path.read_bytes()
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(None, ())
        kept.save(some_knowledge(), [a_window()])
        make_a_call(kept.ledger, NOON)
        assert kept.ledger.used(NOON + 1) == 1
    newest = len(schema.MIGRATIONS)
    why = f"its version {newest + 1} is of a newer gong-exporter (this one supports up to {newest})"
    assert scene.warnings == [not_in_use(why)]
    assert path.read_bytes() == before


def test_a_pipe_in_place_of_the_file_is_refused_without_blocking(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        path.unlink()
        os.mkfifo(path)
        assert in_time(lambda: kept.ledger.used(NOON + 1)) == 1  # in a scrape
        make_a_call(kept.ledger, NOON + 1)
        assert scene.warnings[-1] == not_in_use("it is not a regular file")
    with opened(path, scene) as kept:
        assert in_time(lambda: kept.load(HOST)) == SavedState()


def in_time(ask: Callable[[], T]) -> T:
    """Its answer, which must not be waited for."""
    answers: list[T] = []
    asking = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    asking.start()
    asking.join(10)
    assert answers, "it hangs"
    return answers[0]


def test_a_missing_folder_is_logged(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "nowhere" / "state.db"
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        assert kept.error_count == 1
    assert scene.warnings == [not_in_use("No such file or directory")]
