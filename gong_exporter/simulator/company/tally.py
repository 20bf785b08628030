"""Counts of a team's week over any range of its days, prepared once for all ranges."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from itertools import pairwise

from gong_exporter.simulator.company.attendance import SPAN
from gong_exporter.simulator.company.teamwork import TeamWeek
from gong_exporter.simulator.records import ATTENDED, HOSTED, WIDTH

LANE = 2
"""Bytes for one counter of one worker."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A team's week, ready to be counted over any days.

    The counts of all workers are one whole number with ``LANE`` bytes for each worker and counter,
    so that a range is one subtraction. No lane overflows: that would take 65,536 calls.

    Attributes:
        places: the places of the workers.
        until: for each offset, the counts of all days before it.
        again: corrections. A user may do the same thing on one call on several days, and Gong
            counts the call once. For each two successive days of these, it has ``lane << 8 |
            first << 4 | second``; a range that contains both days subtracts one.
    """

    places: tuple[int, ...]
    until: tuple[int, ...]
    again: array[int]

    def count(self, begin: int, end: int) -> array[int]:
        """For each worker, ``WIDTH`` counts over the offsets ``[begin, end)``."""
        begin, end = max(begin, 0), min(end, SPAN)
        size = len(self.places) * WIDTH * LANE
        if begin >= end:
            return array("H", bytes(size))
        days = self.until[end] - self.until[begin]
        counts = array("H", days.to_bytes(size, sys.byteorder))
        for each in self.again:
            if each >> 4 & 0xF >= begin and each & 0xF < end:
                counts[each >> 8] -= 1
        return counts


def tally(week: TeamWeek) -> Tally:
    """Count a team's week."""
    lanes = len(week.workers) * WIDTH
    days = [array("H", bytes(lanes * LANE)) for _ in range(SPAN)]
    for worker, day in zip(week.hosts, week.days, strict=True):
        days[day][worker * WIDTH + HOSTED] += 1
    for (worker, day), count in week.joined.items():
        days[day][worker * WIDTH + ATTENDED] += count
    again = array("L")
    for key, marked in week.marks.items():
        lane = key % lanes
        if marked & marked - 1:
            done = [day for day in range(SPAN) if marked >> day & 1]
            for day in done:
                days[day][lane] += 1
            again.extend(lane << 8 | one << 4 | other for one, other in pairwise(done))
        else:
            days[marked.bit_length() - 1][lane] += 1
    until = [0]
    for counts in days:
        until.append(until[-1] + int.from_bytes(counts.tobytes(), sys.byteorder))
    return Tally(tuple(worker.place for worker in week.workers), tuple(until), again)
