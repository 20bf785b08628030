"""SingleFlight: callers that arrive during a run share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gong_exporter.web.concurrency import SingleFlight

Scene = Callable[["Work"], Awaitable[None]]


class Work:
    """Runs of work that end when the test says so, with the number of the run."""

    def __init__(self) -> None:
        self.begun = 0
        self.ends: list[asyncio.Future[None]] = []
        self.flight = SingleFlight(self._one)

    async def _one(self) -> int:
        self.begun += 1
        number = self.begun
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]
        return number

    def ask(self, often: int = 1) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.flight.run()) for _ in range(often)]


def play(scene: Scene) -> None:
    async def play_it() -> None:
        await scene(Work())

    asyncio.run(asyncio.wait_for(play_it(), 30))


async def let_others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_callers_that_arrive_before_a_run_begins_share_it() -> None:
    async def scene(work: Work) -> None:
        asked = work.ask(3)
        await let_others_run()
        work.ends[0].set_result(None)
        assert await asyncio.gather(*asked) == [1, 1, 1]

    play(scene)


def test_callers_that_arrive_during_a_run_share_the_next_one() -> None:
    async def scene(work: Work) -> None:
        first = work.ask()
        await let_others_run()
        others = work.ask(20)
        await let_others_run()
        others += work.ask(20)
        await let_others_run()
        assert work.begun == 1
        work.ends[0].set_result(None)
        assert await asyncio.gather(*first) == [1]
        await let_others_run()
        late = work.ask()
        await let_others_run()
        work.ends[1].set_result(None)
        assert await asyncio.gather(*others) == [2] * 40
        await let_others_run()
        work.ends[2].set_result(None)
        assert await asyncio.gather(*late) == [3]
        assert work.begun == 3

    play(scene)


def test_after_an_idle_time_a_run_begins_at_once() -> None:
    async def scene(work: Work) -> None:
        for number in (1, 2, 3):
            asked = work.ask()
            await let_others_run()
            work.ends[-1].set_result(None)
            assert await asyncio.gather(*asked) == [number]

    play(scene)


def test_a_run_that_fails_fails_for_all_its_callers_and_the_next_one_runs() -> None:
    async def scene(work: Work) -> None:
        first, second = work.ask(2)
        await let_others_run()
        third = work.ask()
        work.ends[0].set_exception(RuntimeError("no thread"))
        for asked in (first, second):
            with pytest.raises(RuntimeError, match="no thread"):
                await asked
        await let_others_run()
        work.ends[1].set_result(None)
        assert await asyncio.gather(*third) == [2]

    play(scene)


def test_a_cancelled_caller_cancels_no_run() -> None:
    async def scene(work: Work) -> None:
        first, other = work.ask(2)
        await let_others_run()
        waiting, patient = work.ask(2)
        await let_others_run()
        for asked in (first, waiting):
            asked.cancel()
        await let_others_run()
        work.ends[0].set_result(None)
        assert await other == 1
        await let_others_run()
        work.ends[1].set_result(None)
        assert await patient == 2

    play(scene)
