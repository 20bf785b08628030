"""Real servers deliver the alerts on activity: Prometheus and vmalert, to a real Alertmanager."""

from __future__ import annotations

import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.rules_alertmanager import alertmanager
from tests.support.rules_delivery import await_states, eager_rules
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
    *person("ann", years=40, team="APAC", active="true"),
    *person("ben", years=12),
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


@contextmanager
def serving(text: str) -> Iterator[str]:
    """Host and port of a server that answers every request with the text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def assert_descriptions(alerts: list[dict[str, Any]]) -> None:
    found = {
        (alert["labels"].get("user"), alert["labels"]["severity"]): alert["annotations"][
            "description"
        ]
        for alert in alerts
    }
    assert found["ann", "warning"] == (
        "ann@acme.com of APAC does much less than usual."
        " In the last 7 days: 3 hosted calls, 10 expected."
        " In the last 7 days: 6 calls and contributions, 25 expected."
        " By chance alone, this happens to one person once in 40 years."
    )
    assert found["ben", "info"].startswith("ben@acme.com does much less than usual. In the last 7")
    assert found["cleo", "info"].startswith(
        "cleo@acme.com of APAC has no activity in the last 7 days, and was active on 12 of the"
    )
    assert found[None, "warning"].startswith(
        "Team EMEA does much less than usual."
        " In the last 14 days: 60 calls and contributions, 150 expected."
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
        "team": "APAC",
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
