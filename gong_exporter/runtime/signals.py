"""How the process ends: signals as words, interrupted waits, work that must not hold it up."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Word = Literal["stop", "reload", "wake"]
"""``wake``: something happened that the main thread wants to know of."""


class Signals:
    """SIGTERM and SIGINT say stop, SIGHUP says reload."""

    def __init__(self) -> None:
        # SimpleQueue may be put to from a signal handler at any point of the program.
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        self._ending = False

    def wait(self, timeout: float | None = None) -> Word | None:
        """The next word; None when ``timeout`` seconds pass without one."""
        try:
            return self._words.get(timeout=timeout)
        except queue.Empty:
            return None

    def put(self, word: Word) -> None:
        """As if the signal had come."""
        self._words.put(word)

    def ignore_further(self) -> None:
        """The process ends: signals that still come are not to change how."""
        self._ending = True

    @contextmanager
    def handlers_installed(self, *, reload: bool = True) -> Iterator[None]:
        """Listen; only in the main thread.

        Args:
            reload: to SIGHUP as well; otherwise it does what it did before.
        """

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._words.put("stop")

        def again(_number: int, _frame: FrameType | None) -> None:
            self._words.put("reload")

        before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
            signal.SIGINT: signal.signal(signal.SIGINT, stop),
        }
        if reload:
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, again)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self._ending else handler)


class StopSignal:
    """Ends the waits and exchanges of a poll: for good, or once, for a new configuration.

    Attributes:
        event: what the clock looks at.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether the process is stopping."""
        return self._stopping

    def stop(self) -> None:
        """From now on nothing waits any more."""
        with self._lock:
            self._stopping = True
            self.event.set()

    def interrupt(self) -> None:
        """End what is going on; after resume() there may be waits again."""
        self.event.set()

    def resume(self) -> None:
        """The interruption was noticed; does nothing when it is for good."""
        with self._lock:
            if not self._stopping:
                self.event.clear()


class BackgroundTask:
    """Work in a daemon thread, while the main thread stays free to hear signals.

    Python runs a signal's handler in the main thread, between two of its instructions: not
    while that waits, say, for somebody else's lock on the state file.

    Args:
        name: of the thread.
        work: what to do.
        over: called when it is done, well or not.
    """

    def __init__(self, name: str, work: Callable[[], None], over: Callable[[], None]) -> None:
        self._work = work
        self._over = over
        self._done = threading.Event()
        self.error: BaseException | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._done.is_set()

    def join(self, timeout: float) -> bool:
        """Whether it was over within ``timeout`` seconds."""
        return self._done.wait(timeout)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whoever started it decides what to say
            self.error = error
        self._done.set()
        self._over()
