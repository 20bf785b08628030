"""(g) Start and memory of the whole exporter, against a process that only imports its libraries.

The exporter starts on a state file with fresh windows and a whole day history (saved_state.py), as
after a restart; it makes no call, because nothing is due. Its modules are compiled, as pip and the
image do it. ``rich``, a tool of development that structlog would import, is hidden from both.
"""

from __future__ import annotations

import compileall
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from saved_state import GONG, HOST, POLL
from table import machine, show, times

import gong_exporter
from tests.support.exporter import environment, write_config

PEOPLE = (100, 10_000)
TURNS = 3
TIMEOUT = 120.0
LOOKED = "looked for drops of activity"

PREPARE = "import sys; sys.modules['rich'] = None"
LIBRARIES = (
    "apscheduler.schedulers.background, bcrypt, click, prometheus_client, pydantic, requests,"
    " sqlite3, starlette.applications, structlog, tenacity, uvicorn, yaml"
)


def main() -> None:
    """Measure and print."""
    compileall.compile_dir(Path(gong_exporter.__file__).parent, quiet=1)
    bare_seconds, bare_memory = _libraries()
    rows = [["a process that imports the libraries", f"{bare_seconds:.2f}", "1x", _mb(bare_memory)]]
    with tempfile.TemporaryDirectory(prefix="bench-process-") as name:
        for people in PEOPLE:
            folder = Path(name, str(people))
            folder.mkdir()
            script = str(Path(__file__).with_name("saved_state.py"))
            subprocess.run([sys.executable, script, str(folder), str(people)], check=True)
            kept = (folder / "gong-exporter.db").read_bytes()
            for enabled in (False, True):
                (folder / "gong-exporter.db").write_bytes(kept)  # the history is deleted when off
                started = [_start(folder, enabled=enabled) for _ in range(TURNS)]
                seconds = min(seconds for seconds, _ in started)
                rows.append(
                    [
                        f"{people:,} people, the detector {'on' if enabled else 'off'}",
                        f"{seconds:.2f}",
                        times(seconds / bare_seconds),
                        _mb(min(memory for _, memory in started)),
                    ]
                )
    show(
        "(g) From the start to a served /metrics, with a state file, and memory at rest",
        ["", "seconds", "to the libraries", "MB"],
        rows,
        f"{machine()}. 45 series for each person.",
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f}"


def _libraries() -> tuple[float, int]:
    """Seconds and resident bytes of a process that imports what the exporter needs."""
    read = "print(open('/proc/self/statm').read().split()[1])"
    found = []
    for _ in range(TURNS):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", f"{PREPARE}; import {LIBRARIES}; {read}"],
            stdout=subprocess.PIPE,
            check=True,
        )
        found.append((time.monotonic() - began, int(done.stdout) * 4096))
    return min(seconds for seconds, _ in found), min(memory for _, memory in found)


def _start(folder: Path, *, enabled: bool) -> tuple[float, int]:
    """Seconds to the first whole scrape, and resident bytes when the exporter is at rest."""
    config = write_config(
        folder,
        HOST,
        gong=GONG,
        poll=POLL,
        activity={"roster_file": "roster.csv"},
        drops={"enabled": enabled},
    )
    log = folder / "log"
    with _exporter(config, log) as (process, port):
        began = time.monotonic()
        while True:
            try:
                _scrape(port)
            except OSError:
                if process.poll() is not None or time.monotonic() - began > TIMEOUT:
                    sys.exit(f"the exporter does not serve: {log.read_text()}")
                time.sleep(0.005)
            else:
                break
        seconds = time.monotonic() - began
        while enabled and LOOKED not in log.read_text():
            if time.monotonic() - began > TIMEOUT:
                sys.exit(f"the detector does not end: {log.read_text()}")
            time.sleep(0.1)
        for _ in range(2):
            _scrape(port)
        time.sleep(1)
        return seconds, int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


def _scrape(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        if not connection.getresponse().read():
            raise OSError("an empty response")
    finally:
        connection.close()


@contextmanager
def _exporter(config: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    run = f"{PREPARE}; import runpy; runpy.run_module('gong_exporter', run_name='__main__')"
    flags = [
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=debug",
    ]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", run, *flags], stderr=stderr, env=environment()
        )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
