"""What a backfill costs: ``.venv/bin/python benchmarks/backfill.py [--days 30 60 120]``.

Samples, bytes and seconds by ``--step``; then promtool's seconds and the blocks that it makes,
by days, in one file and in a file a month, with its own block duration and with a long one.
The demo's company of 48, as the simulated API tells its past; no call is counted. Needs promtool.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from table import machine, show

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.activity.users import ALL_USERS, UserLabels
from gong_exporter.activity.windows import day_start, parse_window
from gong_exporter.backfill.fetched_days import index_fetched_days
from gong_exporter.backfill.output import OutputFormat, OutputPath, TextFormat
from gong_exporter.backfill.workfile import WorkFile
from gong_exporter.backfill.write import write_file
from gong_exporter.cli.demo_company import SEED, USERS
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.records import COUNTERS

ZONE = ZoneInfo("US/Pacific")
LAST = date(2026, 6, 30)
WINDOWS = ("1d", "7d", "28d")
LABELS = (("instance", "localhost:14664"), ("job", "gong"))
DAY = 86_400
YEAR = 365
STEPS = {"1d": DAY, "6h": DAY // 4, "1h": 3600, "5m": 300}
LONG = "--max-block-duration=768h"


@dataclass(frozen=True)
class Output:
    """Files written.

    Attributes:
        paths: theirs.
        samples, size: of all of them together.
        seconds: that it took.
        user_days: on each day, how many users have series; of all days together.
    """

    paths: tuple[Path, ...]
    samples: int
    size: int
    seconds: float
    user_days: int


def window(company: SimulatedCompany, name: str, day: date) -> WindowData:
    """A window of a day as a poll would have it."""
    reach = parse_window(name).range_on(day)
    users = company.activity(reach.start, reach.end)
    return WindowData(
        window=name,
        start=reach.start,
        end=reach.end,
        start_timestamp=day_start(reach.start, ZONE),
        end_timestamp=day_start(reach.end, ZONE),
        fetched_at=0.0,
        fingerprint="",
        metrics=METRICS,
        users={user.user_id: tuple(user.counters[name] for name in COUNTERS) for user in users},
        emails={user.user_id: user.email for user in users},
    )


def days(number: int) -> tuple[date, ...]:
    """So many days, up to the last."""
    return tuple(LAST - timedelta(days=number - 1 - n) for n in range(number))


def fill(work: WorkFile, number: int) -> None:
    """Put days into a work file, as if they had been fetched."""
    company = SimulatedCompany(USERS, SEED, ZONE, LAST)
    for day in days(number):
        found = [window(company, name, day) for name in WINDOWS]
        work.finish(day, found, [], CompanyState(host=""), 0.0)


def write(
    work: WorkFile,
    template: Path,
    number: int,
    step: int,
    text_format: TextFormat = TextFormat.OPENMETRICS,
) -> Output:
    """Write what the command would write, from days that are fetched."""
    began = time.perf_counter()
    fetched = index_fetched_days(
        days(number),
        work.windows,
        selection=ALL_USERS,
        company_state=CompanyState(host=""),
        latest=(),
        windows=WINDOWS,
        metrics=None,
        user_labels=UserLabels(email_label=str),
    )
    output_format = OutputFormat(
        text_format=text_format, labels=LABELS, zone=ZONE, step=step, now=1e12
    )
    files = OutputPath(template).files(days(number))
    found = [
        write_file(
            file,
            fetched=fetched,
            read=work.windows,
            output_format=output_format,
            before_rename=lambda _: None,
            check_stop=lambda: None,
        )
        for file in files
    ]
    return Output(
        paths=tuple(file.path for file in files),
        samples=sum(each.samples for each in found if each),
        size=sum(each.size for each in found if each),
        seconds=time.perf_counter() - began,
        user_days=sum(fetched.known),
    )


def blocks(program: str, paths: Sequence[Path], data: Path, *flags: str) -> tuple[float, int, int]:
    """Have promtool make blocks: seconds, blocks, bytes on disk."""
    shutil.rmtree(data, ignore_errors=True)
    began = time.perf_counter()
    for path in paths:
        subprocess.run(
            [program, "tsdb", "create-blocks-from", *flags, "openmetrics", str(path), str(data)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    seconds = time.perf_counter() - began
    made = [folder for folder in data.iterdir() if (folder / "meta.json").exists()]
    size = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
    return seconds, len(made), size


def by_step(work: WorkFile, folder: Path, number: int) -> list[Sequence[str]]:
    """Rows by step, scaled to a user and a year."""
    rows: list[Sequence[str]] = []
    for name, step in STEPS.items():
        made = write(work, folder / "step.om", max(3, number * step // DAY), step)
        share = YEAR / made.user_days
        rows.append(
            (
                f"`{name}`",
                f"{made.samples * share:,.0f}",
                f"{made.size * share / 1e6:,.1f}",
                f"{made.seconds * share:,.2f}",
                f"{made.samples / made.seconds / 1e6:.2f}",
            )
        )
        (folder / "step.om").unlink()
    return rows


def by_days(
    program: str, work: WorkFile, folder: Path, numbers: Sequence[int]
) -> list[Sequence[str]]:
    """Rows by days: promtool's time, and the blocks."""
    rows: list[Sequence[str]] = []
    ways: Mapping[str, tuple[str, Sequence[str]]] = {
        "one file": ("all.om", ()),
        "a file a month": ("%Y-%m.om", ()),
        "one file, long blocks": ("all.om", (LONG,)),
        "a file a month, long blocks": ("%Y-%m.om", (LONG,)),
    }
    for number in numbers:
        for way, (name, flags) in ways.items():
            made = write(work, folder / name, number, DAY)
            seconds, count, size = blocks(program, made.paths, folder / "data", *flags)
            rows.append((f"{number}", way, f"{seconds:.1f}", f"{count}", f"{size / 1e6:.1f}"))
            print(rows[-1], file=sys.stderr)
            for path in made.paths:
                path.unlink()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[30, 60, 120])
    numbers: list[int] = parser.parse_args().days
    program = shutil.which("promtool")
    if program is None:
        sys.exit("promtool is not installed; on Debian: apt-get install prometheus")
    with TemporaryDirectory(prefix="bench-backfill-") as name:
        folder = Path(name)
        work = WorkFile(folder / "work", {})
        fill(work, max(numbers))
        show(
            "A user and a year, by step",
            ("step", "samples", "MB", "seconds to write", "million samples a second"),
            by_step(work, folder, max(numbers)),
            "Three windows, 15 counters, OpenMetrics with job and instance.",
        )
        show(
            f"promtool, {USERS} users, one sample a day",
            ("days", "as", "seconds", "blocks", "MB of blocks"),
            by_days(program, work, folder, numbers),
            f"{machine()}.",
        )
        work.close()


if __name__ == "__main__":
    main()
