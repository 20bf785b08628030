"""(a) How long a gzip scrape takes: ours, nginx with the same bytes, the client library's server.

Ours and nginx take turns, so that what else the machine does hits both. Both are measured with the
client on their own processor and on another one. Otherwise the scheduler chooses, by the run, and
that decides how large a response compares: nginx sends it without copying it, and only on another
processor does the client copy while the server does.

Scrapes that follow each other at once share the rendering of the exporter's own families. A
Prometheus comes every 15 seconds or so, so scrapes with pauses are measured, too.
"""

from __future__ import annotations

import os
import time
import zlib
from contextlib import ExitStack

import company
import servers
from scraper import Scraper
from table import machine, milliseconds, percentile, show, times

from gong_exporter.exposition.body import LIVE_FOR

SIZES = {100: (1000, 30), 1000: (1000, 8), 10_000: (500, 3)}
"""Users, and how often ours (and nginx) and the client library's server are asked."""

WARM_UP = 20

PAUSED_TURNS = 15
PAUSE = LIVE_FOR + 0.05
"""Seconds before each of these; then nothing is left of the scrape before."""


def main() -> None:
    """Measure and print."""
    processors = sorted(os.sched_getaffinity(0))
    rows = []
    for users, (turns, slow_turns) in SIZES.items():
        os.sched_setaffinity(0, processors[-1:])  # of the servers that start here, too
        with servers.child("gauges", users) as gauges:
            slow = Scraper(gauges)
            slow50 = percentile([slow.scrape().seconds for _ in range(slow_turns)], 0.5)
        with ExitStack() as stack:
            exporter = stack.enter_context(servers.child("exporter", users))
            chunks: list[bytes] = []
            Scraper(exporter).scrape(keep=chunks)
            packed = b"".join(chunks)
            plain = zlib.decompress(packed, zlib.MAX_WBITS | 16)
            file = stack.enter_context(servers.nginx(plain, packed))
            for name, client, count, pause in (
                ("the same", processors[-1], turns, 0.0),
                ("another", processors[0], turns, 0.0),
                ("the same, one a second", processors[-1], PAUSED_TURNS, PAUSE),
            ):
                os.sched_setaffinity(0, {client})
                ours, theirs = _take_turns(Scraper(exporter), Scraper(file), count, pause)
                p50, p99 = (percentile(ours, share) for share in (0.5, 0.99))
                file50, file99 = (percentile(theirs, share) for share in (0.5, 0.99))
                rows.append(
                    [
                        f"{users * company.SERIES_PER_USER:,}",
                        f"{len(packed):,}",
                        name,
                        f"{milliseconds(p50)} / {milliseconds(p99)}",
                        f"{milliseconds(file50)} / {milliseconds(file99)}",
                        f"{times(p50 / file50)} / {times(p99 / file99)}",
                        milliseconds(slow50),
                        times(slow50 / p50),
                    ]
                )
    os.sched_setaffinity(0, processors)
    show(
        "(a) A gzip scrape, p50 / p99 in ms",
        [
            "series",
            "bytes",
            "client's processor",
            "gong-exporter",
            "nginx, same bytes",
            "ours to nginx",
            "client library's server, p50",
            "to ours",
        ],
        rows,
        f"{machine()}.",
    )


def _take_turns(
    ours: Scraper, theirs: Scraper, turns: int, pause: float
) -> tuple[list[float], list[float]]:
    """Seconds of ``turns`` scrapes of each, after some to warm up, and each pair after a pause."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(WARM_UP + turns):
        if turn >= WARM_UP:
            time.sleep(pause)
        mine, other = ours.scrape(), theirs.scrape()
        # The live part differs by a few bytes: it is live.
        if abs(mine.received - other.received) > 100:  # noqa: PLR2004  # a few bytes
            raise RuntimeError(f"{mine.received} bytes are not {other.received}")
        if turn >= WARM_UP:
            seconds[0].append(mine.seconds)
            seconds[1].append(other.seconds)
    return seconds


if __name__ == "__main__":
    main()
