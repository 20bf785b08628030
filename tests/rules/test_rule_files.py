"""The rule files themselves: valid, tested, explained, and in the form that people expect."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gong_exporter.config.durations import parse_duration
from gong_exporter.exposition.names import FAMILIES
from tests.support.exporter import ROOT
from tests.support.rules_engine import ACTIVITY, PROMETHEUS
from tests.support.servers import need

FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
DOCS_URL = "https://github.com/gong-exporter/gong-exporter/blob/main/docs/"
RUNBOOKS = {"gong-activity": "alerting.md", "gong-exporter": "troubleshooting.md"}
"""By rule file: the page that says what to do about its alerts."""

LOOK_BACK = 5 * 60
RETENTION = parse_duration("15d")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def groups() -> Iterator[dict[str, Any]]:
    for path in FILES:
        yield from load(path)["groups"]


def rules(kind: str) -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"] if kind in rule]


ACTIVITY_ALERTS = load(ACTIVITY)["groups"][0]["rules"]
ALERTS = {rule["alert"]: rule for rule in rules("alert")}
each_name = pytest.mark.parametrize("name", ALERTS)
each_alert = pytest.mark.parametrize(
    "alert", rules("alert"), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}"
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [need("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.server("promtool")
def test_promtool_accepts_rules_and_example() -> None:
    for checked in (
        promtool("check", "rules", "--lint=all", "--lint-fatal", *FILES),
        promtool("check", "config", PROMETHEUS / "prometheus.example.yml"),
    ):
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "0 rule files" not in checked.stdout


@pytest.mark.server("promtool")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtools_tests_pass(path: Path) -> None:
    ran = promtool("test", "rules", path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@each_name
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    outcomes = {
        bool(check.get("exp_alerts"))
        for path in TESTS
        for test in load(path)["tests"]
        for check in test.get("alert_rule_test", ())
        if check["alertname"] == name
    }
    assert outcomes == {True, False}


@each_alert
def test_an_alert_is_named_and_described_as_it_should_be(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert re.fullmatch(r"Gong([A-Z][a-z]+)+", name)
    assert len(name) < 40
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert not any("$value" in value for value in alert["labels"].values())
    words = alert["annotations"]
    activity = {"dashboard_url", "rank"} if alert in ACTIVITY_ALERTS else set()
    assert set(words) == {"summary", "description", "runbook_url"} | activity
    assert re.fullmatch(r"[A-Z][^{}]*\.", words["summary"])
    assert words["description"].endswith((".", "{{ end }}"))
    if activity:
        # As messages have it: the name, perhaps something in brackets, a colon.
        assert re.match(r".*(\)|}}):", words["description"])
        assert words["dashboard_url"].startswith("/d/gong-")
    assert alert["for"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_alert_has_a_section_in_its_runbook_and_every_section_an_alert(path: Path) -> None:
    page = RUNBOOKS[path.stem]
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    alerts = {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for group in load(path)["groups"]
        for rule in group["rules"]
    }
    assert sorted(re.findall(r"^##+ (Gong\w+)$", text, re.MULTILINE)) == sorted(alerts)
    for name, url in alerts.items():
        assert url == f"{DOCS_URL}{page}#{name.lower()}"


def test_no_rule_needs_what_another_records() -> None:
    """So each alert can be copied alone, and a ruler without storage evaluates it as well."""
    assert rules("record") == []


def test_a_group_runs_within_the_look_back() -> None:
    for group in groups():
        assert parse_duration(group["interval"]) < LOOK_BACK


def test_no_range_needs_more_than_the_default_retention() -> None:
    reach = [
        parse_duration(span)
        for group in groups()
        for rule in group["rules"]
        for span in re.findall(r"(?:\[|offset )(\d+[a-z])", rule["expr"])
    ]
    assert reach
    assert max(reach) < RETENTION


def test_alerts_on_gong_up_and_on_data_cover_their_absence() -> None:
    for name in ("GongPollsFailing", "GongNoData"):
        assert 'up{job=~"gong.*"} == 1' in ALERTS[name]["expr"]
        assert "unless on (job, instance)" in ALERTS[name]["expr"]
    assert "absent(" in ALERTS["GongExporterAbsent"]["expr"]


def test_every_family_that_a_rule_reads_is_one_that_the_exporter_has() -> None:
    known = {family.name for family in FAMILIES} | {"up", "process_start_time_seconds"}
    read = {
        name
        for group in groups()
        for rule in group["rules"]
        for name in re.findall(r"(?<![:\w\"])(gong_[a-z_]+)\b(?!:)", rule["expr"])
    }
    assert len(read) > 10
    assert read <= known
