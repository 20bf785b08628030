"""The demo's past: backfills eight weeks, once, into a file that Prometheus's user can read."""
# ruff: noqa: INP001 - a script that compose mounts, in no package

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAYS = 56
FILE = Path("/var/lib/gong-exporter/past.om")
READABLE = 0o640


def main() -> None:
    """Fetch what is not there yet; what was fetched before a stop is not fetched again."""
    if FILE.exists():
        return
    # Yesterday is over in every company's time zone, or is today there.
    last = datetime.now(UTC).date() - timedelta(days=1)
    command = [
        "gong-exporter",
        "backfill",
        f"--from={last - timedelta(days=DAYS)}",
        f"--to={last}",
        f"--output={FILE}",
        # As Prometheus labels what it scrapes, so that past and present are the same series.
        "--label=job=gong",
        "--label=instance=gong-exporter:14664",
        "--yes",
    ]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - all of it is above
    if code:
        sys.exit(code)
    FILE.with_name(f"{FILE.name}.work").unlink()  # what a stopped backfill would go on from
    FILE.chmod(READABLE)


if __name__ == "__main__":
    # A PID 1 that does not ask for it never hears it, and is killed after ten seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
