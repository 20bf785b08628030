"""What the event loop needs for slow work: daemon threads, fair queues, shared runs."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Run ``work`` in a daemon thread of its own, and return or raise what it does.

    asyncio's own executor is joined when the interpreter exits, so one call that hangs would keep
    the process alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # no error means a result

    def run() -> None:
        result: T | None = None
        problem: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            problem = error
        try:
            loop.call_soon_threadsafe(deliver, result, problem)
        except RuntimeError:
            return  # the loop is closed, so nothing waits for the result any more

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


class FairSemaphore:
    """A semaphore that serves client addresses in turn. Used on the event loop only.

    However many requests one address has waiting, the next permit goes to the next address. So a
    client that floods the queue waits behind its own requests.

    Args:
        permits: how many may be held at once.
        waiting_each: how many requests of one address may wait.
    """

    def __init__(self, permits: int, waiting_each: int) -> None:
        self._free = permits
        self._waiting_each = waiting_each
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def acquire(self, address: str) -> bool:
        """Wait for a permit. Returns False at once when too many of this address wait."""
        if self._free:
            self._free -= 1
            return True
        queue = self._queues.setdefault(address, deque())
        if len(queue) >= self._waiting_each:
            return False
        permit = asyncio.get_running_loop().create_future()
        queue.append(permit)
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled():
                self.release()
            raise
        return True

    def release(self) -> None:
        """Give a permit back, and hand it to the next address that waits."""
        while self._queues:
            address, queue = next(iter(self._queues.items()))
            del self._queues[address]
            permit = queue.popleft()
            if queue:
                self._queues[address] = queue  # behind the other addresses
            if not permit.done():
                permit.set_result(None)
                return
        self._free += 1


class SingleFlight(Generic[T]):
    """Shares runs of the same work between its callers. Used on the event loop only.

    Callers that arrive during a run share the next run. It begins after they arrived, so its
    result is never older than their request.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def run(self) -> T:
        """The result of a run that begins from now on."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_after(self._running))
        # A caller that stops waiting does not cancel the run of the others.
        return await asyncio.shield(self._next)

    async def _run_after(self, previous: asyncio.Task[T] | None) -> T:
        if previous is not None:
            await asyncio.wait([previous])
        self._running, self._next = self._next, None
        return await self._work()
