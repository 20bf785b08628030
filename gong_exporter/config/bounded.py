"""Files of a known size at most: neither a pipe nor a file without an end holds anybody up."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_bounded(path: Path, limit: int) -> bytes | str:
    """What is in the file, at most ``limit`` bytes and one; or why it cannot be read."""
    try:
        with open(path, "rb", opener=_at_once) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return "is not a file (a pipe could be read only once)"
            return stream.read(limit + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except UnicodeError:
        return "cannot be read: the locale has no such characters; set LC_ALL=C.UTF-8"
    except ValueError:  # a NUL
        return "cannot be read: no file can have this name"


def _at_once(path: str, flags: int) -> int:
    """As open() does it, but a named pipe does not hang us."""
    return os.open(path, flags | os.O_NONBLOCK)
