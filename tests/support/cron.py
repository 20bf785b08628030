"""A plain reading of crontab(5), one part after the other, as a person would look."""

from __future__ import annotations

from datetime import datetime

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def due(line: str, local: datetime) -> bool:
    """Whether five fields, of which only one restricts days, match a minute."""
    minute, hour, day, month, weekday = line.split()
    number = local.isoweekday() % 7
    return (
        _matches(minute, local.minute, 0)
        and _matches(hour, local.hour, 1)
        and _matches(day, local.day, 2)
        and _matches(month, local.month, 3)
        and (_matches(weekday, number, 4) or (number == 0 and _matches(weekday, 7, 4)))
    )


def _matches(field: str, value: int, index: int) -> bool:
    low, high = LIMITS[index]
    names = {3: MONTHS, 4: WEEKDAYS}.get(index, [])
    for part in field.lower().split(","):
        text, _, step = part.partition("/")
        first, last = (str(low), str(high)) if text == "*" else (text, text)
        if "-" in text:
            first, last = text.split("-")
        start = names.index(first) if first in names else int(first)
        stop = names.index(last) if last in names else int(last)
        if last == "sun" and start > 0:
            stop = 7
        if start <= value <= stop and (value - start) % int(step or 1) == 0:
            return True
    return False
