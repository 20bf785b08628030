"""Draws the dashboards over the demo's company: ``make screenshots DASHBOARD_PREVIEW=path``.

The company's past comes from the simulator, the present from the demo's own exporter; a Prometheus
in between has both. Pictures go to docs/images, or where ``--out`` says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gong_exporter.cli.demo_company import USERS
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.dashboard_company import demo_in_prometheus
from tests.support.servers import Prometheus

ROOT = Path(__file__).parents[1]
WIDTH = 1600
LEAST_HEIGHT = 300
RANGE = 30
"""Days that are shown; the whole weeks go further back."""

NO_DATA = 3
"""Status of a drawing program for queries without data, such as those of a year ago."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A dashboard, its time range, and what is chosen on it."""

    uid: str
    since: str
    until: str = "now"
    chosen: Sequence[str] = ()


def pictures(
    company: SimulatedCompany, server: Prometheus, days: int, now: datetime
) -> Sequence[Picture]:
    """One of each dashboard; the team and the person are those to whom something happened.

    The exporter's ends with its past: the one that runs since a minute ago has spent no quota.
    """
    day = (now - timedelta(days=1)).isoformat(), now.isoformat()
    slump, team_slump, *_ = company.events
    members = f'gong_user_info{{user=~"{"|".join(team_slump.user_ids)}"}}'
    most = server.query(f"topk(1, count by (team) ({members}))")
    teams = [f"team={labels['team']}" for labels, _ in most]
    users = [f"user={user}" for user in slump.user_ids]
    since = f"now-{min(days, RANGE)}d"
    return (
        Picture("gong-this-week", since),
        Picture("gong-overview", since),
        Picture("gong-team", since, chosen=teams),
        Picture("gong-user", since, chosen=users),
        Picture("gong-exporter", *day),
    )


def main() -> int:
    """Draw them all; the worst exit status of the drawing program."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("preview", help="the program that draws a dashboard")
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments.add_argument("--users", type=int, default=USERS)
    arguments.add_argument("--days", type=int, default=130, help="of the past")
    wanted = arguments.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gong-screenshots-") as scratch:
        made = demo_in_prometheus(wanted.users, wanted.days, Path(scratch))
        with made as (server, company, now):
            return max(
                draw(picture, wanted.preview, server.url, wanted.out)
                for picture in pictures(company, server, wanted.days, now)
            )


def draw(picture: Picture, program: str, url: str, out: Path) -> int:
    """One picture; the program's exit status."""
    command = [
        program,
        str(ROOT / "grafana" / "dashboards" / f"{picture.uid}.json"),
        f"--prometheus={url}",
        f"--out={out / picture.uid}.png",
        f"--from={picture.since}",
        f"--to={picture.until}",
        f"--width={WIDTH}",
        f"--min-height={LEAST_HEIGHT}",
        *(f"--var={each}" for each in picture.chosen),
    ]
    status = subprocess.run(command, check=False).returncode  # noqa: S603 -- given by the caller
    return 0 if status == NO_DATA else status


if __name__ == "__main__":
    sys.exit(main())
