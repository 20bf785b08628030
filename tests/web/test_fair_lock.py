"""FairLock: one at once, addresses in turn, never locked for good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gong_exporter.web import concurrency
from gong_exporter.web.concurrency import FairLock

Scene = Callable[[FairLock], Awaitable[None]]


def play(scene: Scene) -> None:
    asyncio.run(asyncio.wait_for(_play(scene, FairLock()), 10))


async def _play(scene: Scene, lock: FairLock) -> None:
    await scene(lock)


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def queue(lock: FairLock, order: list[str], *names: str) -> list[asyncio.Task[None]]:
    """Each name acquires the lock for the address before its colon, and notes when it has it."""

    async def one(name: str) -> None:
        if not await lock.acquire(name.partition(":")[0]):
            order.append(f"{name} refused")
            return
        order.append(name)
        lock.release()

    return [asyncio.create_task(one(name)) for name in names]


def test_an_address_that_floods_the_queue_waits_behind_itself() -> None:
    order: list[str] = []

    async def scene(lock: FairLock) -> None:
        assert await lock.acquire("first")
        waiting = queue(lock, order, "a:1", "a:2", "a:3", "b:1", "c:1", "b:2")
        await let_others_run()
        assert order == []
        lock.release()
        await asyncio.gather(*waiting)

    play(scene)
    assert order == ["a:1", "b:1", "c:1", "a:2", "b:2", "a:3"]


def test_the_requests_of_one_address_that_wait_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(concurrency, "WAITING_EACH", 2)
    order: list[str] = []

    async def scene(lock: FairLock) -> None:
        assert await lock.acquire("a")
        waiting = queue(lock, order, "a:1", "a:2", "a:3", "b:1")
        await let_others_run()
        assert order == ["a:3 refused"]
        lock.release()
        await asyncio.gather(*waiting)

    play(scene)
    assert order == ["a:3 refused", "a:1", "b:1", "a:2"]


def test_a_cancelled_wait_leaves_nothing_locked() -> None:
    async def scene(lock: FairLock) -> None:
        assert await lock.acquire("a")
        order: list[str] = []
        first, second, third = queue(lock, order, "a:1", "b:1", "a:2")
        await let_others_run()
        first.cancel()  # while it waits
        await let_others_run()
        lock.release()
        second.cancel()  # when it already has the lock
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert order == ["a:2"]
        assert await lock.acquire("c")

    play(scene)
