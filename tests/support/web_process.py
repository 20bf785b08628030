"""A server in a process of its own, with a descriptor limit; prints its port.

Run as ``python -m tests.support.web_process DESCRIPTORS BODY_BYTES``; ends when stdin closes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_exporter.web.http_connection import Limits
from tests.support.web_site import FixedSite, body_of, serving

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def process(descriptors: int, body_bytes: int = 1000) -> Iterator[tuple[int, int]]:
    """The port and the process id of such a server."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.web_process", str(descriptors), str(body_bytes)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline()), child.pid
        finally:
            child.stdin.close()
            assert child.wait(10) == 0


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def peak_bytes(pid: int) -> int:
    """The most resident memory that a process ever had, also between two readings."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024  # "kB" are KiB there


def main() -> None:
    """Serve until stdin ends."""
    descriptors, body_bytes = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    site = FixedSite(body=body_of(b"x" * body_bytes))
    # However long a test takes to make its connections, none of them is late.
    with serving(site, limits=Limits(request_seconds=600, stall_seconds=600)) as port:
        print(port, flush=True)  # noqa: T201  # how the parent learns it
        sys.stdin.read()


if __name__ == "__main__":
    main()
