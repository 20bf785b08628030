"""What a company of so many users costs: calls, seconds of a poll, series, memory, a scrape, disk.

``.venv/bin/python benchmarks/scaling.py --users 48 1000 10000`` runs the real exporter against the
simulated API, both in processes of their own, within Gong's limits: 10,000 users take six minutes.
The shortest window is of three days, so that it has a working day in it on any day of the week. It
comes in with a reload, so that what is measured is a poll while older data is served: for a moment
both are held.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from table import machine, milliseconds, percentile, show

EXPORTER = (sys.executable, "-m", "gong_exporter")
STATE = "gong-exporter.db"
WAIT_TIMEOUT = 900
"""Seconds for one poll."""

SCRAPES = 50
BEFORE, WINDOWS = "[7d, 28d]", "[3d, 7d, 28d]"
CONFIG = """\
gong: {{base_url: {url}, access_key: DEMO-ACCESS-KEY, access_key_secret: demo-access-key-secret}}
activity: {{windows: {windows}}}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured. Seconds and bytes.

    Attributes:
        calls: of the poll.
        poll: its length.
        series: ``gong_user_activity`` alone.
        plain, packed: the exposition's length.
        peak, rest: resident memory.
        scrape: the median of SCRAPES scrapes with gzip over a kept connection.
        state: the state file's length.
    """

    calls: int
    poll: float
    series: int
    plain: int
    packed: int
    peak: int
    rest: int
    scrape: float
    state: int


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[48, 1_000, 10_000])
    sizes: list[int] = parser.parse_args().users
    rows = []
    for users in sizes:
        cost = measured(users)
        rows.append(
            (
                f"{users:,}",
                f"{cost.calls:,}",
                f"{cost.poll:,.0f} s",
                f"{cost.series:,}",
                f"{megabytes(cost.plain)} / {megabytes(cost.packed)}",
                f"{milliseconds(cost.scrape)} ms",
                f"{megabytes(cost.rest)} / {megabytes(cost.peak)}",
                megabytes(cost.state),
            )
        )
    head = (
        "users",
        "calls of a poll",
        "it took",
        "series",
        "MB a scrape, plain / gzip",
        "a scrape, median",
        "MB of memory, at rest / peak",
        "MB of state",
    )
    show("The exporter, by size of the company", head, rows, f"{machine()}.")


def measured(users: int) -> Cost:
    """Run a company of so many users until its first poll is over."""
    with TemporaryDirectory(prefix="bench-scaling-") as name:
        folder = Path(name)
        simulate = (*EXPORTER, "simulate", "--port=0", f"--users={users}")
        with running(simulate, folder / "simulator.log") as (_, said):
            url = awaited(said, "http://").split("http://", 1)[1].split("/")[0].split()[0]
            config = folder / "config.yaml"
            config.write_text(CONFIG.format(url=f"http://{url}", windows=BEFORE))
            serve = (
                *EXPORTER,
                f"--config.file={config}",
                "--web.listen-address=127.0.0.1:0",
                "--log.format=json",
            )
            with running(serve, folder / "exporter.log") as (process, log):
                address = json.loads(awaited(log, '"listening"'))["address"]
                awaited(log, '"poll ended"')
                calls = used(scraped(address))
                config.write_text(CONFIG.format(url=f"http://{url}", windows=WINDOWS))
                process.send_signal(signal.SIGHUP)
                ended = json.loads(awaited(log, '"poll ended"', 2))
                if ended["failed"] != "none":
                    sys.exit(f"the poll failed: {log.read_text()}")
                now = used(scraped(address)) - calls
                return cost(process.pid, address, ended["seconds"], now, folder / STATE)


def used(text: str) -> int:
    """Calls by the ledger."""
    return next(
        int(float(line.split()[1]))
        for line in text.splitlines()
        if line.startswith("gong_exporter_api_quota_used ")
    )


def scraped(address: str) -> str:
    """An exposition, a second after what it is to tell: the exporter's own numbers are kept."""
    time.sleep(1.1)
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:  # our own
        return str(answer.read(), "utf-8")


def cost(pid: int, address: str, poll: float, calls: int, state: Path) -> Cost:
    """What a running exporter holds and serves."""
    connection = http.client.HTTPConnection(address)
    taken, body = [], b""
    for _ in range(SCRAPES):
        began = time.perf_counter()
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        body = connection.getresponse().read()
        taken.append(time.perf_counter() - began)
    connection.close()
    plain = gzip.decompress(body)
    lines = plain.decode().splitlines()
    memory = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Cost(
        calls=calls,
        poll=poll,
        series=sum(line.startswith("gong_user_activity{") for line in lines),
        plain=len(plain),
        packed=len(body),
        peak=int(memory["VmHWM"].split()[0]) * 1024,
        rest=int(memory["VmRSS"].split()[0]) * 1024,
        scrape=percentile(taken, 0.5),
        state=state.stat().st_size,
    )


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process of ours and its log; ended with the block."""
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL)
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(20)


def awaited(log: Path, text: str, count: int = 1) -> str:
    """The line of a log that is the first, or so many, with that text."""
    deadline = time.monotonic() + WAIT_TIMEOUT
    while time.monotonic() < deadline:
        lines = log.read_text().splitlines(keepends=True)
        found = [line for line in lines if text in line and line.endswith("\n")]
        if len(found) >= count:
            return found[count - 1]
        time.sleep(0.1)
    sys.exit(f"not within {WAIT_TIMEOUT} s: {text}: {log.read_text()[-2000:]}")


def megabytes(size: int) -> str:
    """Two digits that matter."""
    return f"{size / 1e6:,.2g}" if size < 1e7 else f"{size / 1e6:,.0f}"  # noqa: PLR2004  # digits


if __name__ == "__main__":
    main()
