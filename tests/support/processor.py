"""How long a process took, without the time in which it waited for a processor.

A limit in seconds is kept or broken by what a process does, not by what else a machine has to do.
Linux counts for each thread how long it was ready to run and did not (``schedstat``, second field,
nanoseconds); where it does not, nothing is taken off.
"""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK = 0.01
"""Seconds between two looks at the threads of a process that ends."""


def seconds_to_its_end(process: subprocess.Popen[Any], timeout: float = 20.0) -> float:
    """Wait for its end; the seconds from now to then that are its own.

    Of its threads the one that waited most for a processor counts, and this one's waits as well.

    Raises:
        subprocess.TimeoutExpired: it has not ended within ``timeout`` seconds.
    """
    began = time.monotonic()
    own = _waited(Path(f"/proc/self/task/{threading.get_native_id()}"))
    tasks = Path(f"/proc/{process.pid}/task")
    before = _waits(tasks)
    most = 0.0
    while process.poll() is None:
        if time.monotonic() - began > timeout:
            raise subprocess.TimeoutExpired(process.args, timeout)
        now = _waits(tasks)
        most = max([most, *(waited - before.get(name, 0.0) for name, waited in now.items())])
        time.sleep(LOOK)
    took = time.monotonic() - began
    return took - most - (_waited(Path(f"/proc/self/task/{threading.get_native_id()}")) - own)


def _waits(tasks: Path) -> dict[str, float]:
    with suppress(OSError):  # it has just ended
        return {task.name: _waited(task) for task in tasks.iterdir()}
    return {}


def _waited(task: Path) -> float:
    with suppress(OSError):
        return int((task / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    return 0.0
