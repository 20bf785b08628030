"""The demo's drops arrive at a receiver, through Prometheus and Alertmanager; nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from gong_exporter.cli.demo_company import demo_company, team_manager
from gong_exporter.runtime.detector import DetectorProcess
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.bench import bench
from tests.support.exporter import Samples
from tests.support.rules_alertmanager import EXAMPLE, Alertmanager, alertmanager
from tests.support.rules_delivery import eager_rules, serving
from tests.support.rules_receivers import Received, receivers
from tests.support.servers import prometheus, scrape_config, until

pytestmark = [pytest.mark.server("prometheus"), pytest.mark.server("prometheus-alertmanager")]

NOW = datetime(2026, 3, 11, 18, 0, tzinfo=UTC)
ZONE = ZoneInfo("US/Pacific")
DEMO = {
    "activity": {"roster": "gong", "roster_labels": ["name", "team", "manager", "title"]},
    "drops": {"enabled": True},
}


def scrape_of(company: SimulatedCompany, folder: Path) -> str:
    """What the exporter serves about the demo's company, by real polls and the real detector."""
    with bench(folder, company, now=NOW, sections=DEMO, start_detector=DetectorProcess) as loop:

        def compared() -> bool:
            loop.turn()
            return (
                loop.value("gong_activity_history_ratio") == 1
                and loop.value("gong_company_usual_activity", window="7d") is not None
            )

        loop.run()
        until(compared, "the whole history is compared", 120)
        return b"".join(loop.exposition.body(None, None).chunks).decode()


Subject = tuple[str, str]
"""An alert's name, and the user or team that it is about."""


def subject(alert: Mapping[str, Any]) -> Subject:
    labels = alert["labels"]
    return labels["alertname"], labels.get("user") or labels.get("team", "")


def delivered(received: Received) -> set[Subject]:
    """The alerts in all messages."""
    return {subject(alert) for _, message in received.posts for alert in message["alerts"]}


def to_deliver(manager: Alertmanager) -> set[Subject]:
    """The warnings that Alertmanager has and does not hold back."""
    return {
        subject(alert)
        for alert in manager.alerts()
        if alert["labels"]["severity"] == "warning" and alert["status"]["state"] == "active"
    }


def test_the_planted_person_and_team_arrive_and_nobody_on_leave_or_holiday(tmp_path: Path) -> None:
    """With the shipped rules, but every ``for`` and interval is a second; with the example's
    inhibitions, and one webhook for everything except severity info."""
    company = demo_company(ZONE, NOW.astimezone(ZONE).date())
    slump, team, silence, leave, holiday = company.events
    text = scrape_of(company, tmp_path)
    shown = {labels["user"] for labels, _ in Samples(text).of("gong_user_info")}
    assert {*slump.user_ids, *leave.user_ids} <= shown
    with receivers() as received, serving(text) as target:
        manager_config = {
            "route": {
                "receiver": "webhook",
                "group_by": ["alertname", "user", "team"],
                "group_wait": "3s",
                "routes": [{"matchers": ['severity = "info"'], "receiver": "nobody"}],
            },
            "inhibit_rules": yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"],
            "receivers": [
                {
                    "name": "webhook",
                    "webhook_configs": [{"url": f"http://{received.http}/alerts"}],
                },
                {"name": "nobody"},
            ],
        }
        with alertmanager(tmp_path, manager_config) as manager:
            config = scrape_config(target) | {
                "rule_files": [str(eager_rules(tmp_path))],
                "alerting": {
                    "alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]
                },
            }
            with prometheus(tmp_path, config):
                silent = ("GongUserGoneSilent", silence.event.who)
                expected = {
                    ("GongUserActivityDrop", slump.event.who),
                    ("GongTeamActivityDrop", team_manager(company, team.event.who)),
                }
                until(lambda: delivered(received) >= expected, "the messages", 60)
                until(lambda: silent in map(subject, manager.alerts()), "the silence", 60)
                assert to_deliver(manager) == expected
                alerts = {subject(alert) for alert in manager.alerts()}
    assert delivered(received) == expected
    (drop,) = (
        alert["annotations"]["description"]
        for _, message in received.posts
        for alert in message["alerts"]
        if alert["labels"].get("user") == slump.event.who
    )
    (person,) = (one for one in company.people if one.user_id == slump.event.who)
    assert drop.startswith(f"{person.name} (manager {person.manager}): ")
    closed = team_manager(company, holiday.event.who)
    absent = {*leave.user_ids, *holiday.user_ids, closed, silence.event.who}
    assert {alert for alert in alerts if alert[1] in absent} == {silent}
