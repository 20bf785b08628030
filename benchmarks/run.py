"""Runs all benchmarks, one after the other; ``--record`` puts what they print into the docs.

Everything stays on loopback and ends by itself, within ten minutes on two quiet cores.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "bench_scrape.py",
    "bench_render.py",
    "bench_poll.py",
    "bench_process.py",
    "bench_prometheus.py",
    "bench_loads.py",
)
REPORT = HERE.parent / "docs" / "performance.md"
MARK = "<!-- Below: written by `benchmarks/run.py --record`. -->\n"
WAIT_TIMEOUT = 240
"""Seconds for one script."""


def main() -> None:
    """Run them, and pass on what they print."""
    began = time.monotonic()
    printed = []
    for script in SCRIPTS:
        done = subprocess.run(
            [sys.executable, str(HERE / script)],
            stdout=subprocess.PIPE,
            text=True,
            timeout=WAIT_TIMEOUT,
            check=False,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode:
            sys.exit(f"{script} failed")
        printed.append(done.stdout)
    print(f"\n{time.monotonic() - began:.0f} s in all.")
    if "--record" in sys.argv[1:]:
        head, mark, _ = REPORT.read_text().partition(MARK)
        REPORT.write_text(f"{head}{mark}{''.join(printed)}")


if __name__ == "__main__":
    main()
