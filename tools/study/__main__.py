"""``make study``: prints the tables of docs/alerting.md, and checks them with the real engine."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

from tools.study.counts import WATCHED
from tools.study.engine import compare_all
from tools.study.plant import Study, study
from tools.study.rule import readings
from tools.study.tables import company_episodes, silences, team_grid, user_grid, variants


def main() -> int:
    """Study one company; 1 if the engine and Python disagree anywhere."""
    parser = argparse.ArgumentParser(prog="python -m tools.study", description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 1))
    parser.add_argument(
        "--engine-users",
        type=int,
        default=60,
        help="in a company of so many the real engine must fire exactly what is counted here, on"
        " every day (promtool holds 10,000 samples at a time); 0: none",
    )
    given = parser.parse_args()
    promtool = shutil.which("promtool")
    if given.engine_users and promtool is None:
        parser.error("promtool is not installed; --engine-users=0 does without")
    studied = study(given.users, given.days, given.seed, given.today)
    days = list(readings(studied.days))
    teams = {team for day in studied.days for team in day.teams.values()}
    print(
        f"{given.users} users, {len(teams)} teams, {given.days} days up to {given.today},"
        f" seed {given.seed}: {len(studied.users)} planted slumps of users,"
        f" {len(studied.teams)} of teams.\n"
    )
    for metric in WATCHED:
        for title, table in (
            ("users", user_grid(studied, days, metric)),
            ("what the parts are worth", variants(studied, days, metric)),
            ("teams", team_grid(studied, days, metric)),
            ("the company", company_episodes(days, metric)),
        ):
            print(f"### {metric}: {title}\n", *table, "", sep="\n")
    print(*silences(days), "", sep="\n")
    if not given.engine_users:
        return 0
    smaller = study(given.engine_users, given.days, given.seed, given.today)
    return _check(promtool or "", smaller)


def _check(promtool: str, studied: Study) -> int:
    """Hold the tables' arithmetic against the engine; 1 if they differ on any day."""
    checked = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        days = list(readings(studied.days))
        for count, said in compare_all(promtool, Path(folder), studied.days, days):
            checked += count
            wrong += bool(said)
            print(f"engine: {checked} days {'agree' if not said else 'DISAGREE'}", flush=True)
            print(said[:2000], end="", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
