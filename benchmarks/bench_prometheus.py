"""(e) What a real Prometheus measures at 450,000 series: its ``scrape_duration_seconds``.

The same Prometheus reads ours, nginx with the same bytes, and the client library's server, one
after the other. Its first scrape creates the series, and is not counted.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass

import company
import servers
from scraper import Scraper
from table import machine, percentile, show, times

USERS = 10_000
WAIT_TIMEOUT = 75.0
"""Seconds for all scrapes of one server; the first one alone, which makes the series, takes ten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often Prometheus scrapes, in seconds, and how many scrapes are counted."""

    interval: int
    timeout: int
    scrapes: int


FAST = Pace(2, 2, 6)
SLOW = Pace(20, 20, 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Prometheus saw of a server: seconds of its good scrapes, and how many failed."""

    seconds: list[float]
    failed: int


def watch(server: servers.Server, pace: Pace) -> Seen:
    """Have it scraped, until enough scrapes went well."""
    seen = Seen([], 0)
    deadline = time.monotonic() + WAIT_TIMEOUT
    with servers.prometheus(server, pace.interval, pace.timeout) as url:
        while len(seen.seconds) < pace.scrapes and time.monotonic() < deadline:
            time.sleep(0.5)
            seen = _seen(url)
    return seen


def _seen(url: str) -> Seen:
    durations = next(iter(servers.query(url, "scrape_duration_seconds[10m]")), [])
    samples = next(iter(servers.query(url, "scrape_samples_scraped[10m]")), [])
    every = list(zip(durations, samples, strict=False))
    good = [seconds for seconds, read in every if read >= USERS * company.SERIES_PER_USER]
    return Seen(good[1:], len(every) - len(good))


def _row(seen: Seen, ours: float) -> list[str]:
    if not seen.seconds:  # the client library's server, on a busy machine
        return [
            f"over {SLOW.timeout}",
            "",
            "0",
            str(seen.failed),
            f"over {SLOW.timeout / ours:.3g}x",
        ]
    middle = percentile(seen.seconds, 0.5)
    return [
        f"{middle:.2f}",
        f"{max(seen.seconds):.2f}",
        str(len(seen.seconds)),
        str(seen.failed),
        times(middle / ours),
    ]


def main() -> None:
    """Measure and print."""
    measured = {}
    with servers.child("exporter", USERS) as exporter:
        chunks: list[bytes] = []
        Scraper(exporter).scrape(keep=chunks)
        measured["gong-exporter"] = watch(exporter, FAST)
    packed = b"".join(chunks)
    with servers.nginx(zlib.decompress(packed, zlib.MAX_WBITS | 16), packed) as file:
        measured["nginx, same bytes"] = watch(file, FAST)
    with servers.child("gauges", USERS) as gauges:
        measured["client library's server"] = watch(gauges, SLOW)
    for name in ("gong-exporter", "nginx, same bytes"):
        if len(measured[name].seconds) < FAST.scrapes:
            raise RuntimeError(f"Prometheus did not get through to {name}: {measured[name]}")
    ours = percentile(measured["gong-exporter"].seconds, 0.5)
    show(
        f"(e) Prometheus's scrape_duration_seconds at {USERS * company.SERIES_PER_USER:,} series",
        ["", "p50", "worst", "scrapes", "failed", "p50 to ours"],
        [[name, *_row(seen, ours)] for name, seen in measured.items()],
        f"{machine()}.",
    )


if __name__ == "__main__":
    main()
