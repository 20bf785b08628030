"""Files of a known size at most: neither a pipe nor a file without an end holds anybody up."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_bounded(path: Path, limit: int) -> bytes | str:
    """What is in the file, at most ``limit`` bytes and one; or why it cannot be read."""
    try:
        # Without O_NONBLOCK a named pipe would hang us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return "is not a file (a pipe could be read only once)"
            return stream.read(limit + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except UnicodeError:
        return "cannot be read: the locale has no such characters; set LC_ALL=C.UTF-8"
    except ValueError:  # a NUL
        return "cannot be read: no file can have this name"
