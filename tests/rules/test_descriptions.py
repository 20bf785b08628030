"""What an alert says of a person, a team or the company, in Prometheus and in Grafana."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.rules_engine import ACTIVITY
from tests.support.rules_samples import HOUR, Feed, Sample, company, person, team
from tests.support.servers import need
from tools.grafana_alerts import TARGET

pytestmark = pytest.mark.server("promtool")

(GROUP,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
(GRAFANA,) = yaml.safe_load(TARGET.read_text(encoding="utf-8"))["groups"]


@dataclass(frozen=True)
class Said:
    """What is scraped, and what the alert of that name says then."""

    samples: list[Sample]
    alert: str
    text: str


COUNTS = "6 calls and contributions in the last 7 days, about 25 expected."
AT_WORK = "Active on 5 of the last 7 days."
CHANCE = "By chance about once in 60 years."

DROP, SILENT = "GongUserActivityDrop", "GongUserGoneSilent"


def drop(text: str, **about: Any) -> Said:
    return Said(person("ann", **{"years": 60, **about}), DROP, text)


SAID = {
    "an address alone": drop(f"ann@acme.com: {COUNTS} {AT_WORK} Less activity overall. {CHANCE}"),
    "an id alone": drop(f"User ann: {COUNTS} {AT_WORK} Less activity overall. {CHANCE}", email=""),
    "a team": drop(
        f"ann@acme.com (EMEA): {COUNTS} {AT_WORK} Less activity overall. {CHANCE}", team="EMEA"
    ),
    "a manager": drop(
        f"Ann Rho (manager Zoe): {COUNTS} {AT_WORK} Less activity overall. {CHANCE}",
        name="Ann Rho",
        manager="Zoe",
    ),
    "a team that is the manager's": drop(
        f"Ann Rho (manager Zoe): {COUNTS} {AT_WORK} Less activity overall. {CHANCE}",
        name="Ann Rho",
        manager="Zoe",
        team="Zoe",
    ),
    "everything, and a longer window": drop(
        "Ann Rho (EMEA, manager Zoe): 2 calls and contributions in the last 7 days, about 8"
        f" expected; 6 in the last 14 days, about 25 expected. {AT_WORK} Less activity overall."
        f" {CHANCE}",
        name="Ann Rho",
        team="EMEA",
        manager="Zoe",
        window="14d",
    ),
    "hosting": drop(
        "ann@acme.com: 2 calls and contributions in the last 7 days, about 8 expected; 6 in the"
        f" last 10 days, about 25 expected. {AT_WORK} Hosting fell most: 3 hosted calls in the last"
        f" 10 days, about 10 expected. {CHANCE}",
        window="10d",
        reason="hosting_down",
    ),
    "the team": drop(
        f"ann@acme.com: {COUNTS} {AT_WORK} The team is down too. {CHANCE}", reason="team_down"
    ),
    "new": drop(
        f"ann@acme.com: {COUNTS} {AT_WORK} New: less than four weeks of history. {CHANCE}",
        reason="new",
    ),
    "away": drop(
        f"ann@acme.com: {COUNTS} Active on 2 of the last 7 days. Last active on 2026-11-03."
        f" {CHANCE}",
        reason="away",
        active_days=(2, 17),
    ),
    "a reason of a later version": drop(
        f"ann@acme.com: {COUNTS} {AT_WORK} {CHANCE}", reason="holiday"
    ),
    "the end of the scale": drop(
        f"ann@acme.com: {COUNTS} {AT_WORK} Less activity overall. By chance less than once in 100"
        " years.",
        years=100,
    ),
    "silence": Said(
        person("cleo", active_days=(0, 12), name="Cleo Tan", team="APAC", manager="Zoe"),
        SILENT,
        "Cleo Tan (APAC, manager Zoe): no activity in the last 7 days, active on 12 of the 21 days"
        " before. Last active on 2026-11-03. Most often this is leave, or the person left the"
        " company.",
    ),
    "a team's week": Said(
        team("EMEA", 9),
        "GongTeamActivityDrop",
        "Team EMEA: 60 calls and contributions in the last 7 days, about 150 expected. Holidays and"
        " leave of single members are taken into account.",
    ),
    "a team's fortnight": Said(
        team("EMEA", 9, window="14d"),
        "GongTeamActivityDrop",
        "Team EMEA: 20 calls and contributions in the last 7 days, about 50 expected; 60 in the"
        " last 14 days, about 150 expected. Holidays and leave of single members are taken into"
        " account.",
    ),
    "the company": Said(
        company(40, 100),
        "GongCompanyActivityDrop",
        "The whole company (gong): 60% fewer calls and contributions in the last 7 days than in"
        " the mean of the three weeks before. Unless the company was closed, calls may no longer be"
        " recorded.",
    ),
}
each_said = pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))


@each_said
def test_the_alert_of_prometheus_says(tmp_path: Path, said: Said) -> None:
    rule = next(rule for rule in GROUP["rules"] if rule["alert"] == said.alert)
    assert_says(tmp_path, said, rule["expr"], rule["annotations"]["description"])


@each_said
def test_the_alert_of_grafana_says_the_same(tmp_path: Path, said: Said) -> None:
    """Its template by Prometheus's engine, which is the same: values are queried there."""
    rule = next(rule for rule in GRAFANA["rules"] if rule["title"] == said.alert)
    queries = {query["refId"]: query["model"].get("expr", "") for query in rule["data"]}
    template = re.sub(
        r"with \$values\.(\w+)",
        lambda found: f"range query {json.dumps(queries[found[1]])}",
        rule["annotations"]["description"],
    ).replace("$values.alert.Value", "$value")
    assert "$values" not in template
    assert_says(tmp_path, said, queries["alert"], template)


SAID_IN_A_GAP = {
    "everything, and a longer window": "Ann Rho (EMEA, manager Zoe): 2 calls and contributions in"
    f" the last 7 days, about 8 expected. {AT_WORK} {CHANCE}",
    "silence": SAID["silence"].text,
    "a team's fortnight": "Team EMEA: 20 calls and contributions in the last 7 days, about 50"
    " expected. Holidays and leave of single members are taken into account.",
}


@pytest.mark.parametrize(("said", "text"), SAID_IN_A_GAP.items())
def test_the_numbers_of_the_week_outlast_a_gap(tmp_path: Path, said: str, text: str) -> None:
    given = replace(SAID[said], text=text)
    rule = next(rule for rule in GROUP["rules"] if rule["alert"] == given.alert)
    description = rule["annotations"]["description"]
    assert_says(tmp_path, given, rule["expr"], description, at=HOUR + 1800)


def assert_says(
    folder: Path, said: Said, expression: str, template: str, *, at: int = HOUR
) -> None:
    rule = {
        "alert": "Said",
        "expr": f"max by ({', '.join(sorted(_labels(said)))}) ({expression})",
        "annotations": {"description": template},
    }
    (folder / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "said", "rules": [rule]}]}), encoding="utf-8"
    )
    test = {
        "interval": "5m",
        "input_series": Feed(300, 13).scrape(said.samples).input_series(),
        "alert_rule_test": [
            {
                "alertname": "Said",
                "eval_time": f"{at}s",
                "exp_alerts": [
                    {"exp_labels": _labels(said), "exp_annotations": {"description": said.text}}
                ],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [test]}),
        encoding="utf-8",
    )
    ran = subprocess.run(
        [need("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _labels(said: Said) -> dict[str, str]:
    """Of the alert: those of the info, or the team."""
    labels = {k: v for k, v in said.samples[0].labels.items() if k != "window" and v}
    return {"job": "gong", **labels}
