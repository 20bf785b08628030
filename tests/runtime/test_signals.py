"""Signals as actions, a stop signal that ends waits, background tasks."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.runtime.signals import BackgroundTask, Signals, StopSignal
from tests.support.servers import until


def test_signals_become_actions_in_their_order() -> None:
    signals = Signals()
    before = signal.getsignal(signal.SIGTERM)
    with signals.handlers_installed():
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert [signals.wait(5) for _ in range(3)] == ["reload", "stop", "stop"]
        assert signals.wait(0) is None
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interruption_ends_one_wait_only() -> None:
    stop_signal = StopSignal()
    clock = SystemClock(stop_signal.event)
    threading.Timer(0.05, stop_signal.interrupt).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        clock.wait(30)
    assert time.monotonic() - began < 20
    stop_signal.resume()
    clock.wait(0.01)
    assert not stop_signal.stopping


def test_a_stop_ends_all_waits() -> None:
    stop_signal = StopSignal()
    clock = SystemClock(stop_signal.event)
    stop_signal.interrupt()
    stop_signal.stop()
    stop_signal.resume()
    assert stop_signal.stopping
    with pytest.raises(Stopped):
        clock.check()


def test_a_background_task_calls_back_with_and_without_an_error() -> None:
    told: list[str] = []
    well = BackgroundTask("test", lambda: None, lambda: told.append("well"))
    assert well.join(5)
    until(lambda: told == ["well"], "it is told")
    assert (well.done, well.error) == (True, None)

    def fail() -> None:
        raise ZeroDivisionError

    ill = BackgroundTask("test", fail, lambda: told.append("ill"))
    assert ill.join(5)
    assert isinstance(ill.error, ZeroDivisionError)


def test_a_background_task_that_hangs_is_not_waited_for() -> None:
    gate = threading.Event()
    aside = BackgroundTask("test", lambda: gate.wait(30))
    assert not aside.join(0.01)
    assert not aside.done
    gate.set()
