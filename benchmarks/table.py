"""Percentiles, and tables as Markdown has them."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print a table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    if note:
        print(f"\n{note}")


def machine() -> str:
    """What it ran on, and when."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} x {model},"
        f" Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def milliseconds(seconds: float) -> str:
    """Three digits that matter."""
    return f"{seconds * 1e3:,.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def times(ratio: float) -> str:
    """A ratio."""
    return f"{ratio:,.3g}x" if ratio < 1000 else f"{ratio:,.0f}x"  # noqa: PLR2004  # digits that matter
