"""One thread that works requests out, one after the other, away from the network's thread.

A window of thousands of users takes seconds to work out. The network's thread goes on
meanwhile: it stamps arrivals, keeps dripping, and can be stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from gong_exporter.simulator.answers import Answer
from gong_exporter.simulator.api import Request

_Task = tuple[Request, asyncio.AbstractEventLoop, "asyncio.Future[Answer]"]


class Desk:
    """Answers requests in the order in which they come, in a daemon thread.

    Args:
        answer: works out one answer; must not raise.
    """

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        Thread(target=self._run, name="simulator-desk", daemon=True).start()

    async def ask(self, request: Request) -> Answer:
        """The answer to ``request``, awaited on the network's loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._queue.put((request, loop, future))
        return await future

    def close(self) -> None:
        """Let the thread end after what it is working on."""
        self._queue.put(None)

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            request, loop, future = task
            answer = self._answer(request)
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                loop.call_soon_threadsafe(_settle, future, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
