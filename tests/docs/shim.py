"""Stands in for ``gong-exporter`` in the commands of the docs, so that what serves ends again.

A command that ends by itself is run as it is. One that serves is run on a free port until it says
that it does, and is then told to stop, as by Ctrl-C; its exit status is passed on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAIT_TIMEOUT = 40.0
"""Seconds to come up in."""

ENDS = {
    "check",
    "healthcheck",
    "backfill",
    "digest",
    "roster",
    "--once",
    "--config.check",
    "--version",
    "--help",
}
SAYS = ("msg=listening", "Ctrl-C stops it", "Simulated Gong API ")
"""What they say once they serve."""


def main() -> int:
    """Run it. Returns the exit status."""
    arguments = sys.argv[1:]
    command = [sys.executable, "-m", "gong_exporter", *arguments]
    if not ENDS.isdisjoint(arguments) or "--list-faults" in arguments or "--roster" in arguments:
        return subprocess.run(command, check=False).returncode
    if "simulate" in arguments:
        command.append("--port=0")
    else:
        command.append("--web.listen-address=127.0.0.1:0")
    return _serve(command)


def _serve(command: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, stdout=sink, stderr=sink, env={**os.environ, "PYTHONUNBUFFERED": "1"}
            )
        deadline = time.monotonic() + WAIT_TIMEOUT
        up = False
        while not up and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            up = any(said in log.read_text() for said in SAYS)
        process.send_signal(signal.SIGINT)
        status = process.wait(20)
        sys.stdout.write(log.read_text())
        return status if up else status or 1


if __name__ == "__main__":
    sys.exit(main())
