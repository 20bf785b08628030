"""One poller per state file: an operating-system lock that dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from collections.abc import Callable
from pathlib import Path


class PollerLock:
    """A lock on a file beside the state file. Not for several threads at once.

    It is not on the state file itself: closing a second handle on that would drop SQLite's own
    locks. The lock file stays where it is; only the lock on it counts, and the kernel drops
    that when the process ends, however it ends.

    Args:
        path: the lock file; None for no state file, and then nobody to exclude.
        report: is told when there can be no lock.
    """

    def __init__(self, path: Path | None, report: Callable[[str], None]) -> None:
        self._path = path
        self._report = report
        self._descriptor: int | None = None
        self._owner: int | None = None
        _forget_in_children(self)

    @property
    def owner(self) -> int | None:
        """The process that had the lock when acquire() last returned False, if known."""
        return self._owner

    def acquire(self) -> bool:
        """Whether this process may poll: False while another one holds the lock.

        Where no lock file can be made (a read-only folder, a file system without locks), there
        is no state to share either: that is reported, and the answer is True.
        """
        if self._path is None or self._descriptor is not None:
            return True
        self._owner = None
        try:
            descriptor = _open(self._path)
        except OSError as error:
            self._cannot(error)
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._owner = _read_pid(descriptor)
            os.close(descriptor)
            return False
        except OSError as error:
            self._cannot(error)
            os.close(descriptor)
            return True
        self._descriptor = descriptor
        _write_pid(descriptor)
        return True

    def release(self) -> None:
        """Let another process poll. Does nothing without the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _cannot(self, error: OSError) -> None:
        self._report(
            f"no lock on {self._path}: {error.strerror}; nothing keeps a second poller away"
        )


def _open(path: Path) -> int:
    """Python's handles are not passed on to programs that the process starts.

    No link is followed: in a folder that others may write to, it could lead to any file of ours.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        if not path.exists():
            raise
        return os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW
        )  # made earlier, on a disk that is read-only now


def _forget_in_children(lock: PollerLock) -> None:
    """A fork without exec shares the handle, and would keep the lock after our death."""
    reference = weakref.ref(lock)

    def in_child() -> None:
        inherited = reference()
        if inherited is not None:
            inherited.release()  # closes the child's copy; the lock stays with the parent

    os.register_at_fork(after_in_child=in_child)


def _read_pid(descriptor: int) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(os.pread(descriptor, 32, 0))
    return None


def _write_pid(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a full or read-only disk: the lock holds without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
