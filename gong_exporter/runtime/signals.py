"""Signals, the stop signal that ends waits, and work in the background of the main thread."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Action = Literal["stop", "reload", "wake"]
"""What the main thread has to do. ``wake``: look at its background tasks."""


class Signals:
    """Turns signals into actions for the main thread: SIGTERM and SIGINT stop, SIGHUP reloads."""

    def __init__(self) -> None:
        # SimpleQueue.put() is safe in a signal handler, which may run at any point of the program.
        self._actions: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._ending = False

    def wait(self, timeout: float | None = None) -> Action | None:
        """The next action; None if ``timeout`` seconds pass without one."""
        try:
            return self._actions.get(timeout=timeout)
        except queue.Empty:
            return None

    def put(self, action: Action) -> None:
        """Add an action, as a signal would. From any thread."""
        self._actions.put(action)

    def ignore_further(self) -> None:
        """Ignore signals from now on, because the process ends."""
        self._ending = True

    @contextmanager
    def handlers_installed(self, *, reload: bool = True) -> Iterator[None]:
        """Install the handlers; only in the main thread.

        Without ``reload``, SIGHUP does what it did before.
        """
        actions: dict[int, Action] = {signal.SIGTERM: "stop", signal.SIGINT: "stop"}
        if reload:
            actions[signal.SIGHUP] = "reload"

        def handle(number: int, _frame: FrameType | None) -> None:
            self._actions.put(actions[number])

        before = {number: signal.signal(number, handle) for number in actions}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self._ending else handler)


class StopSignal:
    """Ends the waits and exchanges of a poll: for good, or once, for a new configuration.

    Attributes:
        event: the clock's waits end when it is set.
        stopping: whether the process is stopping.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self.stopping = False

    def stop(self) -> None:
        """End all waits, for good."""
        with self._lock:
            self.stopping = True
            self.event.set()

    def interrupt(self) -> None:
        """End the waits of a running poll, until resume()."""
        self.event.set()

    def resume(self) -> None:
        """Allow waits again after an interrupt(). Does nothing after a stop()."""
        with self._lock:
            if not self.stopping:
                self.event.clear()


class BackgroundTask:
    """Work in a daemon thread, so that the main thread stays free for signals.

    Python runs a signal's handler in the main thread, between two of its instructions. So it does
    not run while that thread waits, for example, for a lock on the state file.

    Args:
        name: of the thread.
        work: what to do; its result is not used.
        on_end: called when it has ended, with or without an error.

    Raises:
        RuntimeError: the system cannot start a thread.

    Attributes:
        error: what ``work`` raised; None if nothing.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._done = threading.Event()
        self.error: BaseException | None = None
        # Not kept as attributes: what the work holds is freed when it has ended.
        threading.Thread(target=self._run, args=(work, on_end), name=name, daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        return self._done.wait(timeout)

    def _run(self, work: Callable[[], object], on_end: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the thread that started it handles it
            self.error = error
        self._done.set()
        on_end()
