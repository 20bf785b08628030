"""The example for Alertmanager: valid, routed as it says, and what explains inhibits the rest."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gong_exporter.config.durations import parse_duration
from tests.support.exporter import ROOT
from tests.support.rules_alertmanager import EXAMPLE, alertmanager
from tests.support.rules_engine import PROMETHEUS
from tests.support.rules_samples import DAY
from tests.support.servers import need

pytestmark = pytest.mark.server("amtool")


DROP = {"alertname": "GongUserActivityDrop", "job": "gong", "severity": "warning"}
SMALL_DROP = {**DROP, "severity": "info"}
SILENT = {"alertname": "GongUserGoneSilent", "job": "gong"}
TEAM = {"alertname": "GongTeamActivityDrop", "job": "gong"}
COMPANY = {"alertname": "GongCompanyActivityDrop", "job": "gong"}


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("amtool"), *arguments], capture_output=True, text=True, check=False)


def test_amtool_accepts_the_example() -> None:
    checked = amtool("check-config", str(EXAMPLE))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "6 inhibit rules" in checked.stdout


def test_every_alert_of_the_rules_is_routed_to_those_who_can_do_something() -> None:
    routed = {}
    for file in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    labels = [f"alertname={rule['alert']}", *_labels(rule["labels"])]
                    tested = amtool("config", "routes", "test", f"--config.file={EXAMPLE}", *labels)
                    severity = rule["labels"]["severity"]
                    routed[rule["alert"], severity] = tested.stdout.strip()
    assert routed == {
        ("GongUserActivityDrop", "warning"): "week,sales",
        ("GongUserActivityDrop", "info"): "week,nobody",
        ("GongUserGoneSilent", "info"): "week,nobody",
        ("GongTeamActivityDrop", "warning"): "week,sales",
        ("GongCompanyActivityDrop", "warning"): "week,sales",
        ("GongExporterDown", "critical"): "operators",
        ("GongExporterAbsent", "critical"): "operators",
        ("GongPollsFailing", "warning"): "operators",
        ("GongPollOverdue", "warning"): "operators",
        ("GongDataStale", "warning"): "operators",
        ("GongDayHistoryStale", "warning"): "operators",
        ("GongNoData", "critical"): "operators",
        ("GongCredentialsRefused", "critical"): "operators",
        ("GongRateLimited", "warning"): "operators",
        ("GongQuotaNearlySpent", "warning"): "operators",
        ("GongUnknownUsers", "info"): "nobody",
        ("GongConfigReloadFailed", "warning"): "operators",
        ("GongStateFileFailing", "warning"): "operators",
    }


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"team": "EMEA"}, "week,sales-emea"),
        ({"team": "Americas"}, "week,sales"),
        ({"team": "APAC", "manager_email": "zoe@acme.com"}, "week,managers,sales-apac"),
        ({"severity": "info", "team": "EMEA", "manager_email": "zoe@acme.com"}, "week,nobody"),
        ({"alertname": "GongTeamActivityDrop", "team": "EMEA"}, "week,sales-emea"),
    ],
)
def test_a_drop_goes_to_the_channel_of_the_team_and_to_the_manager(
    labels: dict[str, str], receivers: str
) -> None:
    alert = _labels({**DROP, **labels})
    tested = amtool("config", "routes", "test", f"--config.file={EXAMPLE}", *alert)
    assert tested.stdout.strip() == receivers


def test_closures_mute_what_people_did_and_not_the_exporter() -> None:
    config = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    routes = list(_routes(config["route"]))
    muted = {route["receiver"] for route in routes if "mute_time_intervals" in route}
    others = {route["receiver"] for route in routes if "mute_time_intervals" not in route}
    assert muted == {"week", "managers", "sales", "sales-emea", "sales-apac"}
    assert others == {"operators", "nobody"}


def test_the_list_of_the_week_is_sent_once_in_the_hour_on_monday() -> None:
    """Alertmanager looks every group_interval: at least once, at most twice within the hour."""
    config = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    (week,) = (route for route in _routes(config["route"]) if route["receiver"] == "week")
    ((times,),) = (
        interval["time_intervals"]
        for interval in config["time_intervals"]
        if [interval["name"]] == week["active_time_intervals"]
    )
    assert times["weekdays"] == ["monday"]
    assert times["times"] == [{"start_time": "08:00", "end_time": "09:00"}]
    assert 30 * 60 < parse_duration(week["group_interval"]) < 3600
    assert 6 * DAY <= parse_duration(week["repeat_interval"]) < 7 * DAY - 3600


@pytest.mark.server("prometheus-alertmanager")
def test_what_explains_a_drop_holds_it_back(tmp_path: Path) -> None:
    with alertmanager(tmp_path) as running:
        running.take(
            [
                # Ann is silent, Ben of the same team is not; Cleo is in a team that is down; Dan
                # has no team; Eve's company is down altogether; Fay's drop is a small one.
                {**DROP, "user": "ann", "team": "EMEA"},
                {**SILENT, "user": "ann", "team": "EMEA"},
                {**DROP, "user": "ben", "team": "EMEA"},
                {**DROP, "user": "cleo", "team": "APAC"},
                {**SILENT, "user": "cleo", "team": "APAC"},
                {**TEAM, "team": "APAC"},
                {**DROP, "user": "dan"},
                {**SMALL_DROP, "user": "dan"},
                {**SMALL_DROP, "user": "fay"},
                {**COMPANY, "job": "gong-other"},
                {**DROP, "job": "gong-other", "user": "eve", "team": "Sales"},
                {**TEAM, "job": "gong-other", "team": "Sales"},
            ]
        )
        held = running.suppressed(12)
    assert {(values[0], values[-1]) for values in held} == {
        ("GongUserActivityDrop", "ann"),
        ("GongUserActivityDrop", "cleo"),
        ("GongUserGoneSilent", "cleo"),
        ("GongUserActivityDrop", "dan"),
        ("GongUserActivityDrop", "eve"),
        ("GongTeamActivityDrop", "Sales"),
    }
    assert len(held) == 6


@pytest.mark.server("prometheus-alertmanager")
def test_refused_credentials_hold_back_what_follows_from_them(tmp_path: Path) -> None:
    names = (
        "GongCredentialsRefused",
        "GongPollsFailing",
        "GongDataStale",
        "GongDayHistoryStale",
        "GongNoData",
    )
    with alertmanager(tmp_path) as running:
        running.take(
            [
                {"alertname": name, "job": "gong", "instance": instance}
                for instance in ("a:1", "b:1")
                for name in names
                if (name, instance) != ("GongCredentialsRefused", "b:1")
            ]
        )
        held = running.suppressed(9)
    assert held == {(name, "a:1", "gong") for name in names[1:]}


@pytest.mark.server("prometheus-alertmanager")
def test_leave_is_silenced_as_the_docs_say(tmp_path: Path) -> None:
    told = (ROOT / "docs" / "alerting.md").read_text(encoding="utf-8")
    ((command,),) = [re.findall(r"`amtool (silence add [^`]*email=[^`]*)`", told)]
    silent = {**SILENT, "user": "1", "email": "jane@acme.com"}
    with alertmanager(tmp_path) as running:
        url = f"--alertmanager.url=http://{running.address}"
        added = amtool(url, *shlex.split(command), "--author=tests")
        assert added.returncode == 0, added.stderr
        running.take([silent, {**silent, "user": "2", "email": "joe@acme.com"}])
        running.suppressed(2)
        silenced = {
            alert["labels"]["user"] for alert in running.alerts() if alert["status"]["silencedBy"]
        }
    assert silenced == {"1"}


def _routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for child in route.get("routes", ()):
        yield from _routes(child)


def _labels(labels: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]
