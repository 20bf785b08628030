"""Signals, turned into words that the main thread waits for."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Word = Literal["stop", "reload"]


class Signals:
    """SIGTERM and SIGINT say stop, SIGHUP says reload."""

    def __init__(self) -> None:
        # SimpleQueue may be put to from a signal handler at any point of the program.
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()

    def wait(self, timeout: float | None = None) -> Word | None:
        """The next word; None when ``timeout`` seconds pass without one."""
        try:
            return self._words.get(timeout=timeout)
        except queue.Empty:
            return None

    def say(self, word: Word) -> None:
        """As if the signal had come."""
        self._words.put(word)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen; only in the main thread."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._words.put("stop")

        def reload(_number: int, _frame: FrameType | None) -> None:
            self._words.put("reload")

        before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
            signal.SIGINT: signal.signal(signal.SIGINT, stop),
            signal.SIGHUP: signal.signal(signal.SIGHUP, reload),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
