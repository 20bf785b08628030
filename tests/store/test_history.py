"""The day history in the state file: whole days, of the people who are to be kept."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from gong_exporter.activity.days import DayInfo, HistoryKey
from gong_exporter.store import PersonDays, StateFile
from gong_exporter.store.schema import MIGRATIONS
from tests.support.history_samples import (
    KEY,
    MONDAY,
    OLDEST,
    a_company,
    a_day,
    rewrite_as_version_1,
)
from tests.support.store_processes import another_process, hear
from tests.support.store_samples import Scene, create_file

SUNDAY = MONDAY - timedelta(days=1)
JANE = "99999999999999999999"


@pytest.fixture
def state(path: Path, scene: Scene) -> Iterator[StateFile]:
    with closing(StateFile(path, log=scene.log, now=scene.now)) as state:
        yield state


def loaded(state: StateFile, days: list[date]) -> dict[str, PersonDays]:
    """What is saved of these days."""
    saved = state.history.load(days)
    assert saved is not None
    return saved.people()


def test_a_saved_day_is_there_after_a_restart(path: Path, scene: Scene, state: StateFile) -> None:
    state.history.save(KEY, a_day(), OLDEST)
    state.history.save(KEY, a_day(SUNDAY, {"1": (0, 300, 0, 256)}), OLDEST)
    state.close()
    with closing(StateFile(path, log=scene.log, now=scene.now)) as again:
        assert again.history.days(KEY) == {day: a_day(day).info for day in (MONDAY, SUNDAY)}
        people = loaded(again, [SUNDAY, MONDAY])
    assert people.keys() == {"1", JANE}
    assert list(people["1"].hosted) == [1, 0]
    assert list(people["1"].calls) == [2, 255]
    assert list(people["1"].contributions) == [3, 0]
    assert list(people["1"].listened) == [4, 255]
    assert list(people[JANE].active) == [1, 0]


@pytest.mark.parametrize(
    "other", [HistoryKey(KEY.fingerprint, "UTC"), HistoryKey("another host", KEY.time_zone)]
)
def test_another_zone_or_request_discards_all_days(state: StateFile, other: HistoryKey) -> None:
    state.history.save(KEY, a_day(), OLDEST)
    assert state.history.days(other) == {}
    state.history.save(other, a_day(SUNDAY, {}), OLDEST)
    assert state.history.days(KEY) == {}
    assert state.history.days(other) == {SUNDAY: a_day(SUNDAY).info}
    assert loaded(state, [SUNDAY]) == {}
    assert state.history.load([MONDAY]) is None


def test_a_day_is_replaced_and_old_ones_are_deleted(state: StateFile) -> None:
    state.history.save(KEY, a_day(SUNDAY), OLDEST)
    state.history.save(KEY, a_day(MONDAY), OLDEST)
    state.history.save(KEY, a_day(MONDAY, {JANE: (5, 5, 5, 5)}, fetched_at=2.0), MONDAY)
    assert state.history.days(KEY) == {MONDAY: DayInfo(day=MONDAY, fetched_at=2.0)}
    people = loaded(state, [MONDAY])
    assert {user: list(days.hosted) for user, days in people.items()} == {JANE: [5]}


def test_removed_people_leave_no_trace(path: Path, state: StateFile) -> None:
    """Not even in the bytes of the file."""
    state.history.save(KEY, a_day(), OLDEST)
    assert JANE.encode() in path.read_bytes()
    assert state.history.keep_people(lambda user: user != JANE, all_users=True)
    assert JANE.encode() not in path.read_bytes()
    people = loaded(state, [MONDAY])
    assert list(people) == ["1"]
    assert state.history.days(KEY) == {MONDAY: a_day().info}
    assert not state.history.keep_people(lambda user: user != JANE, all_users=True)


def test_after_a_list_days_of_everybody_cover_the_listed_people(state: StateFile) -> None:
    """Otherwise the people who were deleted would have 0 when everybody is wanted again."""
    state.history.save(KEY, a_day(), OLDEST)
    assert state.history.keep_people(lambda user: user == "1", all_users=False)
    assert (state.history.days(KEY) or {})[MONDAY].covered == frozenset({"1"})


def test_people_without_activity_stay_covered(state: StateFile) -> None:
    covered = frozenset({"1", "2"})
    state.history.save(KEY, a_day(counts={"1": (1, 1, 1, 1)}, covered=covered), OLDEST)
    state.history.save(KEY, a_day(SUNDAY, {}, covered=covered), OLDEST)
    days = state.history.days(KEY)
    assert days is not None
    assert {info.covered for info in days.values()} == {covered}
    assert days[MONDAY].covered is days[SUNDAY].covered


def test_the_history_can_be_deleted(path: Path, state: StateFile) -> None:
    assert not state.history.delete()
    state.history.save(KEY, a_day(), OLDEST)
    assert state.history.delete()
    assert state.history.days(KEY) == {}
    assert JANE.encode() not in path.read_bytes()


def test_without_a_file_there_is_no_history(scene: Scene) -> None:
    with closing(StateFile(None, log=scene.log, now=scene.now)) as state:
        assert not state.history.save(KEY, a_day(), OLDEST)
        assert state.history.days(KEY) is None
        assert state.history.load([MONDAY]) is None
    assert not scene.warnings


def test_a_corrupt_day_is_unknown_and_logged(path: Path, scene: Scene, state: StateFile) -> None:
    state.history.save(KEY, a_day(), OLDEST)
    state.history.save(KEY, a_day(SUNDAY), OLDEST)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE history_days SET body = x'00' WHERE day = ?", (str(MONDAY),))
        connection.commit()
    assert list(state.history.days(KEY) or {}) == [SUNDAY]
    with pytest.raises(zlib.error):
        loaded(state, [MONDAY])
    assert scene.warnings == [
        f"a part of the state file is corrupt and ignored: history of {MONDAY}"
    ]


def test_days_of_an_earlier_version_are_unknown_and_can_be_cleaned(
    path: Path, scene: Scene, state: StateFile
) -> None:
    key = HistoryKey.of("http://gong.test", None, None, "UTC")
    state.history.save(key, a_day(), OLDEST)
    rewrite_as_version_1(path)
    assert state.history.days(key) == {}
    assert JANE.encode() in path.read_bytes()
    assert state.history.keep_people(lambda user: user != JANE, all_users=True)
    assert JANE.encode() not in path.read_bytes()
    state.history.save(key, a_day(SUNDAY), OLDEST)
    assert list(state.history.days(key) or {}) == [SUNDAY]
    assert not scene.warnings


def test_a_file_of_version_1_gets_the_tables(path: Path, scene: Scene) -> None:
    create_file(path, MIGRATIONS[:1])
    with closing(StateFile(path, log=scene.log, now=scene.now)) as state:
        assert state.history.save(KEY, a_day(), OLDEST)
    assert not scene.warnings


def test_a_removed_file_is_noticed(path: Path, state: StateFile) -> None:
    state.history.save(KEY, a_day(), OLDEST)
    before = state.history.connections
    path.unlink()
    assert state.history.days(KEY) == {}
    assert state.history.connections == before + 1


def test_a_killed_process_leaves_whole_days(path: Path, scene: Scene) -> None:
    """Its days follow each other without a gap, and each is whole."""
    for moment in (0.02, 0.1, 0.2):
        with another_process("history", path) as process:
            assert hear(process) == "saving"
            time.sleep(moment)
        state = StateFile(path, log=scene.log, now=scene.now)
        days = sorted(state.history.days(KEY) or {}, reverse=True)
        assert days == [MONDAY - timedelta(days=back) for back in range(len(days))]
        people = loaded(state, days)
        assert len(people) == 50
        for person in people.values():
            assert set(person.hosted) == {7}
        state.close()
    assert not scene.warnings


def test_a_history_of_a_large_company_is_small(path: Path, state: StateFile) -> None:
    """2,000 people over 84 days take less than 2 MB, so 10,000 take less than 10."""
    for record in a_company(2_000, 84):
        state.history.save(KEY, record, OLDEST)
    assert path.stat().st_size < 2_000_000
