"""Drops in the simulated API reach Alertmanager, through the real exporter and Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.api.simulator import utc_now
from gong_exporter.simulator.records import COUNTERS, ApiUserActivity
from tests.support.companies import zone_where_it_is_morning
from tests.support.exporter import exporter, write_config
from tests.support.rules_alertmanager import alertmanager
from tests.support.rules_delivery import await_states, eager_rules
from tests.support.servers import prometheus, scrape_config, until
from tests.support.simulator import running_simulator

pytestmark = [pytest.mark.server("prometheus"), pytest.mark.server("prometheus-alertmanager")]

ANN, CLEO, GONE = "101", "102", "103"
EMEA, OTHERS = ("201", "202", "203"), ("301", "302", "303", "304", "305", "306")
TEAMS = {**dict.fromkeys(EMEA, "EMEA"), **dict.fromkeys(OTHERS, "APAC"), ANN: "Americas"}

DAYS = 10
"""How long each drop has lasted."""


class CompanyWithDrops:
    """Everyone hosts three to five calls a day and attends two, without a weekend.

    Ann and Gone, who left by the roster, have one call a day now, and so has each member of the
    team EMEA. Cleo does nothing any more.
    """

    def __init__(self, time_zone: ZoneInfo, today: date) -> None:
        self.time_zone = time_zone
        self.user_ids: Sequence[str] = (ANN, CLEO, GONE, *EMEA, *OTHERS)
        self._dropped_on = today - timedelta(days=DAYS)

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        days = [start + timedelta(days=number) for number in range((end - start).days)]
        found = []
        for user in self.user_ids:
            hosted = sum(self._hosted(user, day) for day in days)
            attended = sum(2 for day in days if not self._dropped(user, day))
            if hosted or attended:
                counts = {"callsAsHost": hosted, "callsAttended": attended}
                counters = {name: counts.get(name, 0) for name in COUNTERS}
                found.append(ApiUserActivity(user, f"{user}@acme.com", counters))
        return found

    def _dropped(self, user: str, day: date) -> bool:
        return day >= self._dropped_on and user not in OTHERS

    def _hosted(self, user: str, day: date) -> int:
        if self._dropped(user, day):
            return 0 if user == CLEO else 1
        return 3 + (day.toordinal() + int(user)) % 3


def test_drops_arrive_at_alertmanager_once_for_each_cause(tmp_path: Path) -> None:
    zone = ZoneInfo(zone_where_it_is_morning())
    company = CompanyWithDrops(zone, datetime.now(zone).date())
    rows = [
        f"{user},{TEAMS.get(user, '')},{str(user != GONE).lower()}" for user in company.user_ids
    ]
    (tmp_path / "roster.csv").write_text("\n".join(["id,team,active", *rows]), encoding="utf-8")
    with (
        running_simulator(company, now=utc_now) as simulator,
        exporter(
            write_config(
                tmp_path,
                simulator.url,
                gong={"requests_per_second": 50},
                activity={"roster_file": "roster.csv"},
                drops={"enabled": True},
            )
        ) as running,
        alertmanager(tmp_path) as manager,
    ):
        until(
            lambda: running.samples().value("gong_activity_history_ratio") == 1,
            f"the history is complete: {running.log()}",
        )
        config = scrape_config(running.address) | {
            "rule_files": [str(eager_rules(tmp_path))],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]},
        }
        with prometheus(tmp_path, config):
            alerts = await_states(
                manager,
                {
                    ("GongUserActivityDrop", "warning", ANN): "active",
                    ("GongUserActivityDrop", "info", ANN): "suppressed",
                    ("GongUserGoneSilent", "info", CLEO): "active",
                    ("GongTeamActivityDrop", "warning", "EMEA"): "active",
                    **{
                        ("GongUserActivityDrop", severity, member): "suppressed"
                        for severity in ("warning", "info")
                        for member in EMEA
                    },
                },
            )
    (ann,) = (
        alert["annotations"]["description"]
        for alert in alerts
        if (alert["labels"].get("user"), alert["labels"]["severity"]) == (ANN, "warning")
    )
    assert ann.startswith("101@acme.com (Americas): 7 calls and contributions in the last 7 days, ")
    assert " Active on 7 of the last 7 days. " in ann
    assert ann.endswith(" By chance less than once in 100 years.")
