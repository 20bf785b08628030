"""``make study``: prints how often a rule on windows alone would be right."""

from __future__ import annotations

import argparse
import sys
from datetime import date

from tools.study.counts import WATCHED
from tools.study.plant import study
from tools.study.rule import readings
from tools.study.tables import company_episodes, silences, team_grid, user_grid, variants


def main() -> int:
    """Study one company."""
    parser = argparse.ArgumentParser(prog="python -m tools.study", description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 1))
    given = parser.parse_args()
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
