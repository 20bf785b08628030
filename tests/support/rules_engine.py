"""Rules through the real engine: what fires when, for series made by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.support.servers import need
from tools.study.counts import WATCHED, WINDOWS, Day
from tools.study.feed import DAY, HOUR, Feed, day_feed, write_test

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
ACTIVITY = PROMETHEUS / "rules" / "gong-activity.yml"

SHORT = {
    "drop": "GongUserActivityDrop",
    "silent": "GongUserGoneSilent",
    "team": "GongTeamActivityDrop",
    "company": "GongCompanyActivityDrop",
}

NOON = 12 * HOUR


def alert(told: str) -> dict[str, str]:
    """An alert's labels from ``drop ann``, ``silent ann``, ``team EMEA``, ``company``.

    A drop is of ``calls_as_host`` unless a further word says another metric.
    """
    kind, *rest = told.split(" ")
    labels = {"alertname": SHORT[kind]}
    if kind != "company":
        labels["team" if kind == "team" else "user"] = rest.pop(0)
    if kind != "silent":
        labels["metric"] = rest.pop(0) if rest else "calls_as_host"
    return labels


def assert_firing(
    folder: Path,
    feeds: Iterable[Feed],
    expected: Mapping[int, Iterable[str]],
    by: str = "alertname, user, metric",
) -> None:
    """Exactly these alerts fire at these times (seconds).

    A team is only looked at in alerts on teams.
    """
    only = (
        f'sum by ({by}) (ALERTS{{alertstate="firing", alertname!="GongTeamActivityDrop"}})'
        " or sum by (alertname, team, metric)"
        ' (ALERTS{alertstate="firing", alertname="GongTeamActivityDrop"})'
    )
    wanted = {at: [alert(told) for told in found] for at, found in expected.items()}
    assert_result(folder, feeds, only, wanted)


def assert_result(
    folder: Path,
    feeds: Iterable[Feed],
    expression: str,
    expected: Mapping[int, Iterable[Mapping[str, str]]],
) -> None:
    """An expression over what the rules made of the feeds has these series, each being 1."""
    path = folder / "test.yml"
    write_test(path, [ACTIVITY], feeds, expression, expected)
    ran = subprocess.run(
        [need("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def assert_story(folder: Path, days: Sequence[Day], told: Mapping[int, Iterable[str]]) -> None:
    """At noon of every day exactly these alerts fire; none on days that are not mentioned."""
    expected = {number * DAY + NOON: told.get(number, ()) for number in range(len(days))}
    shown = dict.fromkeys(WINDOWS, WATCHED)  # nobody does anything else in a story
    assert_firing(folder, [day_feed(days, shown=shown)], expected)
