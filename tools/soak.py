"""Soaks the exporter: every fault of the simulator at once, every published number checked.

Run as ``python tools/soak.py --minutes 60``; exits 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MOST_GROWTH = 12.0
"""MiB by which memory may grow from the middle of the longest life to its end."""


def main() -> int:
    """Run one soak and print what it saw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="of the faults and their rates")
    wanted = parser.parse_args()

    sys.path.insert(0, str(ROOT))  # the tests' support is not installed
    from tests.support.soak import Soak  # noqa: PLC0415 - found only now

    with tempfile.TemporaryDirectory(prefix="gong-soak-") as folder:
        soak = Soak(Path(folder), 60 * wanted.minutes, wanted.seed, _say)
        report = soak.run()
    _say(str(report))
    if report.growth() > MOST_GROWTH:
        _say(f"wrong: memory grew by {report.growth():.1f} MiB")
        return 1
    return 1 if report.verdict.count else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
