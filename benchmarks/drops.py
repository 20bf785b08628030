"""Measures what drop detection adds to a running exporter of 10,000 people.

Run as ``python -m benchmarks.drops [PEOPLE]``. The history is saved by another process first, so
that what is measured is reading it, finding drops, and serving what was found.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import Snapshot, User
from gong_exporter.config.load import load_config
from gong_exporter.exposition.body import Exposition
from gong_exporter.roster.source import Roster
from gong_exporter.runtime.day_history import Company, LoadedHistory
from gong_exporter.runtime.drops import detect
from gong_exporter.runtime.setup import make_setup
from gong_exporter.store import open_state
from tests.support.history_samples import KEY, MONDAY, OLDEST, a_company

DAYS = [MONDAY - timedelta(days=back) for back in range(84)]


def save(path: Path, people: int) -> None:
    """Save the history. In a process of its own, for the memory that it takes."""
    state = open_state(path, log=_log(), now=time.time)
    for record in a_company(people, 84):
        state.history.save(KEY, record, OLDEST)
    state.close()


def measure(path: Path) -> None:
    """Read the history, find drops, and serve them."""
    config_path = path.with_name("config.yaml")
    config_path.write_text("gong: {bearer_token: made-up}\n", encoding="utf-8")
    state = open_state(path, log=_log(), now=time.time)
    days = state.history.load(DAYS[:1])
    if days is None:
        sys.exit("there is no history")
    everybody = sorted(days)
    users = tuple(User(user_id=one, email=f"{one}@acme.example") for one in everybody)
    teams = {one: {"team": f"Team {i // 9}"} for i, one in enumerate(everybody)}
    exposition = Exposition([], time.monotonic)
    exposition.publish(Snapshot(users=users))
    setup = make_setup(load_config(config_path, {}), Roster(by_id=teams, columns=("team",)))
    company = Company(setup, CompanyState(host=setup.plan.host), ZoneInfo("US/Pacific"))
    gc.collect()
    at_rest, began = _resident(), time.perf_counter()
    loaded = state.history.load(DAYS)
    if loaded is None:
        sys.exit("there is no history")
    read = time.perf_counter()
    report = detect(LoadedHistory(tuple(DAYS), loaded, None), company, ZoneInfo("US/Pacific"), ())
    loaded = None
    found = time.perf_counter()
    exposition.publish(Snapshot(users=users), report)
    rendered = time.perf_counter()
    gc.collect()
    plain = sum(map(len, exposition.body(None, None).chunks))
    packed = sum(map(len, exposition.body(None, "gzip").chunks))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"state file                    {path.stat().st_size / 1e6:7.2f} MB")
    print(f"read the history              {read - began:7.2f} s")
    print(f"find drops                    {found - read:7.2f} s")
    print(f"render and compress           {rendered - found:7.2f} s")
    print(f"lines, plain and gzip         {plain / 1e6:7.2f} MB {packed / 1e6:7.2f} MB")
    print(f"memory while it is computed   {peak - at_rest:+7.1f} MiB")
    print(f"memory afterwards             {_resident() - at_rest:+7.1f} MiB")


def _resident() -> float:
    """This process's resident memory, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(
        wrapper_class=structlog.make_filtering_bound_logger("error")
    )
    return log


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004 - the path to save to, and how many people
        save(Path(sys.argv[1]), int(sys.argv[2]))
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "state.db"
        number = sys.argv[1] if len(sys.argv) > 1 else "10000"
        command = [sys.executable, "-m", "benchmarks.drops", str(where), number]
        subprocess.run(command, check=True)
        measure(where)
