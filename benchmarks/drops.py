"""Measures what drop detection adds to a running exporter of 10,000 people.

Run it as ``.venv/bin/python benchmarks/drops.py [PEOPLE]``. A state file with fresh windows and a
whole history is made first. Then the real exporter runs on it twice, without and with drop
detection. It makes no call to Gong, because nothing is due.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

from saved_state import GONG, HOST, POLL

from tests.support.exporter import Process, exporter, write_config
from tests.support.servers import until


def measure(folder: Path, *, enabled: bool) -> None:
    """Run the exporter until it has looked for drops, or for as long without them."""
    activity = {"roster_file": "roster.csv"}
    drops = {"enabled": enabled, "people": True} if enabled else {"enabled": False}
    config = write_config(folder, HOST, gong=GONG, poll=POLL, activity=activity, drops=drops)
    with exporter(config) as running:
        pid = running.process.pid
        if enabled:
            latencies, peak = [], 0.0
            while not (looks := running.said("looked for drops of activity")):
                latencies.append(_scrape(running))
                peak = max([peak, *(_memory(child)["VmHWM"] for child in _detectors(pid))])
            print(
                f"looked at {looks[0]['people']} people, {looks[0]['days']} days:"
                f" {looks[0]['seconds']} s; peak of the detector's process {peak:.0f} MiB"
            )
            _report("while the detector runs", latencies)
        else:
            until(lambda: running.samples().of("gong_user_info"), "the windows", 60)
        time.sleep(2)
        _report("afterwards", [_scrape(running) for _ in range(500)])
        size, memory = len(running.ask("/metrics").text), _memory(pid)
        print(
            f"drops {'on ' if enabled else 'off'}: resident {memory['VmRSS']:.0f} MiB,"
            f" peak {memory['VmHWM']:.0f} MiB, a plain scrape {size / 1e6:.1f} MB"
        )


def _scrape(running: Process) -> float:
    """Milliseconds of a compressed scrape, its last byte included."""
    time.sleep(0.02)
    began = time.perf_counter()
    connection = HTTPConnection(running.address, timeout=60)
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    connection.getresponse().read()
    connection.close()
    return (time.perf_counter() - began) * 1000


def _report(what: str, latencies: list[float]) -> None:
    p50, p99 = quantiles(latencies, n=100)[49], quantiles(latencies, n=100)[98]
    print(f"{len(latencies)} scrapes {what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def _detectors(pid: int) -> list[int]:
    """The detector's process. Until it has begun its program, it shows its parent's memory."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [int(child) for child in children if b"runtime.detector" in _command(child)]


def _command(pid: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _memory(pid: int) -> dict[str, float]:
    """Resident memory and its peak, in MiB; 0 for a process that has ended."""
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) / 1024
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        number = sys.argv[1] if len(sys.argv) > 1 else "10000"
        script = str(Path(__file__).with_name("saved_state.py"))
        subprocess.run([sys.executable, script, name, number], check=True)
        file = Path(name) / "gong-exporter.db"
        print(f"state file {file.stat().st_size / 1e6:.2f} MB")
        kept = file.read_bytes()
        measure(Path(name), enabled=False)
        file.write_bytes(kept)  # the history was deleted
        measure(Path(name), enabled=True)
