"""Durations as Prometheus writes them: ``30s``, ``1h30m``, ``26h``, ``1d``."""

from __future__ import annotations

import re

from gong_exporter.common.problems import quoted

UNITS = {
    "y": 365 * 86_400.0,
    "w": 7 * 86_400.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
"""Seconds in each unit, the largest first: the only order in which they may be written."""

_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in UNITS), re.ASCII)

LONGEST = 10 * UNITS["y"]
"""Seconds; anything longer is a typing mistake."""

_FORM = "is not a duration; write a number and a unit, such as 30s, 10m, 26h, 1d or 1h30m"


def parse_duration(text: str) -> float:
    """Read a duration; seconds.

    Raises: ValueError, saying what is wrong.
    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
    """
    if text.isascii() and text.isdigit():
        raise ValueError(f"{quoted(text)} has no unit; write seconds as in 30s, minutes as in 10m")
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{quoted(text)} {_FORM}")
    seconds = sum(
        float(number) * size for number, size in zip(match.groups("0"), UNITS.values(), strict=True)
    )
    if seconds > LONGEST:
        raise ValueError(f"{quoted(text)} is longer than ten years")
    return seconds


def format_duration(seconds: float) -> str:
    """How people write a duration, to the millisecond: ``1d``, but ``26h``; ``10d1h``."""
    rest = round(seconds * 1000)
    parts = []
    few_hours = seconds < 2 * UNITS["d"] and seconds % UNITS["d"]
    for unit, size in UNITS.items():
        if unit in {"y", "w"} or (unit == "d" and few_hours):
            continue
        count, rest = divmod(rest, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
