"""FairSemaphore: a bounded number at once, addresses in turn, no permit lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gong_exporter.web.concurrency import FairSemaphore

Scene = Callable[[FairSemaphore], Awaitable[None]]


def play(scene: Scene, at_a_time: int = 1, each: int = 10) -> None:
    asyncio.run(asyncio.wait_for(_play(scene, FairSemaphore(at_a_time, each)), 10))


async def _play(scene: Scene, semaphore: FairSemaphore) -> None:
    await scene(semaphore)


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def queue(semaphore: FairSemaphore, order: list[str], *names: str) -> list[asyncio.Task[None]]:
    """Each name acquires a permit for the address before its colon, and notes when it has it."""

    async def one(name: str) -> None:
        if not await semaphore.acquire(name.partition(":")[0]):
            order.append(f"{name} refused")
            return
        order.append(name)
        semaphore.release()

    return [asyncio.create_task(one(name)) for name in names]


def test_an_address_that_floods_the_queue_waits_behind_itself() -> None:
    order: list[str] = []

    async def scene(semaphore: FairSemaphore) -> None:
        assert await semaphore.acquire("first")
        waiting = queue(semaphore, order, "a:1", "a:2", "a:3", "b:1", "c:1", "b:2")
        await let_others_run()
        assert order == []
        semaphore.release()
        await asyncio.gather(*waiting)

    play(scene)
    assert order == ["a:1", "b:1", "c:1", "a:2", "b:2", "a:3"]


def test_permits_are_bounded() -> None:
    async def scene(semaphore: FairSemaphore) -> None:
        assert await semaphore.acquire("a")
        assert await semaphore.acquire("a")
        order: list[str] = []
        waiting = queue(semaphore, order, "b:1")
        await let_others_run()
        assert order == []
        semaphore.release()
        await asyncio.gather(*waiting)
        assert order == ["b:1"]

    play(scene, at_a_time=2)


def test_the_requests_of_one_address_that_wait_are_bounded() -> None:
    order: list[str] = []

    async def scene(semaphore: FairSemaphore) -> None:
        assert await semaphore.acquire("a")
        waiting = queue(semaphore, order, "a:1", "a:2", "a:3", "b:1")
        await let_others_run()
        assert order == ["a:3 refused"]
        semaphore.release()
        await asyncio.gather(*waiting)

    play(scene, each=2)
    assert order == ["a:3 refused", "a:1", "b:1", "a:2"]


def test_a_cancelled_wait_loses_no_permit() -> None:
    async def scene(semaphore: FairSemaphore) -> None:
        assert await semaphore.acquire("a")
        order: list[str] = []
        first, second, third = queue(semaphore, order, "a:1", "b:1", "a:2")
        await let_others_run()
        first.cancel()  # while it waits
        await let_others_run()
        semaphore.release()
        second.cancel()  # when it already has the permit
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert order == ["a:2"]
        assert await semaphore.acquire("c")

    play(scene)
