"""``make study``: how often the detector is right, on every day of simulated companies.

Thresholds are chosen on the training seeds; everything that is printed comes from the others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import pairwise

from gong_exporter.drops.thresholds import TEAM_EVIDENCE, USER_INFO_YEARS, USER_YEARS
from tools.study.evaluate import Evaluation, evaluate, joined
from tools.study.plan import Study
from tools.study.report import (
    CANDIDATES,
    NOMINAL,
    PEOPLE,
    TEAM_CANDIDATES,
    TEAM_NOMINAL,
    TEAMS,
    choose,
    company_lines,
    team_table,
    user_tables,
)
from tools.study.score import Companies

PARTS = 4
"""Each company's days are evaluated in so many parts, so that all processes have work."""


def main() -> int:
    """Run the detector on all companies and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.study", description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 2))
    parser.add_argument("--training-seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19, 20, 21, 22])
    parser.add_argument(
        "--uneven-weeks",
        action="store_true",
        help="people unlike the simulator's, to whom rarity was not fitted",
    )
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    training, unseen = (
        [
            Study(given.users, given.days, given.today, seed, uneven_weeks=given.uneven_weeks)
            for seed in seeds
        ]
        for seeds in (given.training_seeds, given.seeds)
    )
    found = run([*training, *unseen], given.processes)
    report(*(Companies({study: found[study] for study in of}) for of in (training, unseen)))
    return 0


def run(studies: Sequence[Study], processes: int) -> Mapping[Study, Evaluation]:
    """Evaluate every day of some companies."""
    with ProcessPoolExecutor(processes) as pool:
        parts = {
            study: [
                pool.submit(evaluate, study, start, stop)
                for start, stop in pairwise(study.days * n // PARTS for n in range(PARTS + 1))
            ]
            for study in studies
        }
        return {study: joined([part.result() for part in of]) for study, of in parts.items()}


def report(training: Companies, unseen: Companies) -> None:
    """Choose thresholds on some companies and print what they do in others."""
    scores = {years: training.users(years) for years in CANDIDATES}
    chosen = [choose(scores, nominal, PEOPLE) for nominal in NOMINAL]
    scores = {least: training.teams(least) for least in TEAM_CANDIDATES}
    chosen_for_teams = choose(scores, TEAM_NOMINAL, TEAMS)
    print(f"Trained on seeds {_seeds(training)}, reported on {_seeds(unseen)}, every day of each.")
    print(
        f"For {', '.join(map(str, NOMINAL))} wrong episodes a year for 500 people, training"
        f" chooses {', '.join(f'{years:g}' for years in chosen)} years;"
        f" for {TEAM_NOMINAL} a year for {TEAMS} teams, {chosen_for_teams:g}.\n"
    )
    years = sorted({*chosen, USER_YEARS, USER_INFO_YEARS})
    print(*user_tables({one: unseen.users(one) for one in years}), "", sep="\n")
    evidence = sorted({TEAM_EVIDENCE, chosen_for_teams})
    print(*team_table({one: unseen.teams(one) for one in evidence}), "", sep="\n")
    for truth in unseen.truths:
        print(*company_lines(truth), sep="\n")


def _seeds(companies: Companies) -> str:
    studies = [truth.study for truth in companies.truths]
    return ", ".join(f"{study.seed} ({study.users} people, {study.days} days)" for study in studies)


if __name__ == "__main__":
    sys.exit(main())
