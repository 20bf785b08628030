"""What is saved is loaded after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import DAY, Allowed, Cause, Wait
from gong_exporter.store import SavedState, StateFile
from gong_exporter.store.row_body import RETENTION
from gong_exporter.store.schema import open_file
from tests.support.store_samples import HOST, NOON, UNLIMITED, Scene, a_window, some_knowledge

Opener = Callable[[], StateFile]


@pytest.fixture
def opened(path: Path, scene: Scene) -> Iterator[Opener]:
    """Opens the file, again and again; nothing may be reported that the test did not expect."""
    files: list[StateFile] = []

    def opening() -> StateFile:
        files.append(StateFile(path, log=scene.log, now=scene.now))
        return files[-1]

    yield opening
    for file in files:
        file.close()
    assert scene.warnings == []


def test_a_restart_loads_what_was_saved(opened: Opener) -> None:
    windows = (a_window("1d", 1), a_window("7d", 2))
    with closing(opened()) as kept:
        kept.save(some_knowledge(), windows)
    assert opened().load(HOST) == SavedState(some_knowledge(), windows)


def test_a_new_file_is_empty(opened: Opener) -> None:
    kept = opened()
    assert kept.load(HOST) == SavedState(None, ())
    assert (kept.error_count, kept.error) == (0, None)


def test_a_poll_replaces_the_windows_that_it_renewed_and_no_others(opened: Opener) -> None:
    with closing(opened()) as kept:
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        kept.save(some_knowledge(2), [a_window("7d", 2)])
        kept.save(some_knowledge(3), [])
    assert opened().load(HOST) == SavedState(
        some_knowledge(3), (a_window("1d", 1), a_window("7d", 2))
    )


def test_only_the_windows_asked_for_are_read_and_the_others_stay_in_the_file(
    opened: Opener,
) -> None:
    with closing(opened()) as kept:
        kept.save(some_knowledge(1), [a_window("1d", 1), a_window("7d", 1)])
        assert kept.load(HOST, {"7d", "28d"}).windows == (a_window("7d", 1),)
        kept.save(some_knowledge(2), [a_window("7d", 2)])
    assert opened().load(HOST).windows == (a_window("1d", 1), a_window("7d", 2))


def test_a_window_of_another_request_has_another_fingerprint(opened: Opener) -> None:
    other = replace(a_window(), fingerprint="something else")
    with closing(opened()) as kept:
        kept.save(some_knowledge(), [other])
    assert opened().load(HOST).windows == (other,)


def test_another_host_gets_nothing_of_this_one(opened: Opener) -> None:
    with closing(opened()) as kept:
        kept.save(some_knowledge(), [a_window()])
        assert kept.load("https://other.api.gong.io") == SavedState(None, ())
    kept = opened()
    kept.save(some_knowledge(5, "https://other.api.gong.io"), [a_window("28d")])
    assert kept.load("https://other.api.gong.io").windows == (a_window("28d"),)
    assert kept.load(HOST).windows == (a_window(),)


def test_what_no_poll_renews_is_deleted_eventually(opened: Opener, scene: Scene) -> None:
    with closing(opened()) as kept:
        kept.save(some_knowledge(1, "https://gone.example"), [a_window("1d")])
        kept.save(some_knowledge(), [a_window("1d"), a_window("7d")])
        scene.time += RETENTION + 1
        kept.save(some_knowledge(), [a_window("7d", 9)])
    kept = opened()
    assert kept.load(HOST).windows == (a_window("7d", 9),)
    assert kept.load("https://gone.example") == SavedState(None, ())


def test_a_host_with_odd_characters_can_be_saved(opened: Opener) -> None:
    odd = "https://\ud800.example"
    with closing(opened()) as kept:
        kept.save(some_knowledge(host=odd), [a_window("\udfff")])
    assert opened().load(odd) == SavedState(some_knowledge(host=odd), (a_window("\udfff"),))


def test_a_restart_cannot_spend_the_quota_twice(opened: Opener) -> None:
    three = replace(UNLIMITED, requests_per_day=3)
    for second in range(3):
        with closing(opened()) as kept:
            assert isinstance(kept.ledger.reserve(NOON + second, three, NOON + 60), Allowed)
    kept = opened()
    assert kept.ledger.used(NOON + 10) == 3
    assert kept.ledger.reserve(NOON + 10, three, NOON + 60) == Wait(NOON + DAY, Cause.QUOTA)
    assert isinstance(kept.ledger.reserve(NOON + DAY, three, NOON + DAY + 60), Allowed)


def test_a_restart_waits_out_a_retry_after(opened: Opener) -> None:
    with closing(opened()) as kept:
        kept.ledger.limit(NOON, NOON + 7200)
    kept = opened()
    assert kept.ledger.limited_until(NOON + 10) == NOON + 7200
    assert kept.ledger.reserve(NOON + 10, UNLIMITED, NOON + 40) == Wait(
        NOON + 7200, Cause.RETRY_AFTER
    )


def test_two_users_of_a_file_see_each_others_calls_at_once(opened: Opener) -> None:
    one, two = opened(), opened()
    granted = one.ledger.reserve(NOON, UNLIMITED, NOON + 30)
    assert isinstance(granted, Allowed)
    assert two.ledger.used(NOON + 1) == 1
    one.ledger.finish(granted.call, NOON + 1)
    two.ledger.limit(NOON + 2, NOON + 90)
    assert one.ledger.limited_until(NOON + 3) == NOON + 90


def test_without_a_file_everything_lasts_as_long_as_the_process(scene: Scene) -> None:
    kept = StateFile(None, log=scene.log, now=scene.now)
    granted = kept.ledger.reserve(NOON, UNLIMITED, NOON + 30)
    assert isinstance(granted, Allowed)
    kept.ledger.finish(granted.call, NOON + 1)
    kept.ledger.limit(NOON + 1, NOON + 61)
    kept.save(some_knowledge(), [a_window()])
    assert kept.ledger.used(NOON + 2) == 1
    assert kept.ledger.limited_until(NOON + 2) == NOON + 61
    assert kept.load(HOST) == SavedState(some_knowledge(), (a_window(),))
    assert kept.poller_lock.acquire()
    assert (kept.error_count, kept.error, scene.warnings) == (0, None, [])
    kept.close()


def test_closing_frees_the_lock(opened: Opener) -> None:
    first = opened()
    assert first.poller_lock.acquire()
    assert not opened().poller_lock.acquire()
    first.close()
    assert opened().poller_lock.acquire()


def test_after_closing_no_call_is_allowed(opened: Opener) -> None:
    kept = opened()
    granted = kept.ledger.reserve(NOON, UNLIMITED, NOON + 30)
    assert isinstance(granted, Allowed)
    kept.close()
    kept.ledger.finish(granted.call, NOON + 1)
    kept.ledger.limit(NOON + 1, NOON + 61)
    kept.save(some_knowledge(), [])
    with pytest.raises(Stopped):
        kept.ledger.reserve(NOON + 2, UNLIMITED, NOON + 30)
    assert kept.ledger.used(NOON + 2) == 1


def test_a_scrape_is_answered_at_once_while_another_process_writes(
    opened: Opener, path: Path
) -> None:
    kept = opened()
    kept.ledger.reserve(NOON, UNLIMITED, NOON + 30)
    with closing(open_file(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert kept.ledger.used(NOON + 1) == 1
        assert time.monotonic() - began < 4  # BUSY_TIMEOUT is 5
        other.execute("ROLLBACK")


def test_scrapes_in_many_threads_do_not_disturb_a_poll(opened: Opener) -> None:
    kept = opened()
    seen: list[int] = []
    done = threading.Event()

    def scrape() -> None:
        while not done.is_set():
            seen.append(kept.ledger.used(NOON + 100))

    threads = [threading.Thread(target=scrape) for _ in range(3)]
    for thread in threads:
        thread.start()
    for second in range(30):
        granted = kept.ledger.reserve(NOON + second, UNLIMITED, NOON + 60)
        assert isinstance(granted, Allowed)
        kept.ledger.finish(granted.call, NOON + second)
        kept.save(some_knowledge(second), [a_window(number=second)])
    done.set()
    for thread in threads:
        thread.join()
    assert set(seen) <= set(range(31))
    assert kept.ledger.used(NOON + 100) == 30
    assert kept.load(HOST).windows == (a_window(number=29),)
