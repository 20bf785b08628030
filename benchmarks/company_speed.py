"""How fast the simulated company answers, and how much memory it keeps.

Run it as `.venv/bin/python benchmarks/company_speed.py`; each part runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.company import SimulatedCompany

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
WINDOWS = (1, 7, 28)


def main() -> None:
    """Run one part, or each of them in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=sorted(PARTS))
    part = parser.parse_args().part
    if part:
        PARTS[part]()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  peak memory of this process {peak:.0f} MB", flush=True)
        return
    for name, run in PARTS.items():
        print(run.__doc__, flush=True)
        subprocess.run([sys.executable, __file__, f"--part={name}"], check=True)


def windows() -> None:
    """10,000 people: the windows of a poll, cold and then warm; a month two years back."""
    company = _founded(10_000)
    for days in WINDOWS:
        _window(company, f"{days}d cold", TODAY - days * DAY, TODAY)
    for days in WINDOWS:
        _window(company, f"{days}d warm", TODAY - days * DAY, TODAY)
    _window(company, "28d at midnight", TODAY - 27 * DAY, TODAY + DAY)
    back = TODAY - 730 * DAY
    _window(company, "28d two years back, cold", back - 28 * DAY, back)


def single() -> None:
    """10,000 people: the 28 days first of all; the truth about one of them, day by day."""
    company = _founded(10_000)
    _window(company, "28d cold", TODAY - 28 * DAY, TODAY)
    user = company.activity(TODAY - 7 * DAY, TODAY)[0].user_id
    start = time.perf_counter()
    for ago in range(730, 0, -1):
        company.truth(user, TODAY - ago * DAY, TODAY - (ago - 1) * DAY)
    _say("truth of one person, 730 days", start)


def year() -> None:
    """10,000 people: a whole year in one window."""
    company = _founded(10_000)
    _window(company, "365d cold", TODAY - 365 * DAY, TODAY)
    _window(company, "365d warm", TODAY - 365 * DAY, TODAY)


def backfill() -> None:
    """48 people: two years of days with three windows each."""
    company = _founded(48)
    start = time.perf_counter()
    for ago in range(730, 0, -1):
        end = TODAY - ago * DAY
        for days in WINDOWS:
            company.activity(end - days * DAY, end)
    _say("730 days, 2,190 windows", start)


def _founded(users: int) -> SimulatedCompany:
    start = time.perf_counter()
    company = SimulatedCompany(users, 1, ZoneInfo("America/New_York"), TODAY)
    _say("founded", start)
    return company


def _window(company: SimulatedCompany, name: str, begin: date, end: date) -> None:
    start = time.perf_counter()
    users = len(company.activity(begin, end))
    _say(f"{name}, {users} users", start)


def _say(what: str, start: float) -> None:
    print(f"  {time.perf_counter() - start:7.2f} s  {what}", flush=True)


PARTS: dict[str, Callable[[], None]] = {
    run.__name__: run for run in (windows, single, year, backfill)
}

if __name__ == "__main__":
    main()
