"""The alerts on activity as Grafana-managed rules: the same rules, and what explains the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import alerting

from tests.support.rules_delivery import serving
from tests.support.rules_engine import ACTIVITY, assert_result
from tests.support.rules_samples import HOUR, Feed, company, exposition, person, team
from tests.support.servers import prometheus_scraping
from tools.grafana_alerts import TARGET, text

(GROUP,) = yaml.safe_load(TARGET.read_text(encoding="utf-8"))["groups"]
(ORIGINAL,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
PAIRS = list(zip(RULES, ORIGINAL["rules"], strict=True))


def test_the_committed_file_is_what_the_rules_give() -> None:
    assert TARGET.read_text(encoding="utf-8") == text(), "make copies writes it"


def test_everything_but_queries_and_descriptions_is_the_same() -> None:
    assert (GROUP["name"], GROUP["interval"]) == (ORIGINAL["name"], ORIGINAL["interval"])
    for rule, original in PAIRS:
        assert rule["for"] == original["for"]
        assert rule["labels"] == original["labels"]
        for name in ("summary", "runbook_url"):
            assert rule["annotations"][name] == original["annotations"][name]
        own = "\n".join(line.strip() for line in original["expr"].splitlines())
        assert own in "\n".join(
            line.strip() for line in rule["data"][0]["model"]["expr"].splitlines()
        )


def test_a_rule_has_the_fields_that_grafana_knows() -> None:
    for rule in RULES:
        sent = alerting.Rule.from_json(rule).to_json()
        assert rule.keys() <= sent.keys()
        assert sent["condition"] == "fires"
        queries = {query["refId"] for query in rule["data"]}
        assert {"alert", "fires"} <= queries
        named = set(re.findall(r"\$values\.(\w+)", rule["annotations"]["description"]))
        assert named | {"alert", "fires"} == queries
        assert "query" not in rule["annotations"]["description"]
        assert rule["annotations"]["dashboard_url"].startswith("{{ externalURL }}d/gong-")
    for field in ("uid", "title"):
        assert len({rule[field] for rule in RULES}) == len(RULES)


@pytest.fixture
def as_prometheus_rules(tmp_path: Path) -> Path:
    """Each Grafana rule's expression in a rule file, for promtool."""
    rules = [
        {
            "alert": rule["title"],
            "expr": rule["data"][0]["model"]["expr"],
            "for": rule["for"],
            "labels": rule["labels"],
        }
        for rule in RULES
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "grafana", "rules": rules}]}))
    return path


ANN = person("ann", years=60, team="EMEA")
BEN = person("ben", years=60, team="APAC")
DAN = person("dan", years=60)
CLEO = person("cleo", active_days=(0, 12), team="EMEA")


@pytest.mark.server("promtool")
@pytest.mark.parametrize(
    ("teams_and_company", "told"),
    [
        ([*team("EMEA", 3), *company(90, 100)], {"ann", "ben", "dan", "cleo"}),
        ([*team("EMEA", 8), *company(90, 100)], {"EMEA", "ben", "dan"}),
        ([*team("EMEA", 8), *company(40, 100)], {"company"}),
        ([], {"ann", "ben", "dan", "cleo"}),
    ],
    ids=["nothing else", "a team", "the company", "without teams"],
)
def test_a_drop_of_the_team_or_the_company_holds_back_those_of_its_people(
    tmp_path: Path, as_prometheus_rules: Path, teams_and_company: list[Any], told: set[str]
) -> None:
    served = Feed(300, 13).scrape([*ANN, *BEN, *DAN, *CLEO, *teams_and_company])
    firing = (
        'sum by (user, team) (ALERTS{alertstate="firing", severity="warning"}'
        ' or ALERTS{alertname="GongUserGoneSilent", alertstate="firing"})'
    )
    labels = {
        "ann": {"user": "ann", "team": "EMEA"},
        "ben": {"user": "ben", "team": "APAC"},
        "dan": {"user": "dan"},
        "cleo": {"user": "cleo", "team": "EMEA"},
        "EMEA": {"team": "EMEA"},
        "company": {},
    }
    expected = {HOUR: [labels[each] for each in told]}
    assert_result(tmp_path, served, firing, expected, as_prometheus_rules)


@pytest.mark.server("prometheus")
def test_grafana_finds_the_numbers_of_each_alert(tmp_path: Path) -> None:
    """It takes those whose labels are all among the alert's, or that have all of the alert's."""
    ann = person("ann", years=60, window="10d", reason="hosting_down", team="APAC", name="Ann")
    gone = person("cleo", active_days=(0, 12), team="APAC")
    samples = [*ann, *person("ben", years=60, window="14d"), *gone, *team("EMEA", 9, "14d")]
    with (
        serving(exposition(samples)) as address,
        prometheus_scraping(address, directory=tmp_path) as server,
    ):
        server.await_scrape()
        for rule in RULES[:4]:
            alert, *others = (query["model"] for query in rule["data"][:-1])
            fired = [labels for labels, _ in server.query(alert["expr"])]
            assert fired, rule["title"]
            for query in others:
                found = [labels for labels, _ in server.query(query["expr"])]
                for labels in fired:
                    matching = [
                        each
                        for each in found
                        if each.items() <= labels.items() or each.items() >= labels.items()
                    ]
                    assert len(matching) == 1, (rule["title"], query, labels, found)


@pytest.mark.server("promtool")
def test_a_value_is_above_zero_wherever_a_rule_fires(
    tmp_path: Path, as_prometheus_rules: Path
) -> None:
    """The condition is a value above 0, so that a company without any activity must not give 0."""
    served = Feed(300, 13).scrape([*company(0, 100)])
    assert_result(
        tmp_path,
        served,
        RULES[4]["data"][0]["model"]["expr"],
        {HOUR: [{"job": "gong"}]},
        as_prometheus_rules,
    )
