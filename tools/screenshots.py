"""Draws the dashboards over the demo's company: ``make screenshots DASHBOARD_PREVIEW=path``.

On a Monday of the simulated calendar, so that pictures of the same dashboards are the same on any
day. They go to docs/images, or where ``--out`` says.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.cli.demo_company import USERS
from gong_exporter.cli.simulate import DEFAULT_ZONE
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.dashboard_company import demo_past_in_prometheus
from tools.dashboards.history import WEEKS

ROOT = Path(__file__).parents[1]
WIDTH = 1600
LEAST_HEIGHT = 300
NOW = datetime(2026, 9, 28, 9, tzinfo=ZoneInfo(DEFAULT_ZONE))


@dataclass(frozen=True, slots=True)
class Picture:
    """A dashboard, how much of the past it shows, and what is chosen on it."""

    uid: str
    past: timedelta
    chosen: Sequence[str] = ()


def pictures(company: SimulatedCompany) -> Sequence[Picture]:
    """One of each dashboard; the team and the person are those to whom something happened."""
    slump, team_slump, *_ = company.events
    people = {person.user_id: person.team for person in company.people}
    ((team, _),) = Counter(people[user] for user in team_slump.user_ids).most_common(1)
    weeks = timedelta(weeks=WEEKS + 1)
    return (
        Picture("gong-this-week", timedelta(weeks=8)),
        Picture("gong-overview", weeks),
        Picture("gong-team", weeks, [f"team={team}"]),
        Picture("gong-user", weeks, [f"user={slump.user_ids[0]}"]),
        Picture("gong-exporter", timedelta(days=1)),
    )


def main() -> int:
    """Draw them all; the worst exit status of the drawing program."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("preview", help="the program that draws a dashboard")
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments.add_argument("--users", type=int, default=USERS)
    arguments.add_argument("--days", type=int, default=400, help="of the past")
    wanted = arguments.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gong-screenshots-") as name:
        folder = Path(name)
        made = demo_past_in_prometheus(wanted.users, wanted.days, NOW, folder)
        with made as (server, company):
            return max(
                draw(picture, wanted.preview, server.url, wanted.out, folder)
                for picture in pictures(company)
            )


def draw(picture: Picture, program: str, url: str, out: Path, folder: Path) -> int:
    """One picture; the program's exit status."""
    command = [
        program,
        str(in_the_past(picture.uid, folder)),
        f"--prometheus={url}",
        f"--out={out / picture.uid}.png",
        f"--from={(NOW - picture.past).isoformat()}",
        f"--to={NOW.isoformat()}",
        f"--width={WIDTH}",
        f"--min-height={LEAST_HEIGHT}",
        *(f"--var={each}" for each in picture.chosen),
    ]
    return subprocess.run(command, check=False).returncode  # noqa: S603 -- given by the caller


def in_the_past(uid: str, folder: Path) -> Path:
    """A copy of all dashboards; one of them without time ranges of panels, which end today."""
    for path in (ROOT / "grafana" / "dashboards").glob("*.json"):
        page = json.loads(path.read_text(encoding="utf-8"))
        for panel in page["panels"]:
            panel.pop("timeFrom", None)
        (folder / path.name).write_text(json.dumps(page), encoding="utf-8")
    return folder / f"{uid}.json"


if __name__ == "__main__":
    sys.exit(main())
