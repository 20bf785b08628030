"""The console script: makes SIGTERM count from the first moment, also as PID 1 of a container."""

from __future__ import annotations

import os
import signal
from types import FrameType

STOPPED = 128 + signal.SIGTERM
"""Exit status, as shells give it to a program that SIGTERM ended."""


def main() -> None:
    """Run the command line.

    The kernel drops signals that PID 1 has no handler for. The commands install theirs once they
    are imported, which takes most of a second: a container stopped in that time would be waited
    for, and then killed.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    from gong_exporter.cli.main import main as run  # noqa: PLC0415 - the slow part

    run()


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(STOPPED)  # nothing has begun that would have to be ended
