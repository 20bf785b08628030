"""What the event loop needs for slow work: daemon threads, fair queues, shared runs."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

WAITING_EACH = 32
"""Requests of one address that may wait for a lock."""

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Run ``work`` in a daemon thread of its own, and return or raise what it does.

    asyncio's own executor is joined when the interpreter exits, so one call that hangs would keep
    the process alive.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # it cannot be cancelled, only waited for no longer

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)


class FairLock:
    """A lock that serves client addresses in turn. Used on the event loop only.

    However many requests one address has waiting, the lock goes to the next address. So a client
    that floods the queue waits behind its own requests.
    """

    def __init__(self) -> None:
        self._locked = False
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def acquire(self, address: str) -> bool:
        """Wait for the lock. Returns False at once when WAITING_EACH of this address wait."""
        if not self._locked:
            self._locked = True
            return True
        queue = self._queues.setdefault(address, deque())
        if len(queue) >= WAITING_EACH:
            return False
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise
        return True

    def release(self) -> None:
        """Hand the lock to the next address that waits."""
        while self._queues:
            address, queue = next(iter(self._queues.items()))
            del self._queues[address]
            turn = queue.popleft()
            if queue:
                self._queues[address] = queue  # behind the other addresses
            if not turn.done():
                turn.set_result(None)
                return
        self._locked = False


class SingleFlight(Generic[T]):
    """Shares runs of the same work between its callers. Used on the event loop only.

    Callers that arrive during a run share the next run. It begins after they arrived, so its
    result is never older than their request.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None

    async def run(self) -> T:
        """The result of a run that begins from now on."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_next())
        # A caller that stops waiting does not cancel the run of the others.
        return await asyncio.shield(self._next)

    async def _run_next(self) -> T:
        async with self._running:
            self._next = None
            return await self._work()
