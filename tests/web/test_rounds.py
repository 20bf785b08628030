"""Rounds: whoever comes while one runs waits for the next, together with all the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gong_exporter.web.rounds import Rounds

Scene = Callable[["Work"], Awaitable[None]]


class Work:
    """Rounds of work that end when the test says so, with the number of the round."""

    def __init__(self) -> None:
        self.begun = 0
        self.ends: list[asyncio.Future[None]] = []
        self.rounds = Rounds(self._one)

    async def _one(self) -> int:
        self.begun += 1
        number = self.begun
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]
        return number

    def ask(self, often: int = 1) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.rounds.join()) for _ in range(often)]


def play(scene: Scene) -> None:
    async def play_it() -> None:
        await scene(Work())

    asyncio.run(asyncio.wait_for(play_it(), 30))


async def breathe() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_comes_before_a_round_has_begun_is_of_it() -> None:
    async def scene(work: Work) -> None:
        asked = work.ask(3)
        await breathe()
        work.ends[0].set_result(None)
        assert await asyncio.gather(*asked) == [1, 1, 1]

    play(scene)


def test_who_comes_while_a_round_runs_shares_the_next_one() -> None:
    async def scene(work: Work) -> None:
        first = work.ask()
        await breathe()
        others = work.ask(20)
        await breathe()
        others += work.ask(20)
        await breathe()
        assert work.begun == 1
        work.ends[0].set_result(None)
        assert await asyncio.gather(*first) == [1]
        await breathe()
        late = work.ask()
        await breathe()
        work.ends[1].set_result(None)
        assert await asyncio.gather(*others) == [2] * 40
        await breathe()
        work.ends[2].set_result(None)
        assert await asyncio.gather(*late) == [3]
        assert work.begun == 3

    play(scene)


def test_after_a_quiet_time_a_round_begins_at_once() -> None:
    async def scene(work: Work) -> None:
        for number in (1, 2, 3):
            asked = work.ask()
            await breathe()
            work.ends[-1].set_result(None)
            assert await asyncio.gather(*asked) == [number]

    play(scene)


def test_a_round_that_fails_fails_for_all_of_it_and_the_next_one_runs() -> None:
    async def scene(work: Work) -> None:
        first, second = work.ask(2)
        await breathe()
        third = work.ask()
        work.ends[0].set_exception(RuntimeError("no thread"))
        for asked in (first, second):
            with pytest.raises(RuntimeError, match="no thread"):
                await asked
        await breathe()
        work.ends[1].set_result(None)
        assert await asyncio.gather(*third) == [2]

    play(scene)


def test_who_gives_up_waiting_ends_it_for_nobody_else() -> None:
    async def scene(work: Work) -> None:
        first, other = work.ask(2)
        await breathe()
        waiting, patient = work.ask(2)
        await breathe()
        for asked in (first, waiting):
            asked.cancel()
        await breathe()
        work.ends[0].set_result(None)
        assert await other == 1
        await breathe()
        work.ends[1].set_result(None)
        assert await patient == 2

    play(scene)
