"""A file that is usable again gets what it lacks, and loses nothing newer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gong_exporter.store import SavedState, schema
from gong_exporter.store.database import RETRY_INTERVAL
from tests.support.store_failures import (
    IN_USE_AGAIN,
    kept_by_another,
    ledger_rows,
    make_a_call,
    not_in_use,
    opened,
)
from tests.support.store_samples import HOST, NOON, Scene, a_window, some_knowledge


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.1)


def test_reopening_the_file_does_not_replace_the_pollers_newer_data(
    path: Path, scene: Scene
) -> None:
    """A backfill runs for hours with what it loaded at its start."""
    with opened(path, scene) as poller, opened(path, scene) as backfill:
        poller.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        backfill.load(HOST)
        poller.save(some_knowledge(2), [a_window("7d", 2)])
        with kept_by_another(path):
            make_a_call(backfill.ledger, NOON)
        scene.time += RETRY_INTERVAL
        make_a_call(backfill.ledger, NOON + 1)
        assert scene.warnings[-1] == IN_USE_AGAIN
    assert len(ledger_rows(path)) == 2
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(
            some_knowledge(2), (a_window("1d", 1), a_window("7d", 2))
        )


def test_a_file_put_back_from_a_copy_gets_what_is_newer(path: Path, scene: Scene) -> None:
    copy = path.with_name("copy")
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        copy.write_bytes(path.read_bytes())
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        copy.replace(path)
        make_a_call(kept.ledger, NOON)
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(
            some_knowledge(2), (a_window("1d", 1), a_window("7d", 2))
        )


def test_company_state_without_windows_is_written_when_the_file_is_usable_again(
    path: Path, scene: Scene
) -> None:
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("7d", 1)])
        with kept_by_another(path):
            kept.save(some_knowledge(2), [])
        scene.time += RETRY_INTERVAL
        make_a_call(kept.ledger, NOON)
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(2), (a_window("7d", 1),))


def test_unsaved_data_of_one_host_is_not_written_for_another(path: Path, scene: Scene) -> None:
    other = "https://other.api.gong.io"
    with opened(path, scene) as kept:
        kept.load(HOST)
        with kept_by_another(path):
            kept.save(some_knowledge(1), [a_window("7d", 1)])
        assert kept.load(other) == SavedState(None, ())  # too soon to use the file, but it is free
        kept.save(some_knowledge(2, other), [a_window("1d", 2)])
        assert kept.error is None
    with opened(path, scene) as kept:
        assert kept.load(other) == SavedState(some_knowledge(2, other), (a_window("1d", 2),))


def test_unsaved_data_is_returned_by_load(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("7d", 1)])
        with kept_by_another(path):
            kept.save(some_knowledge(2), [a_window("7d", 2)])
        assert kept.load(HOST) == SavedState(some_knowledge(2), (a_window("7d", 2),))


def test_company_state_alone_is_written_again_too(path: Path, scene: Scene) -> None:
    """No window ever arrived, but the company's zone is known."""
    with opened(path, scene) as kept:
        kept.save(some_knowledge(), [])
        path.unlink()
        make_a_call(kept.ledger, NOON)
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), ())


def test_one_hosts_windows_are_not_taken_for_anothers(path: Path, scene: Scene) -> None:
    other = "https://other.api.gong.io"
    with opened(path, scene) as kept:
        kept.save(some_knowledge(1), [a_window("7d", 1)])
        with kept_by_another(path):
            assert kept.load(other) == SavedState(None, ())
            kept.save(some_knowledge(2, other), [a_window("1d", 2)])
        scene.time += RETRY_INTERVAL
        make_a_call(kept.ledger, NOON)
    with opened(path, scene) as kept:
        assert kept.load(other) == SavedState(some_knowledge(2, other), (a_window("1d", 2),))
        assert kept.load(HOST) == SavedState(some_knowledge(1), (a_window("7d", 1),))


def test_windows_no_longer_wanted_are_not_kept_in_memory(path: Path, scene: Scene) -> None:
    with opened(path, scene) as kept:
        with kept_by_another(path):
            kept.save(some_knowledge(), [a_window("1d"), a_window("7d")])
            saved = kept.load(HOST, {"7d", "28d"})
            assert saved == SavedState(some_knowledge(), (a_window("7d"),))
        kept.save(some_knowledge(), [])
        assert kept.error is None
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(some_knowledge(), (a_window("7d"),))


def test_a_file_that_lost_a_table_is_renamed_and_written_again_from_memory(
    path: Path, scene: Scene
) -> None:
    with opened(path, scene) as kept:
        make_a_call(kept.ledger, NOON)
        kept.save(some_knowledge(1), [a_window("7d", 1)])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TABLE windows")
        kept.save(some_knowledge(2), [a_window("1d", 2)])
        assert scene.warnings == [not_in_use("no such table: windows")]
        kept.save(some_knowledge(2), [])
        assert kept.error is None
    aside = path.with_name("state.db.corrupt-20260202T024000Z")
    assert aside.exists()
    damage = "it lacks windows.body, windows.host, windows.name, windows.saved_at"
    assert scene.warnings[1].endswith(f"is begun: {damage}")
    assert len(ledger_rows(path)) == 1
    with opened(path, scene) as kept:
        assert kept.load(HOST) == SavedState(
            some_knowledge(2), (a_window("1d", 2), a_window("7d", 1))
        )
