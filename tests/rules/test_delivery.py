"""Real servers deliver the alerts on activity: Prometheus and vmalert, to a real Alertmanager."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.rules_alertmanager import alertmanager
from tests.support.rules_delivery import await_states, eager_rules, serving
from tests.support.rules_engine import PROMETHEUS
from tests.support.rules_samples import Sample, exposition, person, team
from tests.support.servers import (
    free_port,
    need,
    prometheus,
    running,
    scrape_config,
)
from tests.support.victoria import victoria_metrics

SAMPLES: list[Sample] = [
    *person("ann", years=60, team="APAC", active="true", name="Ann Rho", manager="Zoe Kay"),
    *person("ben", years=12, window="10d", reason="hosting_down"),
    *person("cleo", active_days=(0, 12), team="APAC"),
    *person("dan", years=90, team="EMEA"),
    *person("eve", team="EMEA"),
    *team("EMEA", 9, window="14d"),
]
"""Ann has a drop, Ben a small one, Cleo is silent, Dan's drop is that of his team."""

DELIVERED = {
    ("GongUserActivityDrop", "warning", "ann"): "active",
    ("GongUserActivityDrop", "info", "ann"): "suppressed",
    ("GongUserActivityDrop", "info", "ben"): "active",
    ("GongUserGoneSilent", "info", "cleo"): "active",
    ("GongUserActivityDrop", "warning", "dan"): "suppressed",
    ("GongUserActivityDrop", "info", "dan"): "suppressed",
    ("GongTeamActivityDrop", "warning", "EMEA"): "active",
}


def assert_descriptions(alerts: list[dict[str, Any]]) -> None:
    found = {
        (alert["labels"].get("user"), alert["labels"]["severity"]): alert["annotations"][
            "description"
        ]
        for alert in alerts
    }
    assert found["ann", "warning"] == (
        "Ann Rho (APAC, manager Zoe Kay): 6 calls and contributions in the last 7 days, about 25"
        " expected. Active on 5 of the last 7 days. Less activity overall."
        " By chance about once in 60 years."
    )
    assert found["ben", "info"] == (
        "ben@acme.com: 2 calls and contributions in the last 7 days, about 8 expected; 6 in the"
        " last 10 days, about 25 expected. Active on 5 of the last 7 days. Hosting fell most:"
        " 3 hosted calls in the last 10 days, about 10 expected. By chance about once in 12 years."
    )
    assert found["cleo", "info"].startswith(
        "cleo@acme.com (APAC): no activity in the last 7 days, active on 12 of the 21 days before."
        " Last active on 2026-11-03. Most often"
    )
    assert found[None, "warning"].startswith(
        "Team EMEA: 20 calls and contributions in the last 7 days, about 50 expected;"
        " 60 in the last 14 days, about 150 expected. Holidays"
    )


@pytest.mark.server("prometheus", "prometheus-alertmanager")
def test_prometheus_delivers_the_alerts(tmp_path: Path) -> None:
    with serving(exposition(SAMPLES)) as address, alertmanager(tmp_path) as manager:
        config = scrape_config(address) | {
            "rule_files": [str(eager_rules(tmp_path))],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]},
        }
        with prometheus(tmp_path, config) as server:
            alerts = await_states(manager, DELIVERED)
            health = {
                rule["health"]
                for group in server.get("/api/v1/rules")["data"]["groups"]
                for rule in group["rules"]
            }
    assert health == {"ok"}
    assert_descriptions(alerts)
    assert {
        "alertname": "GongUserActivityDrop",
        "severity": "warning",
        "job": "gong",
        "user": "ann",
        "email": "ann@acme.com",
        "name": "Ann Rho",
        "team": "APAC",
        "manager": "Zoe Kay",
    } in [alert["labels"] for alert in alerts]


@pytest.mark.server("vmalert")
def test_vmalert_accepts_the_rule_files() -> None:
    files = [f"-rule={path}" for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    ran = subprocess.run(
        [need("vmalert"), "-dryRun", *files], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.server("victoria-metrics", "vmalert", "prometheus-alertmanager")
def test_vmalert_delivers_the_same_alerts(tmp_path: Path) -> None:
    with victoria_metrics(tmp_path) as database, alertmanager(tmp_path) as manager:
        text = exposition(SAMPLES, job="gong", instance="a:1")
        push = urllib.request.Request(
            f"{database.url}/api/v1/import/prometheus", data=text.encode(), method="POST"
        )
        with urllib.request.urlopen(push, timeout=10):
            pass
        address = f"127.0.0.1:{free_port()}"
        command = [
            need("vmalert"),
            f"-rule={eager_rules(tmp_path)}",
            f"-datasource.url={database.url}",
            f"-notifier.url=http://{manager.address}",
            f"-httpListenAddr={address}",
            "-disableAlertgroupLabel",
        ]
        with running(command, f"http://{address}/health", tmp_path / "vmalert.log"):
            alerts = await_states(manager, DELIVERED)
    assert_descriptions(alerts)
