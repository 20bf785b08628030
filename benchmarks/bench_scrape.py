"""(a) How long a gzip scrape takes: ours, nginx with the same bytes, the client library's server.

Ours and nginx take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import zlib
from contextlib import ExitStack

import company
import servers
from scraper import Scraper
from table import machine, milliseconds, percentile, show, times

SIZES = {100: (1000, 30), 1000: (1000, 8), 10_000: (500, 3)}
"""Users, and how often ours (and nginx) and the client library's server are asked."""

WARM_UP = 20


def main() -> None:
    """Measure and print."""
    rows = []
    for users, (turns, slow_turns) in SIZES.items():
        with ExitStack() as stack:
            exporter = stack.enter_context(servers.child("exporter", users))
            chunks: list[bytes] = []
            Scraper(exporter).scrape(keep=chunks)
            packed = b"".join(chunks)
            plain = zlib.decompress(packed, zlib.MAX_WBITS | 16)
            file = stack.enter_context(servers.nginx(plain, packed))
            ours, theirs = Scraper(exporter), Scraper(file)
            times_ours, times_file = [], []
            for turn in range(WARM_UP + turns):
                mine, other = ours.scrape(), theirs.scrape()
                # The live part differs by a few bytes: it is live.
                if abs(mine.received - other.received) > 100:  # noqa: PLR2004  # a few bytes
                    raise RuntimeError(f"{mine.received} bytes are not {other.received}")
                if turn >= WARM_UP:
                    times_ours.append(mine.seconds)
                    times_file.append(other.seconds)
        with servers.child("gauges", users) as gauges:
            slow = Scraper(gauges)
            times_slow = [slow.scrape().seconds for _ in range(slow_turns)]
        p50, p99 = (percentile(times_ours, share) for share in (0.5, 0.99))
        file50, file99 = (percentile(times_file, share) for share in (0.5, 0.99))
        slow50, slow99 = (percentile(times_slow, share) for share in (0.5, 0.99))
        rows.append(
            [
                f"{users * company.SERIES_PER_USER:,}",
                f"{len(packed):,}",
                f"{milliseconds(p50)} / {milliseconds(p99)}",
                f"{milliseconds(file50)} / {milliseconds(file99)}",
                f"{milliseconds(slow50)} / {milliseconds(slow99)}",
                f"{times(p50 / file50)} / {times(p99 / file99)}",
                times(slow50 / p50),
            ]
        )
    show(
        "(a) A gzip scrape, p50 / p99 in ms",
        [
            "series",
            "bytes",
            "gong-exporter",
            "nginx, same bytes",
            "client library's server",
            "ours to nginx",
            "client library's p50 to ours",
        ],
        rows,
        f"{machine()}.",
    )


if __name__ == "__main__":
    main()
