from __future__ import annotations

import sqlite3
import stat
from datetime import date
from pathlib import Path

import pytest

from gong_exporter.activity.windows import DayRange
from gong_exporter.backfill.plan import BackfillError, InvalidRequest
from gong_exporter.backfill.workfile import RefusedWindow, WorkFile
from gong_exporter.gong.limits import DAY
from tests.support.store_samples import NOON, a_window, some_knowledge

ASKED = {"gong.base_url": "https://api.gong.io", "activity.windows": "1d 7d"}
MONDAY, TUESDAY = date(2026, 2, 2), date(2026, 2, 3)


def refusal(day: date, window: str) -> RefusedWindow:
    return RefusedWindow(day=day, window=window, message="Gong answered 400")


def finish(work: WorkFile, day: date, *refused: RefusedWindow, now: float = NOON) -> None:
    gone = {each.window for each in refused}
    windows = [a_window(name) for name in ("1d", "7d") if name not in gone]
    work.finish(day, windows, refused, some_knowledge(), now)


def test_a_finished_day_survives_closing(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    finish(work, MONDAY)
    work.close()
    again = WorkFile(tmp_path / "out.work", ASKED)
    assert again.done(NOON) == {MONDAY}
    assert again.windows(MONDAY) == (a_window("1d"), a_window("7d"))
    assert again.windows(TUESDAY) == ()
    assert again.company_state() == some_knowledge()


def test_a_day_that_cannot_be_stored_whole_is_not_stored_at_all(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    twice = [refusal(MONDAY, "1d"), refusal(MONDAY, "1d")]
    with pytest.raises(BackfillError, match=r"out\.work: "):
        work.finish(MONDAY, [a_window("7d")], twice, some_knowledge(), NOON)
    assert work.done(NOON) == frozenset()
    assert work.windows(MONDAY) == ()


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    laid = tmp_path / "out.work"
    laid.touch()
    laid.chmod(0o666)
    work = WorkFile(laid, ASKED)
    finish(work, MONDAY)
    assert stat.S_IMODE(laid.stat().st_mode) == 0o600


def test_two_backfills_cannot_use_it_at_once(tmp_path: Path) -> None:
    first = WorkFile(tmp_path / "out.work", ASKED)
    with pytest.raises(BackfillError, match="another backfill is using it"):
        WorkFile(tmp_path / "out.work", ASKED)
    first.close()
    WorkFile(tmp_path / "out.work", ASKED).close()


def test_two_backfills_cannot_use_one_with_days_at_once(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    finish(work, MONDAY)
    work.close()
    first = WorkFile(tmp_path / "out.work", ASKED)
    with pytest.raises(BackfillError, match="another backfill is using it"):
        WorkFile(tmp_path / "out.work", ASKED)
    assert first.done(NOON) == {MONDAY}


def test_a_file_that_is_not_a_work_file_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "out.work"
    path.write_text("dear diary, " * 100)
    with pytest.raises(BackfillError, match="it exists, and is not a work file"):
        WorkFile(path, ASKED)
    assert path.read_text().startswith("dear diary")


def test_a_database_of_another_program_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "out.work"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(InvalidRequest, match="is not a work file of this version"):
        WorkFile(path, ASKED)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackfillError, match="No such file or directory"):
        WorkFile(tmp_path / "nowhere" / "out.work", ASKED)


def test_a_refused_window_is_not_requested_again_on_the_same_day(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    finish(work, MONDAY, refusal(MONDAY, "7d"))
    assert work.done(NOON + DAY - 1) == {MONDAY}
    assert work.done(NOON + DAY) == frozenset()
    assert work.refused_windows() == (refusal(MONDAY, "7d"),)
    assert [data.window for data in work.windows(MONDAY)] == ["1d"]


def test_a_day_that_is_no_longer_refused_is_complete(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    finish(work, MONDAY, refusal(MONDAY, "7d"))
    finish(work, MONDAY)
    assert work.refused_windows() == ()
    assert work.done(NOON + 2 * DAY) == {MONDAY}


def test_calls_are_stored_for_a_day(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    work.add_calls(3, NOON)
    work.add_calls(4, NOON + 10)
    assert work.calls(NOON + DAY - 1) == ((NOON, 3), (NOON + 10, 4))
    assert work.calls(NOON + DAY) == ((NOON + 10, 4),)


def test_a_search_covers_ranges_within_its_range(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    work.note_search(DayRange(date(2026, 1, 1), date(2026, 2, 1)), some_knowledge())
    assert work.searched(DayRange(date(2026, 1, 1), date(2026, 2, 1)))
    assert work.searched(DayRange(date(2026, 1, 10), date(2026, 1, 20)))
    assert not work.searched(DayRange(date(2025, 12, 31), date(2026, 2, 1)))
    assert not work.searched(DayRange(date(2026, 1, 1), date(2026, 2, 2)))


def test_it_stores_the_names_of_its_output(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "out.work", ASKED)
    work.note_output(tmp_path / "out.om")
    assert work.has_output(tmp_path / "out.om")
    assert not work.has_output(tmp_path / "other.om")
