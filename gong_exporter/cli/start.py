"""The console script: what has to be there before anything else is.

SIGTERM counts from the first moment, also as PID 1 of a container, and the standard streams are
there, also where whoever started us closed them.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from types import FrameType

from gong_exporter.cli.stdout import install_stdout

STOPPED = 128 + signal.SIGTERM
"""Exit status, as shells give it to a program that SIGTERM ended."""


def main() -> None:
    """Run the command line.

    The kernel drops signals that PID 1 has no handler for. The commands install theirs once they
    are imported, which takes most of a second: a container stopped in that time would be waited
    for, and then killed.
    """
    _have_streams()
    install_stdout()
    _leave_no_dump()
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    from gong_exporter.cli.main import main as run  # noqa: PLC0415 - the slow part

    run()


def _have_streams() -> None:
    """In place of standard streams that are closed, open some.

    Otherwise the next file or socket takes their place, and what is meant for stderr is written
    to it. Input is empty; output fails, for nobody gets it; what stderr is told is lost.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _leave_no_dump() -> None:
    """No core file if the interpreter crashes: it would hold the keys and people's addresses."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(STOPPED)  # nothing has begun that would have to be ended
