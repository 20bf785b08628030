"""Work that many ask for at once, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """Rounds of the same work, one after the other. Used on the event loop only.

    Whoever comes while a round runs gets what the next one brings, as do all the others who come
    meanwhile: that one begins after they came, so what it finds is not older than their question.

    Args:
        work: one round; what it returns or raises is everybody's who waits for it.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def join(self) -> T:
        """What a round brings that begins from now on."""
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._running))
        # Whoever gives up waiting does not end it for the others.
        return await asyncio.shield(self._next)

    async def _round(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._work()
