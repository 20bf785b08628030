"""Follows the configuration and the roster file by content, and reloads when they change."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.config.load import MAX_ROSTER_BYTES
from gong_exporter.runtime.reload import Reloader


class AutoReload:
    """Looks at the files in a thread of its own.

    A change counts when two looks in a row find the same content, because a file that is being
    written is not whole. What is refused is logged once, and the old configuration stays in force.

    Args:
        reloader: reloads, and knows the files.
        interval: seconds between two looks.
        log: for defects.
    """

    def __init__(self, reloader: Reloader, interval: float, log: FilteringBoundLogger) -> None:
        self._reloader = reloader
        self._interval = interval
        self._log = log
        self._stop = threading.Event()
        # What the files held when they were loaded is unknown, so the first looks load them again.
        # That changes nothing if they are still the same.
        self._seen = self._settling = b""

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="auto-reload", daemon=True).start()

    def stop(self) -> None:
        """Begin no further look. Does not wait for one that is in progress."""
        self._stop.set()

    def look(self) -> bool:
        """Look at the files once, and reload if they have changed. Returns whether it reloaded."""
        files = self._reloader.files
        digest = _digest(files)
        settled, self._settling = digest == self._settling, digest
        if not settled or digest == self._seen:
            return False
        self._reloader.reload(only_changes=True)
        # If a file was written during the reload, or another one is in use now, look again.
        same = self._reloader.files == files and _digest(files) == digest
        self._seen = digest if same else b""
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread
                self._log.exception("looking at the files broke down: a defect, please report it")


def _digest(files: Iterable[Path]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        try:
            content = b"+" + read_bounded(file, MAX_ROSTER_BYTES)
        except UnreadableFile as error:
            content = b"-" + str(error).encode(errors="backslashreplace")
        digest.update(hashlib.sha256(content).digest())
    return digest.digest()
