"""One answer to a visitor's first question: is it working?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gong_exporter.web.site import Status
from gong_exporter.web.words import duration

Level: TypeAlias = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the whole exporter.

    Attributes:
        level: how bad it is.
        headline: in two or three words.
        sentence: what that means for the numbers.
    """

    level: Level
    headline: str
    sentence: str


def judge(status: Status) -> Verdict:
    """What a person should know first."""
    absent = [window.name for window in status.windows if window.state == "absent"]
    stale = [window.name for window in status.windows if window.state == "stale"]
    until = status.api.rate_limited_until
    wait = ""
    if until is not None and until > status.now:
        wait = f" Gong asks to wait for {duration(until - status.now)}."
    if len(absent) == len(status.windows):
        if status.polling.polls == 0 and status.failure is None:
            return Verdict("warn", "Starting", "The first poll is not over: no data is served yet.")
        return Verdict("bad", "No data", f"Nothing is served.{wait}")
    if absent or stale:
        parts = []
        if stale:
            parts.append(
                f"The last poll brought nothing new for {_names(stale)}: older data is served."
            )
        if absent:
            parts.append(f"Nothing is served for {_names(absent)}.")
        return Verdict("warn", "Behind", " ".join(parts) + wait)
    if wait:
        return Verdict("warn", "Waiting", f"Every window is fresh.{wait}")
    if status.warnings:
        return Verdict("warn", "Working, with warnings", "Every window is fresh.")
    return Verdict("ok", "Working", "Every window is fresh.")


def _names(windows: list[str]) -> str:
    return " and ".join([", ".join(windows[:-1]), windows[-1]] if windows[1:] else windows)
