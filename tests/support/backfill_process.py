"""A backfill in a process of its own, which a test kills.

Run as ``python -m tests.support.backfill_process URL FOLDER FIRST LAST``.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from gong_exporter.backfill.plan import PublicationDays
from gong_exporter.gong.clock import SystemClock
from tests.support.backfills import Rig
from tests.support.exporter import ROOT


@contextmanager
def backfilling(url: str, folder: Path, days: PublicationDays) -> Iterator[subprocess.Popen[str]]:
    """The process, from when it begins to ask until the block ends, or it does."""
    command = [sys.executable, "-m", "tests.support.backfill_process", url, str(folder)]
    with subprocess.Popen(
        [*command, str(days.first), str(days.last)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begins\n"
            yield process
        finally:
            process.kill()


def _main(url: str, folder: str, first: str, last: str) -> None:
    simulator = cast("Any", SimpleNamespace(url=url))
    rig = Rig(
        simulator,
        Path(folder),
        clock=SystemClock(threading.Event()),
        rate=1000.0,
        zone="US/Pacific",
        output="%Y-%m.om",
    )
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    rig.run(PublicationDays(date.fromisoformat(first), date.fromisoformat(last)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
