"""Work off the event loop, in daemon threads.

asyncio's own executor is joined when the interpreter exits, so one call that hangs would keep the
process alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, run in a daemon thread of its own."""
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
            return  # the loop has been closed: nobody waits any more

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
