"""Small files: bounded reads, changes of content, and private files that are written whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path


class UnreadableFile(Exception):
    """A file that cannot be read. The message is the reason, without the file's name."""


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Args:
        path: the file.
        limit: bytes; a larger file is refused.

    Raises:
        UnreadableFile: it is missing, too large, not a regular file, or not readable.
    """
    try:
        # With an opener: a descriptor from os.open would leak where open() refuses a folder's.
        with open(path, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UnreadableFile("is not a file (a pipe could be read only once)")
            content = stream.read(limit + 1)
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror or error}") from None
    except UnicodeError:
        what = "cannot be read: the locale has no such characters; set LC_ALL=C.UTF-8"
        raise UnreadableFile(what) from None
    except ValueError:  # a NUL in the name
        raise UnreadableFile("cannot be read: no file can have this name") from None
    if len(content) > limit:
        del content  # it may hold a secret, and a traceback can show local variables
        raise UnreadableFile(f"is larger than {limit} bytes")
    return content


class ContentWatch:
    """Notices that the content of files has changed, once it has settled.

    A change counts when two looks in a row find the same content, because a file that is being
    written is not whole. What the files held when they were loaded is unknown, so the first
    settled content counts as a change.

    Args:
        limit: bytes of each file; a larger one is as good as unreadable.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen = self._settling = b""

    def change(self, files: Iterable[Path]) -> bytes | None:
        """Look at the files once.

        Returns:
            The digest of a settled content that was not passed to accept() last; otherwise None.
        """
        digest = self.digest(files)
        settled, self._settling = digest == self._settling, digest
        return digest if settled and digest != self._seen else None

    def accept(self, digest: bytes) -> None:
        """Take this content for seen; b"" if it is not known what was loaded."""
        self._seen = digest

    def digest(self, files: Iterable[Path]) -> bytes:
        """What the files contain now, or why they cannot be read, as a digest."""
        digest = hashlib.sha256()
        for file in files:
            try:
                content = b"+" + read_bounded(file, self._limit)
            except UnreadableFile as error:
                content = b"-" + str(error).encode(errors="backslashreplace")
            digest.update(hashlib.sha256(content).digest())
        return digest.digest()


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises: OSError."""
    # mkstemp makes the file with mode 0600, and the name that it replaces keeps none of its own.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _open_without_waiting(path: str, flags: int) -> int:
    """As open() does it, but opening a named pipe does not wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK)
