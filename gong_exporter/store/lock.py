"""One poller per state file: an operating-system lock that ends with its process."""

from __future__ import annotations

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
    """

    def __init__(self, path: Path | None, log: FilteringBoundLogger) -> None:
        self._path = path
        self._log = log
        self._descriptor: int | None = None
        self.acquired = False

    def acquire(self) -> bool:
        """Return True if this process may poll: False while another one holds the lock.

        Where no lock file can be made (a read-only folder, a file system without locks), no
        state can be shared either. That is logged, and the result is True.
        """
        if not self.acquired:
            self.acquired = self._path is None or self._lock(self._path)
        return self.acquired

    def _lock(self, path: Path) -> bool:
        try:
            # Links are not followed: in a folder that others may write to, they could lead to any
            # file. Programs that the process starts do not inherit the descriptor.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            self._log_failure(error)
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            self._log_failure(error)
            os.close(descriptor)
            return True
        self._descriptor = descriptor
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
