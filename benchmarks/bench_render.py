"""(b) CPU of rendering a snapshot, against the client library for the same data; (c) memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import company
import servers
from child import gauges
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from scraper import Scraper
from table import machine, show, times

from gong_exporter.exposition.body import Exposition
from gong_exporter.exposition.render import render

USERS = 10_000
TURNS = 5
SLOW_TURNS = 1
MEGABYTE = 1e6


def cpu(work: Callable[[], object], turns: int) -> float:
    """Seconds of CPU that it takes, the least of some turns."""
    least = float("inf")
    for _ in range(turns):
        began = time.process_time()
        kept = work()
        least = min(least, time.process_time() - began)
        del kept
    return least


def rendering() -> None:
    """Measure and print (b)."""
    snapshot = company.snapshot(USERS)
    prepared = Exposition([], time.monotonic)
    ours = cpu(lambda: list(render(snapshot)), TURNS)
    publishing = cpu(lambda: prepared.publish(snapshot), TURNS)
    registry = gauges(snapshot)
    others = {
        "generate_latest, text, a gauge per series": cpu(
            lambda: generate_latest(registry), SLOW_TURNS
        ),
        "generate_latest, OpenMetrics, a gauge per series": cpu(
            lambda: generate_openmetrics(registry),  # type: ignore[no-untyped-call]  # has none
            SLOW_TURNS,
        ),
    }
    show(
        f"(b) CPU of rendering {USERS * company.SERIES_PER_USER:,} series",
        ["", "seconds", "to ours"],
        [
            ["gong-exporter, both formats at once", f"{ours:.3f}", ""],
            ["the same with its compression, once a poll", f"{publishing:.3f}", ""],
            *([name, f"{took:.2f}", times(took / ours)] for name, took in others.items()),
        ],
        f"{machine()}.",
    )


def memory() -> None:
    """Measure and print (c): at rest, after scrapes, beyond the same process without series."""
    rows = []
    held = {}
    for kind in ("exporter", "gauges"):
        with servers.child(kind, USERS) as server:
            for _ in range(2):
                Scraper(server).scrape()
            held[kind] = server.resident() - server.before
            series = USERS * company.SERIES_PER_USER
            rows.append([f"{held[kind] / MEGABYTE:,.0f}", f"{held[kind] / series:,.0f}"])
    ratio = held["exporter"] / held["gauges"]
    show(
        f"(c) Resident memory for {USERS * company.SERIES_PER_USER:,} series, after scrapes",
        ["", "MB", "bytes a series", "ours to theirs"],
        [
            ["gong-exporter: data, text and gzip", *rows[0], times(ratio)],
            ["client library: a gauge per series", *rows[1], ""],
        ],
        f"{machine()}.",
    )


if __name__ == "__main__":
    rendering()
    memory()
