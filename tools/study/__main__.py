"""``make study``: how often the detector is right, on every day of simulated companies.

Thresholds are chosen on the training seeds; everything that is printed comes from the others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import reduce
from itertools import pairwise
from operator import add

from tools.study.company import company_lines
from tools.study.evaluate import Evaluation, evaluate, joined
from tools.study.plan import Study
from tools.study.report import CANDIDATES, NOMINAL, choose, team_table, user_tables
from tools.study.score import Score, Series, score_teams, score_users, team_evidence, user_years
from tools.study.truth import Truth

PARTS = 4
"""Each company's days are evaluated in so many parts, so that all processes have work."""

RULES_YEARS = (9.0, 24.0)
"""The thresholds of the rules for users, see prometheus/rules/gong-activity.yml."""

TEAM_EVIDENCE = (4.0, 7.0, 10.0)
"""The middle one is the rules'."""


def main() -> int:
    """Run the detector on all companies and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.study", description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 2))
    parser.add_argument("--training-seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    studies = {
        seed: Study(given.users, given.days, given.today, seed)
        for seed in (*given.training_seeds, *given.seeds)
    }
    found = run(list(studies.values()), given.processes)
    report(
        [(study, found[study]) for seed, study in studies.items() if seed in given.training_seeds],
        [(study, found[study]) for seed, study in studies.items() if seed in given.seeds],
    )
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


def report(
    training: Sequence[tuple[Study, Evaluation]], unseen: Sequence[tuple[Study, Evaluation]]
) -> None:
    """Choose thresholds on some companies and print what they do in others."""
    trained = [(Truth(study), user_years(found)) for study, found in training]
    candidates = {years: _total(score_users, trained, years) for years in CANDIDATES}
    chosen = [choose(candidates, one) for one in NOMINAL]
    truths = [Truth(study) for study, _ in unseen]
    people = list(zip(truths, (user_years(found) for _, found in unseen), strict=True))
    teams = list(zip(truths, (team_evidence(found) for _, found in unseen), strict=True))
    print(f"Trained on seeds {_seeds(training)}, reported on {_seeds(unseen)}, every day of each.")
    print(
        f"For {', '.join(map(str, NOMINAL))} wrong episodes a year for 500 people, training"
        f" chooses {', '.join(f'{years:g}' for years in chosen)} years.\n"
    )
    thresholds = sorted({*chosen, *RULES_YEARS})
    print(*user_tables({one: _total(score_users, people, one) for one in thresholds}), "", sep="\n")
    size = len(truths[0].company.teams)
    scores = {one: _total(score_teams, teams, one) for one in TEAM_EVIDENCE}
    print(*team_table(scores, size), "", sep="\n")
    for truth in truths:
        print(*company_lines(truth), sep="\n")


def _total(
    score: Callable[[Truth, Series, float], Score],
    companies: Sequence[tuple[Truth, Series]],
    threshold: float,
) -> Score:
    return reduce(add, (score(truth, series, threshold) for truth, series in companies))


def _seeds(studies: Sequence[tuple[Study, Evaluation]]) -> str:
    return ", ".join(
        f"{study.seed} ({study.users} people, {study.days} days)" for study, _ in studies
    )


if __name__ == "__main__":
    sys.exit(main())
