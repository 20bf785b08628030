"""One answer to a visitor's first question: is it working?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gong_exporter.web.site import Status
from gong_exporter.web.words import Clockface, count

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


def judge(status: Status, clock: Clockface) -> Verdict:
    """What a person should know first."""
    served = [window for window in status.windows if window.state != "absent"]
    behind = [window.name for window in status.windows if window.state != "fresh"]
    limited = status.api.rate_limited_until
    waits = limited is not None and limited > status.now
    if not served:
        if status.polling.polls == 0 or (status.polling.running and status.failure is None):
            return Verdict("warn", "Starting", "The first poll is not over: no data is served yet.")
        return Verdict("bad", "No data", "Nothing is served: the last failure below says why.")
    if behind:
        names = ", ".join(behind)
        why = f" Gong asks to wait {clock.ago(limited)}." if waits and limited else ""
        return Verdict(
            "warn",
            "Behind",
            f"{count(len(behind), 'window')} without new data from the last poll ({names}):"
            f" older data is served until it is too old.{why}",
        )
    if waits and limited is not None:
        return Verdict("warn", "Waiting", f"Gong\u2019s rate limit ends {clock.ago(limited)}.")
    if status.warnings:
        return Verdict("warn", "Working, with warnings", "Every window is fresh.")
    return Verdict("ok", "Working", "Every window is fresh.")
