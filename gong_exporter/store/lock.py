"""One poller per state file: an operating-system lock that ends with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from structlog.typing import FilteringBoundLogger


class PollerLock:
    """A lock on a file beside the state file. Not for several threads at once.

    It is not on the state file itself, because closing a second descriptor of that would drop
    SQLite's own locks. The lock file stays where it is. Only the lock on it counts, and the
    kernel releases that when the process ends, however it ends.

    Args:
        path: the lock file; None without a state file, and then there is nothing to lock.
        log: gets a warning when the lock file cannot be locked.

    Attributes:
        acquired: whether acquire() has returned True, so that this process polls and saves.
        owner: the process that had the lock when acquire() last returned False, if known.
    """

    def __init__(self, path: Path | None, log: FilteringBoundLogger) -> None:
        self._path = path
        self._log = log
        self._descriptor: int | None = None
        self.acquired = False
        self.owner: int | None = None

    def acquire(self) -> bool:
        """Return True if this process may poll: False while another one holds the lock.

        Where no lock file can be made (a read-only folder, a file system without locks), no
        state can be shared either. That is logged, and the result is True.
        """
        if not self.acquired:
            self.owner = None
            self.acquired = self._path is None or self._lock(self._path)
        return self.acquired

    def _lock(self, path: Path) -> bool:
        try:
            descriptor = _open(path)
        except OSError as error:
            self._log_failure(error)
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.owner = _read_pid(descriptor)
            os.close(descriptor)
            return False
        except OSError as error:
            self._log_failure(error)
            os.close(descriptor)
            return True
        self._descriptor = descriptor
        _write_pid(descriptor)
        return True

    def release(self) -> None:
        """Let another process poll. Does nothing without the lock."""
        self.acquired = False
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _log_failure(self, error: OSError) -> None:
        self._log.warning(
            "the lock file cannot be locked; nothing prevents a second poller",
            file=str(self._path),
            error=error.strerror,
        )


def _open(path: Path) -> int:
    """Open the lock file. Programs that the process starts do not inherit the descriptor.

    Links are not followed: in a folder that others may write to, they could lead to any file.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        if not path.exists():
            raise
        # It was made earlier, and the disk is read-only now.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def _read_pid(descriptor: int) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(os.pread(descriptor, 32, 0))
    return None


def _write_pid(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a full or read-only disk: the lock works without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
