"""The same days through the real engine: promtool, the rules as they are, all four alerts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.study.counts import Day
from tools.study.feed import DAY, HOUR, day_feed, write_test
from tools.study.rule import HISTORY_DAYS, Readings

RULES = Path(__file__).parents[2] / "prometheus" / "rules" / "gong-activity.yml"

EXPRESSION = 'sum by (alertname, user, team, metric) (ALERTS{alertstate="firing"})'


def firing(readings: Readings, day: Day) -> list[dict[str, str]]:
    """What should fire at noon: the labels of each alert."""
    found: list[dict[str, str]] = []

    def add(alert: str, **labels: str) -> None:
        found.append({"alertname": alert} | {k: v for k, v in labels.items() if v})

    for each in readings.dropped():
        team = day.teams.get(each.subject, "")
        add("GongUserActivityDrop", user=each.subject, team=team, metric=each.metric)
    for user in sorted(readings.silent()):
        add("GongUserGoneSilent", user=user, team=day.teams.get(user, ""))
    for each in readings.teams_dropped():
        add("GongTeamActivityDrop", team=each.subject, metric=each.metric)
    for each in readings.company_dropped():
        add("GongCompanyActivityDrop", metric=each.metric)
    return found


def compare(
    promtool: str,
    folder: Path,
    days: Sequence[Day],
    readings: Sequence[Readings],
    *,
    skip: int = 0,
    rules: Iterable[Path] = (RULES,),
) -> str:
    """Whether the engine fires exactly what Python says, at noon of every day.

    Args:
        promtool: the program.
        folder: for its input.
        days: consecutive.
        readings: of the same days.
        skip: leave out so many days at the beginning: they are there for the history only.
        rules: the rule files.

    Returns:
        What promtool has to say against it; empty if nothing.
    """
    expected = {
        number * DAY + 12 * HOUR: firing(each, day)
        for number, (each, day) in enumerate(zip(readings, days, strict=True))
        if number >= skip
    }
    path = folder / "study.yml"
    write_test(path, rules, [day_feed(days)], EXPRESSION, expected)
    ran = subprocess.run(  # noqa: S603 -- promtool on a file of ours
        [promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def compare_all(
    promtool: str,
    folder: Path,
    days: Sequence[Day],
    readings: Sequence[Readings],
    length: int = 60,
) -> Iterable[tuple[int, str]]:
    """The same for a long time, in parts: how many days each had, and what was said against it."""
    for start in range(0, len(days), length):
        lead = min(start, HISTORY_DAYS)
        part = slice(start - lead, start + length)
        said = compare(promtool, folder, days[part], readings[part], skip=lead)
        yield min(length, len(days) - start), said
