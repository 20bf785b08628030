"""The console script: prepares the process before the rest is imported, and ends it in words.

SIGTERM works from the first moment, also as PID 1 of a container, and the standard streams are
open, even if the process was started with closed ones.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
import select
import signal
import sys
import threading
from types import FrameType
from typing import Any


class StdoutError(OSError):
    """Not everything could be written to stdout."""


class _RawStdout(io.FileIO):
    def write(self, data: Any, /) -> int:
        """Write at least one byte. Raises: StdoutError, BrokenPipeError."""
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])  # it is non-blocking, and its reader is slow
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StdoutError(error.errno, error.strerror) from error
        return written


def install_stdout() -> None:
    """Replace ``sys.stdout`` by one that writes everything or raises StdoutError.

    With ``PYTHONUNBUFFERED``, which the image sets, Python's stdout takes a short write for a whole
    one, so a full disk would cut the output without an error. Descriptor 1 has to be open.
    """
    raw = _RawStdout(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(sys.stdout, "encoding", None),
        errors=getattr(sys.stdout, "errors", None),
        line_buffering=raw.isatty(),
    )


STOPPED = 128 + signal.SIGTERM
"""Exit status that shells report for a program ended by SIGTERM."""


def main() -> None:
    """Run the command line; exits with 1 if not everything could be written to stdout.

    The kernel drops signals for which PID 1 has no handler. The commands install theirs once they
    are imported, which can take a second. Stopping a container in that time would end with a
    timeout and a SIGKILL. A reader that closes our stdout early gets no message.
    """
    _open_closed_streams()
    install_stdout()
    _disable_core_dumps()
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _exit)
    from gong_exporter.cli.main import cli  # noqa: PLC0415 - the slow part
    from gong_exporter.cli.options import FAILED, fail  # noqa: PLC0415 - same

    try:
        try:
            cli(prog_name="gong-exporter")
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        if isinstance(ended.code, int) and threading.active_count() > 1:
            # On Python 3.11 to 3.13, the end of the interpreter would abort the process if a
            # thread still checks a password, because bcrypt is written in Rust.
            sys.stderr.flush()
            os._exit(ended.code)
        raise
    except BrokenPipeError:
        _discard_stdout()
        sys.exit(FAILED)
    except StdoutError as error:
        _discard_stdout()
        fail(f"cannot write to stdout: {error.strerror}")
    except OSError as error:
        if error.errno not in {errno.EMFILE, errno.ENFILE}:
            raise
        fail("too many open files: raise the limit (ulimit -n)")


def _open_closed_streams() -> None:
    """Open /dev/null in place of standard streams that are closed.

    Otherwise the next file or socket gets their descriptor, and text for stderr is written to it.
    stdin is empty, a write to stdout fails, and a write to stderr is discarded.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _disable_core_dumps() -> None:
    """Write no core file if the interpreter crashes, since it would hold keys and addresses."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _discard_stdout() -> None:
    """What is still in the buffer would fail again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit(_number: int, _frame: FrameType | None) -> None:
    os._exit(STOPPED)  # nothing is running yet that needs to be stopped
