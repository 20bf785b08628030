"""What a day of samples takes in Prometheus: ``.venv/bin/python benchmarks/storage.py``.

promtool writes the blocks that a Prometheus would, from six hours of scrapes once a minute of a
company of 48 whose numbers do not change in that time, as usual. Needs promtool.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import company
from table import machine, show

from gong_exporter.exposition.render import render

USERS = 48
HOURS = 6
"""Three blocks of Prometheus's usual two hours."""

DAY = 86_400


def main() -> None:
    """Write the blocks and print their size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrape-interval", type=int, default=60, help="seconds")
    interval: int = parser.parse_args().scrape_interval
    program = shutil.which("promtool")
    if program is None:
        sys.exit("promtool is not installed; on Debian: apt-get install prometheus")
    with TemporaryDirectory(prefix="bench-storage-") as name:
        folder = Path(name)
        with (folder / "day.om").open("wb") as stream:
            stream.writelines(samples(interval))
        subprocess.run(
            [program, "tsdb", "create-blocks-from", "openmetrics", "day.om", "data"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        blocks = [json.loads(path.read_text()) for path in folder.glob("data/*/meta.json")]
        count = sum(block["stats"]["numSamples"] for block in blocks)
        chunks = sum(path.stat().st_size for path in folder.glob("data/*/chunks/*"))
        index = sum(path.stat().st_size for path in folder.glob("data/*/index"))
    per_user = company.SERIES_PER_USER * DAY / interval
    show(
        f"Prometheus's disk, scraped every {interval} s",
        ("part", "bytes a sample", "MB a day for 1,000 users"),
        (
            (part, f"{size / count:.2f}", f"{size / count * per_user * 1000 / 1e6:,.0f}")
            for part, size in (("samples", chunks), ("samples and index", chunks + index))
        ),
        f"{count:,} samples in {len(blocks)} blocks of two hours. {machine()}.",
    )


def samples(interval: int) -> Iterator[bytes]:
    """``gong_user_activity`` at every scrape, as OpenMetrics with timestamps."""
    start = int(company.END_TIMESTAMP)
    yield b"# TYPE gong_user_activity gauge\n"
    for line in b"".join(render(company.snapshot(USERS))).splitlines():
        if line.startswith(b"gong_user_activity{"):
            for moment in range(start, start + HOURS * 3_600, interval):
                yield b"%s %d\n" % (line, moment)
    yield b"# EOF\n"


if __name__ == "__main__":
    main()
