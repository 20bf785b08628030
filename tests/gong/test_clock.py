"""The machine's clocks: waits that a stop interrupts, and that beat."""

from __future__ import annotations

import threading
import time

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from tests.gong.transports import LATE


def test_a_wait_lasts_as_long_as_it_says() -> None:
    clock = SystemClock(threading.Event())
    wall, began = clock.now(), clock.monotonic()
    clock.wait(0.1)
    assert 0.1 <= clock.monotonic() - began < LATE
    assert clock.now() > wall > 1_700_000_000


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_wait_of_zero_seconds_returns_at_once(seconds: float) -> None:
    began = time.monotonic()
    SystemClock(threading.Event()).wait(seconds)
    assert time.monotonic() - began < 4  # not the five either


def test_a_stop_interrupts_a_wait_at_once() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        SystemClock(stop).wait(60)
    assert time.monotonic() - began < LATE


def test_after_a_stop_no_wait_begins() -> None:
    stop = threading.Event()
    stop.set()
    clock = SystemClock(stop)
    for begin in (clock.check, lambda: clock.wait(0), lambda: clock.wait(60)):
        with pytest.raises(Stopped):
            begin()
