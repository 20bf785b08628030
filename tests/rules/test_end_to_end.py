"""A slump in the simulated API, the real exporter, Prometheus with our rules, Alertmanager."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.api.server import utc_now
from gong_exporter.simulator.company.demo import demo_company
from gong_exporter.simulator.company.roster import roster_csv
from gong_exporter.simulator.records import Company, UserActivity
from tests.support.exporter import exporter, write_config
from tests.support.rules_alertmanager import alertmanager
from tests.support.rules_engine import PROMETHEUS
from tests.support.servers import prometheus, scrape_config, until
from tests.support.simulator import running_simulator

ZONE = ZoneInfo("America/New_York")
CALM = date(2026, 6, 1)
"""A day on which the demo's slump is beyond chance; the season of the test does not matter."""

pytestmark = [pytest.mark.server("prometheus"), pytest.mark.server("prometheus-alertmanager")]


class Today:
    """A company whose past is moved so that its CALM is the day of the test."""

    def __init__(self, company: Company, moved: timedelta) -> None:
        self._company = company
        self._moved = moved

    @property
    def time_zone(self) -> ZoneInfo:
        return self._company.time_zone

    @property
    def user_ids(self) -> Sequence[str]:
        return self._company.user_ids

    def activity(self, start: date, end: date) -> Sequence[UserActivity]:
        return self._company.activity(start - self._moved, end - self._moved)


def impatient(folder: Path) -> Path:
    """A copy of the rules that fire at once: every ``for`` and interval is a second."""
    copies = folder / "rules"
    copies.mkdir()
    for rules in (PROMETHEUS / "rules").glob("*.yml"):
        text = rules.read_text(encoding="utf-8")
        text = re.sub(r"^( +)(for|interval): \S+$", r"\1\2: 1s", text, flags=re.MULTILINE)
        (copies / rules.name).write_text(text, encoding="utf-8")
    return copies


def test_a_planted_slump_arrives_at_alertmanager_and_a_silence_holds_its_own_back(
    tmp_path: Path,
) -> None:
    company = demo_company(ZONE, CALM)
    slump, silence = company.events
    people = {person.user_id: person for person in company.people}
    slumped, silent = people[slump.user_ids[0]], people[silence.user_ids[0]]
    (tmp_path / "roster.csv").write_text(roster_csv(company), encoding="utf-8")
    here = Today(company, datetime.now(ZONE).date() - CALM)
    with (
        running_simulator(here, now=utc_now) as simulator,
        exporter(
            write_config(tmp_path, simulator.url, activity={"roster_file": "roster.csv"})
        ) as running,
        alertmanager(tmp_path) as manager,
    ):
        running.await_polls(1)  # or for a moment there would be an alert on missing data, too
        config = scrape_config(running.address) | {
            "rule_files": [f"{impatient(tmp_path)}/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]},
        }
        with prometheus(tmp_path, config) as server:
            until(
                lambda: (
                    {alert["labels"].get("user") for alert in manager.alerts()}
                    >= {slumped.user_id, silent.user_id}
                ),
                "both are at Alertmanager",
                60,
            )
            manager.suppressed(3)  # all are there, and through the inhibitions
            alerts = manager.alerts()
            health = {
                rule["name"]: rule["health"]
                for group in server.get("/api/v1/rules")["data"]["groups"]
                for rule in group["rules"]
            }
    assert set(health.values()) == {"ok"}, health
    told = {
        (alert["labels"]["alertname"], alert["labels"]["user"]): alert["status"]["state"]
        for alert in alerts
    }
    assert told == {
        ("GongUserActivityDrop", slumped.user_id): "active",
        ("GongUserGoneSilent", silent.user_id): "active",
        ("GongUserActivityDrop", silent.user_id): "suppressed",
    }
    (drop,) = (a for a in alerts if a["labels"]["user"] == slumped.user_id)
    assert drop["labels"] == {
        "alertname": "GongUserActivityDrop",
        "job": "gong",
        "user": slumped.user_id,
        "email": slumped.email,
        "team": slumped.team,
        "metric": "calls_as_host",
        "severity": "warning",
    }
    week = company.truth(slumped.user_id, CALM - timedelta(days=7), CALM)["callsAsHost"]
    assert drop["annotations"]["description"].startswith(
        f"{slumped.email} of {slumped.team} has {week} calls as host in the last 7 days."
    )
    assert drop["annotations"]["runbook_url"].endswith("docs/runbooks.md#gonguseractivitydrop")
