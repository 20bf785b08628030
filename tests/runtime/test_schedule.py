"""APScheduler's jobs only ring, and ring once for whatever was missed."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.config.cron import parse_cron
from gong_exporter.runtime.schedule import Schedule

SOON = 0.15
LATER = 3600.0


class Rung:
    """A schedule that runs, and what it has rung for."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self._reasons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.schedule.start(self._reasons.put)

    def wait(self, timeout: float = 10.0) -> str:
        return self._reasons.get(timeout=timeout)

    def silent(self, seconds: float) -> bool:
        try:
            self._reasons.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def rung() -> Iterator[Rung]:
    rung = Rung()
    yield rung
    rung.schedule.stop()


def test_it_rings_at_an_interval_from_a_moment_on(rung: Rung) -> None:
    first = time.time() + SOON
    rung.schedule.every(SOON, first)
    for _ in range(3):
        assert rung.wait() == "schedule"
    assert time.time() >= first + 2 * SOON


def test_a_new_interval_takes_the_place_of_the_old_one(rung: Rung) -> None:
    rung.schedule.every(SOON, time.time() + SOON)
    later = time.time() + LATER
    rung.schedule.every(SOON, later)
    assert rung.silent(2 * SOON)
    assert rung.schedule.next() == pytest.approx(later, abs=0.001)


def test_a_moment_that_has_passed_rings_at_once_and_once(rung: Rung) -> None:
    rung.schedule.once("midnight", time.time() - 40 * 86_400)
    assert rung.wait() == "midnight"
    assert rung.silent(SOON)
    assert rung.schedule.next() is None


def test_a_later_moment_takes_the_place_of_the_sooner_one(rung: Rung) -> None:
    now = time.time()
    rung.schedule.once("retry", now + SOON)
    rung.schedule.once("retry", now + LATER)
    rung.schedule.once("midnight", now + 2 * LATER)
    assert rung.silent(2 * SOON)
    assert rung.schedule.next() == pytest.approx(now + LATER, abs=0.001)


def test_what_is_forgotten_does_not_ring(rung: Rung) -> None:
    rung.schedule.once("retry", time.time() + SOON)
    rung.schedule.forget("retry")
    rung.schedule.forget("retry")  # and to forget what is not there is no error
    assert rung.silent(2 * SOON)


def test_next_is_the_first_of_all(rung: Rung) -> None:
    assert rung.schedule.next() is None
    now = time.time()
    rung.schedule.every(LATER, now + LATER)
    rung.schedule.once("midnight", now + LATER / 2)
    assert rung.schedule.next() == pytest.approx(now + LATER / 2, abs=0.001)


def test_a_crontab_line_is_read_in_the_zone_given(rung: Rung) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    rung.schedule.cron(parse_cron("30 6 * * *"), zone)
    due = rung.schedule.next()
    assert due is not None
    local = datetime.fromtimestamp(due, UTC).astimezone(zone)
    assert (local.hour, local.minute, local.second) == (6, 30, 0)
    assert 0 < due - time.time() <= 86_400


def test_after_stop_nothing_rings(rung: Rung) -> None:
    rung.schedule.once("retry", time.time() + SOON)
    rung.schedule.stop()
    assert rung.silent(2 * SOON)
