"""Turns: a few at a time, addresses one after the other, nothing lost when somebody goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gong_exporter.web.turns import Turns

Scene = Callable[[Turns], Awaitable[None]]


def play(scene: Scene, at_a_time: int = 1, each: int = 10) -> None:
    asyncio.run(asyncio.wait_for(_play(scene, Turns(at_a_time, each)), 10))


async def _play(scene: Scene, turns: Turns) -> None:
    await scene(turns)


async def breathe() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def queue(turns: Turns, order: list[str], *names: str) -> list[asyncio.Task[None]]:
    """Each name takes a turn for the address before its colon, and notes when it has it."""

    async def one(name: str) -> None:
        if not await turns.take(name.partition(":")[0]):
            order.append(f"{name} refused")
            return
        order.append(name)
        turns.give_back()

    return [asyncio.create_task(one(name)) for name in names]


def test_whoever_floods_the_queue_waits_behind_itself() -> None:
    order: list[str] = []

    async def scene(turns: Turns) -> None:
        assert await turns.take("first")
        waiting = queue(turns, order, "a:1", "a:2", "a:3", "b:1", "c:1", "b:2")
        await breathe()
        assert order == []
        turns.give_back()
        await asyncio.gather(*waiting)

    play(scene)
    assert order == ["a:1", "b:1", "c:1", "a:2", "b:2", "a:3"]


def test_only_so_many_are_at_it_at_once() -> None:
    async def scene(turns: Turns) -> None:
        assert await turns.take("a")
        assert await turns.take("a")
        order: list[str] = []
        waiting = queue(turns, order, "b:1")
        await breathe()
        assert order == []
        turns.give_back()
        await asyncio.gather(*waiting)
        assert order == ["b:1"]

    play(scene, at_a_time=2)


def test_only_so_many_of_one_address_wait() -> None:
    order: list[str] = []

    async def scene(turns: Turns) -> None:
        assert await turns.take("a")
        waiting = queue(turns, order, "a:1", "a:2", "a:3", "b:1")
        await breathe()
        assert order == ["a:3 refused"]
        turns.give_back()
        await asyncio.gather(*waiting)

    play(scene, each=2)
    assert order == ["a:3 refused", "a:1", "b:1", "a:2"]


def test_who_gives_up_waiting_takes_no_turn_along() -> None:
    async def scene(turns: Turns) -> None:
        assert await turns.take("a")
        order: list[str] = []
        first, second, third = queue(turns, order, "a:1", "b:1", "a:2")
        await breathe()
        first.cancel()  # while it waits
        await breathe()
        turns.give_back()
        second.cancel()  # when the turn is already its
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert order == ["a:2"]
        assert await turns.take("c")

    play(scene)
