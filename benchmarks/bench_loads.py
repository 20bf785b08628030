"""(f) Scrapes while other clients misbehave, against the same server without other clients.

Fails when a scrape fails, when p50 is more than twice or p99 more than ten times the idle one, or
when clients that do not read cost more than 40 MB.
"""

from __future__ import annotations

import base64
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import servers
from scraper import Scraper
from table import machine, milliseconds, percentile, show, times

USERS = 10_000
SCRAPES = 30
INTERVAL = 0.5
WARM_UP = 5
MOST_P50, MOST_P99 = 2.0, 10.0
MOST_MEMORY = 40e6

LOADS = {
    "exporter": {
        "idle": "500 idle connections",
        "headers": "300 clients that send headers a byte at a time",
        "readers": "120 clients that do not read",
        "pages": "500 status pages from 20 threads, again and again",
    },
    "passwords": {"passwords": "a flood of wrong passwords, bcrypt cost 14"},
    "tls": {"handshakes": "300 stalled TLS handshakes"},
}
"""By server (see child.py): the loads on it (see load.py)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Scrapes under one load.

    Attributes:
        p50: seconds.
        p99: seconds.
        failed: scrapes without a whole response.
        busy: of the time in which the server used a processor.
    """

    p50: float
    p99: float
    failed: int
    busy: float


def main() -> None:
    """Measure, print, and exit with 1 if a limit does not hold."""
    rows, broken = [], []
    for kind, loads in LOADS.items():
        with servers.child(kind, USERS) as server:
            scraper = _scraper(server)
            for _ in range(WARM_UP):
                scraper.scrape()
            for load, name in loads.items():
                idle = _measure(scraper, server)
                before = server.resident()
                with _load(load, server.port):
                    measured = _measure(scraper, server)
                    memory = server.resident() - before
                rows.append([name, *_cells(measured, idle), f"{memory / 1e6:+.0f} MB"])
                held = (
                    not measured.failed
                    and measured.p50 <= MOST_P50 * idle.p50
                    and measured.p99 <= MOST_P99 * idle.p99
                    and (load != "readers" or memory <= MOST_MEMORY)
                )
                if not held:
                    broken.append(name)
    show(
        "(f) A gzip scrape every 0.5 s at 450,000 series while other clients misbehave",
        ["load", "idle p50 / p99 in ms", "under load", "ratio", "failed", "CPU", "memory"],
        rows,
        f"{machine()}.",
    )
    if broken:
        sys.exit(f"a limit does not hold under: {'; '.join(broken)}")


def _scraper(server: servers.Server) -> Scraper:
    password = "Basic " + base64.b64encode(b"prometheus:right").decode()
    context = None
    if server.name == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Scraper(server, authorization=password, context=context)


def _measure(scraper: Scraper, server: servers.Server) -> Measured:
    seconds, failed = [], 0
    began = due = time.monotonic()
    used = server.processor_seconds()
    for _ in range(SCRAPES):
        time.sleep(max(0.0, due - time.monotonic()))
        due += INTERVAL
        try:
            seconds.append(scraper.scrape().seconds)
        except (OSError, RuntimeError):
            scraper.close()
            failed += 1
    if not seconds:
        sys.exit("every scrape failed")
    busy = (server.processor_seconds() - used) / (time.monotonic() - began)
    return Measured(percentile(seconds, 0.5), percentile(seconds, 0.99), failed, busy)


def _cells(measured: Measured, idle: Measured) -> list[str]:
    return [
        f"{milliseconds(idle.p50)} / {milliseconds(idle.p99)}",
        f"{milliseconds(measured.p50)} / {milliseconds(measured.p99)}",
        f"{times(measured.p50 / idle.p50)} / {times(measured.p99 / idle.p99)}",
        str(measured.failed),
        f"{measured.busy:.0%} (idle {idle.busy:.0%})",
    ]


@contextmanager
def _load(name: str, port: int) -> Iterator[None]:
    """A process that puts one load on a server until the end."""
    program = [sys.executable, str(Path(__file__).with_name("load.py")), name, str(port)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            sys.exit(f"the load {name} did not begin")
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
