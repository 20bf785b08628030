"""A stdout that writes everything or raises StdoutError.

With ``PYTHONUNBUFFERED``, which the image sets, Python's stdout takes a short write for a whole
one, so a full disk would cut the output without an error.
"""

from __future__ import annotations

import io
import select
import sys
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
    """Replace ``sys.stdout``; descriptor 1 has to be open."""
    raw = _RawStdout(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(sys.stdout, "encoding", None),
        errors=getattr(sys.stdout, "errors", None),
        line_buffering=raw.isatty(),
    )
