"""Measures what drop detection adds to a running exporter of 10,000 people.

Run as ``python -m benchmarks.drops [PEOPLE]``. A state file with fresh windows and a whole history
is made first. Then the real exporter runs on it twice, without and with drop detection. It makes no
call to Gong, because nothing is due.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

import structlog

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import DayRecord, HistoryKey
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.config.load import load_config
from gong_exporter.runtime.setup import make_setup
from gong_exporter.store import StateFile
from tests.support.exporter import Process, exporter, write_config
from tests.support.history_samples import a_company
from tests.support.servers import until

HOST = "http://127.0.0.1:9"
GONG = {"time_zone": "UTC"}
POLL = {"interval": "2h"}


def save(folder: Path, people: int) -> None:
    """Save windows and history. In a process of its own, for the memory that it takes."""
    config = load_config(write_config(folder, HOST, gong=GONG, poll=POLL), {})
    plan = make_setup(config).plan
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    state = StateFile(config.state.file, log=log, now=time.time)
    today, now = datetime.now(UTC).date(), time.time()
    key = HistoryKey.of(plan.host, None, None, "UTC")
    oldest = today - timedelta(days=84)
    ids: set[str] = set()
    days = a_company(people, 84, newest=today - timedelta(days=1))
    for record in days:
        ids |= record.counts.keys()
        state.history.save(key, _fetched(record, now), oldest)
    windows = [_window(sorted(ids), size, today, now, plan.fingerprint) for size in (1, 7, 28)]
    emails = {user: f"{user}@acme.example" for user in ids}
    state.save(CompanyState(host=plan.host, time_zone="UTC", known_users=emails), windows)
    state.close()
    rows = (f"{user},Team {i // 9}" for i, user in enumerate(sorted(ids)))
    (folder / "roster.csv").write_text("\n".join(["id,team", *rows]), encoding="utf-8")


def _fetched(record: DayRecord, now: float) -> DayRecord:
    info = type(record.info)(day=record.info.day, fetched_at=now)
    return DayRecord(info, record.counts)


def _window(ids: list[str], size: int, today: date, now: float, fingerprint: str) -> WindowData:
    midnight = datetime.combine(today, datetime.min.time(), UTC).timestamp()
    return WindowData(
        window=f"{size}d",
        start=today - timedelta(days=size),
        end=today,
        start_timestamp=midnight - size * 86_400,
        end_timestamp=midnight,
        fetched_at=now,
        fingerprint=fingerprint,
        metrics=METRICS,
        users={user: tuple(range(size, size + len(METRICS))) for user in ids},
        emails={user: f"{user}@acme.example" for user in ids},
    )


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
    if len(sys.argv) > 2:  # noqa: PLR2004 - the folder to save to, and how many people
        save(Path(sys.argv[1]), int(sys.argv[2]))
        sys.exit()
    with tempfile.TemporaryDirectory() as name:
        number = sys.argv[1] if len(sys.argv) > 1 else "10000"
        subprocess.run([sys.executable, "-m", "benchmarks.drops", name, number], check=True)
        file = Path(name) / "gong-exporter.db"
        print(f"state file {file.stat().st_size / 1e6:.2f} MB")
        kept = file.read_bytes()
        measure(Path(name), enabled=False)
        file.write_bytes(kept)  # the history was deleted
        measure(Path(name), enabled=True)
