"""One thread that computes responses, one after the other, beside the network's thread.

A window of thousands of users takes seconds to compute. The network's thread stays free to stamp
arrivals, to send slow bodies and to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from gong_exporter.simulator.api.endpoint import Request
from gong_exporter.simulator.api.responses import Response

_Task = tuple[Request, asyncio.AbstractEventLoop, "asyncio.Future[Response]"]


class RequestHandler:
    """Computes responses in the order of the requests, in a daemon thread.

    Args:
        respond: computes one response; must not raise.
    """

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        self._respond = respond
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        Thread(target=self._run, name="simulator-handler", daemon=True).start()

    async def handle(self, request: Request) -> Response:
        """The response to ``request``, awaited on the network's loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Response] = loop.create_future()
        self._queue.put((request, loop, future))
        return await future

    def close(self) -> None:
        """Let the thread end after its current request."""
        self._queue.put(None)

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            request, loop, future = task
            response = self._respond(request)
            with contextlib.suppress(RuntimeError):  # the loop was closed, so no caller waits
                loop.call_soon_threadsafe(_settle, future, response)


def _settle(future: asyncio.Future[Response], response: Response) -> None:
    if not future.done():
        future.set_result(response)
