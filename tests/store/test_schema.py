"""Which files are opened, created, migrated, or refused and left unchanged."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gong_exporter.store import schema
from gong_exporter.store.calls import CallLedger
from gong_exporter.store.schema import (
    APPLICATION,
    MIGRATIONS,
    CorruptFile,
    ForeignFile,
    describe,
    is_corruption,
    open_file,
    open_for_reading,
    transaction,
)
from tests.support.store_samples import NOON, UNLIMITED, create_file

A_STEP = ("ALTER TABLE calls ADD COLUMN colour TEXT", "UPDATE calls SET colour = 'red'")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state.db"
    assert not list(tmp_path.glob("*.corrupt*"))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_new_file_is_its_owners_alone_with_its_journal(path: Path) -> None:
    with closing(open_file(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO retry_after VALUES (1, 2, 3)")
        assert _mode(path) == 0o600
        assert _mode(path.with_name("state.db-journal")) == 0o600


def test_an_empty_file_made_beforehand_becomes_private(path: Path) -> None:
    path.touch()
    path.chmod(0o644)
    with closing(open_file(path)):
        assert _mode(path) == 0o600


def test_a_file_in_use_keeps_the_mode_that_its_owner_gave_it(path: Path) -> None:
    open_file(path).close()
    path.chmod(0o640)
    with closing(open_file(path)):
        assert _mode(path) == 0o640


def test_an_empty_database_of_version_0_is_migrated(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    with closing(open_file(path)) as connection:
        assert _version(connection) == len(MIGRATIONS)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)


def test_an_older_file_is_migrated_with_its_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_file(path)) as connection:
        CallLedger(connection).reserve(NOON, UNLIMITED, NOON + 30)
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, A_STEP))
    with closing(open_file(path)) as connection:
        assert _version(connection) == len(MIGRATIONS) + 1
        assert connection.execute("SELECT started, colour FROM calls").fetchall() == [(NOON, "red")]


def test_a_failed_migration_leaves_the_older_file(path: Path) -> None:
    open_file(path).close()
    with pytest.raises(sqlite3.OperationalError):
        create_file(path, (*MIGRATIONS, A_STEP, ("no SQL",)))
    with closing(open_file(path)) as connection:
        assert _version(connection) == len(MIGRATIONS)


def test_a_file_without_a_column_is_corrupt_and_one_with_more_is_not(path: Path) -> None:
    with closing(open_file(path)) as connection:
        connection.execute("ALTER TABLE calls ADD COLUMN colour TEXT")
        connection.execute("CREATE TABLE more (name TEXT)")
    with closing(open_file(path)) as connection:
        connection.execute("ALTER TABLE knowledge RENAME COLUMN body TO text")
    with pytest.raises(CorruptFile, match=r"^it lacks knowledge\.body$"):
        open_file(path)


@pytest.mark.parametrize("journal", ["TRUNCATE", "WAL"])
def test_a_newer_file_is_refused_and_left_untouched(path: Path, journal: str) -> None:
    create_file(path, (*MIGRATIONS, A_STEP))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    before = path.read_bytes()
    for opening in (open_file, lambda path: open_for_reading(path, 0)):
        with pytest.raises(
            ForeignFile,
            match=rf"^its version {len(MIGRATIONS) + 1} is of a newer gong-exporter \(this one",
        ):
            opening(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE dashboards (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match=r"^it is another program's database$"):
        open_file(path)
    assert path.read_bytes() == before


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises((ForeignFile, OSError)):
        open_file(path)


@pytest.mark.parametrize("content", [b"not a database at all, but rather text" * 100, b"x"])
def test_a_file_that_is_not_a_database_is_corrupt(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises((CorruptFile, sqlite3.DatabaseError)) as raised:
        open_file(path)
    assert is_corruption(raised.value)
    assert path.read_bytes() == content


def test_a_page_of_garbage_is_found_when_opening(path: Path) -> None:
    with closing(open_file(path)) as connection, transaction(connection):
        connection.executemany(
            "INSERT INTO calls (call, started, expires) VALUES (?, 1, 2)",
            ((number,) for number in range(1000)),
        )
    content = bytearray(path.read_bytes())
    content[5 * 4096 : 6 * 4096] = b"\x77" * 4096
    path.write_bytes(content)
    with pytest.raises((CorruptFile, sqlite3.DatabaseError)) as raised:
        open_file(path)
    assert is_corruption(raised.value)
    assert describe(raised.value)


def test_a_transaction_that_fails_changes_nothing(path: Path) -> None:
    with closing(open_file(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.executemany("INSERT INTO retry_after VALUES (?, 2, 3)", [(1,), (2,)])
        assert connection.execute("SELECT * FROM retry_after").fetchall() == []
        assert not connection.in_transaction
