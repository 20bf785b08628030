"""Turns at work that is dear: a few at a time, and addresses one after the other."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Who waits for a turn. Used on the event loop only.

    The addresses that wait get a turn each, however many requests one of them has: whoever floods
    the queue waits behind itself.

    Args:
        at_a_time: how many may be at it at once.
        each: how many of one address may wait.
    """

    def __init__(self, at_a_time: int, each: int) -> None:
        self._free = at_a_time
        self._each = each
        self._rows: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, address: str) -> bool:
        """Wait for a turn, which has to be given back; False at once when too many wait."""
        if self._free:
            self._free -= 1
            return True
        row = self._rows.setdefault(address, deque())
        if len(row) >= self._each:
            return False
        turn = asyncio.get_running_loop().create_future()
        row.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise
        return True

    def give_back(self) -> None:
        """The work is done: the next one may begin."""
        while self._rows:
            address, row = next(iter(self._rows.items()))
            del self._rows[address]
            turn = row.popleft()
            if row:
                self._rows[address] = row  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
