"""The thread of the exchanges: one for all of them, until one hangs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from typing import Any

import pytest

from gong_exporter.gong.deadline_thread import AbortableTask, DeadlineThread
from gong_exporter.gong.errors import ConnectionFailed, TimedOut
from tests.gong.transports import PAGE, exchange_threads, post, transport_to, wait_until
from tests.support.hostile import Behaviour, answer, hang, hostile_server, reset


@pytest.mark.parametrize("behaviour", [answer(404, b""), reset], ids=["404", "reset"])
def test_a_failed_exchange_that_is_over_keeps_the_thread(behaviour: Behaviour) -> None:
    """A machine that cannot start another one goes on polling."""
    before = exchange_threads()
    with hostile_server(answer(200, PAGE), behaviour, answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        post(transport)
        with contextlib.suppress(ConnectionFailed):
            post(transport)
        (only,) = exchange_threads() - before
        assert post(transport).status == 200
        assert exchange_threads() - before == {only}
        transport.close()


def test_a_machine_that_cannot_start_a_thread_fails_the_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with hostile_server(answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        with monkeypatch.context() as patched:
            patched.setattr(DeadlineThread, "start", refuse)
            with pytest.raises(ConnectionFailed, match="cannot start a thread"):
                post(transport)
        assert post(transport).status == 200
        transport.close()


def test_an_aborted_thread_gets_no_other_exchange() -> None:
    before = exchange_threads()
    with hostile_server(hang(), answer(200, PAGE)) as server:
        transport = transport_to(server.url, timeout=0.3)
        with pytest.raises(TimedOut):
            post(transport)
        # A hanging thread with another exchange would let that one time out too.
        assert post(transport).status == 200
        transport.close()
        assert wait_until(lambda: exchange_threads() <= before)


def test_a_transport_that_was_closed_can_be_used_again() -> None:
    with hostile_server(answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        for _ in range(2):
            assert post(transport).status == 200
            transport.close()


def test_an_address_of_an_unsupported_family_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """IPv6 where the kernel was started without it, say."""
    resolve = socket.getaddrinfo

    def strange_first(*args: Any, **kwargs: Any) -> list[Any]:
        known = resolve(*args, **kwargs)
        return [(12345, *known[0][1:]), *known]

    monkeypatch.setattr("gong_exporter.gong.sessions.socket.getaddrinfo", strange_first)
    with hostile_server(answer(200, PAGE)) as server:
        assert post(transport_to(server.url)).status == 200


def test_an_error_in_a_task_is_kept_for_the_caller_and_ends_no_thread() -> None:
    def fail() -> None:
        raise ValueError

    thread = DeadlineThread()
    broken = AbortableTask(fail, time.monotonic() + 5)
    thread.submit(broken)
    assert broken.done.wait(5)
    assert isinstance(broken.error, ValueError)
    well = AbortableTask(lambda: None, time.monotonic() + 5)
    thread.submit(well)
    assert well.done.wait(5)
    assert well.error is None
    thread.close()


def test_a_thread_at_rest_holds_nothing_of_its_last_exchange() -> None:
    """An answer is up to 8 MiB, and the next exchange may be an hour away."""

    class Brought:
        """Stands for an answer."""

        def fetch(self) -> None:
            """Nothing to do."""

    thread = DeadlineThread()
    brought = Brought()
    left = weakref.ref(brought)
    task = AbortableTask(brought.fetch, time.monotonic() + 5)
    thread.submit(task)
    assert task.done.wait(5)
    del task, brought
    assert wait_until(lambda: left() is None)
    thread.close()
