"""People for tests of the detector."""

from __future__ import annotations

from collections.abc import Sequence

from gong_exporter.drops.records import Person


def active_on_workdays(name: str, days: Sequence[int]) -> Person:
    """A person who hosts so many calls on each day, does nothing else, and is there all workdays.

    Args:
        name: the person's id.
        days: the counts, newest day first; day 0 is a Sunday.
    """
    return Person(
        user_id=name,
        team="",
        hosted=days,
        calls=days,
        contributions=[0] * len(days),
        listened=[0] * len(days),
        active=[int(day % 7 > 1) for day in range(len(days))],
    )
