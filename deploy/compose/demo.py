"""The demo's exporter: writes the simulated company's roster, then becomes the exporter."""
# ruff: noqa: INP001 - a script that compose mounts, in no package

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROSTER = Path("/var/lib/gong-exporter/roster.csv")


def main() -> None:
    """Who is in which team is as of the simulator's today, so it is written at every start."""
    command = ["gong-exporter", "simulate", "--roster"]
    ROSTER.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603
    os.execvp("gong-exporter", ["gong-exporter"])  # noqa: S606, S607 - the image's own


if __name__ == "__main__":
    main()
