"""The alerts on activity over time: gaps, replicas, new people, leavers, by the real engine."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml

from gong_exporter.exposition.drop_lines import SECONDS_PER_YEAR
from tests.support.rules_engine import ACTIVITY, assert_firing, assert_result
from tests.support.rules_samples import DAY, HOUR, Feed, Sample, company, person, team

pytestmark = pytest.mark.server("promtool")

STEP = 300
FOR = 900
"""Seconds for which an alert is pending."""

ANN = person("ann", years=60, team="EMEA")
BEN = person("ben")
DROP = ("drop ann",)


def feed(hours: float) -> Feed:
    return Feed(STEP, int(hours * HOUR) // STEP + 1)


def test_a_drop_fires_after_fifteen_minutes(tmp_path: Path) -> None:
    served = feed(2).scrape([*ANN, *BEN])
    assert_firing(tmp_path, served, {FOR - STEP: (), FOR: DROP, 2 * HOUR: DROP})


@pytest.mark.parametrize(
    ("years", "hosting_years", "fires"),
    [(24.1, 1, True), (1, 24.1, True), (23.9, 23.9, False), (23.9, 1, False)],
)
def test_the_rarer_kind_of_drop_counts(
    tmp_path: Path,
    years: float,
    hosting_years: float,
    fires: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    served = feed(1).scrape(person("ann", years=years, hosting_years=hosting_years))
    assert_firing(tmp_path, served, {HOUR: DROP if fires else ()})


def test_a_drop_lasts_over_the_weekend_and_ends_with_its_evidence(tmp_path: Path) -> None:
    """The numbers change once a day; on Sunday and Monday those of the two days before stay."""
    served = Feed(HOUR, 5 * 24)
    days = [("7d", 60), ("10d", 66), ("10d", 66), ("14d", 56), ("14d", 20)]
    for day, (window, years) in enumerate(days):
        ann = person("ann", years=years, window=window, active_days=(5 - day % 3, 20))
        served.scrape(ann, day * DAY, (day + 1) * DAY)
    hours = range(HOUR, 5 * DAY, HOUR)
    assert_firing(tmp_path, served, {at: DROP if at < 4 * DAY else () for at in hours})


def test_a_gap_of_two_hours_does_not_start_the_fifteen_minutes_again(tmp_path: Path) -> None:
    served = feed(3).scrape(ANN, 0, 2 * STEP).scrape(ANN, 2 * HOUR)
    told = {FOR - STEP: (), **dict.fromkeys(range(FOR, 3 * HOUR, STEP), DROP)}
    assert_firing(tmp_path, served, told)


def test_a_restart_that_serves_nothing_for_a_while_does_not_resolve_it(tmp_path: Path) -> None:
    """The info and the numbers come back at different times, both within two hours."""
    numbers, info = ANN[1:], ANN[:1]
    served = feed(6).scrape(ANN, 0, HOUR).scrape(info, HOUR + STEP).scrape(numbers, 2 * HOUR + FOR)
    told = dict.fromkeys(range(FOR, 6 * HOUR, STEP), DROP)
    assert_firing(tmp_path, served, told)


def test_after_a_longer_gap_it_has_to_hold_for_fifteen_minutes_again(tmp_path: Path) -> None:
    served = feed(7).scrape(ANN, 0, HOUR).scrape(ANN, 5 * HOUR)
    told = {3 * HOUR + STEP: (), 5 * HOUR: (), 5 * HOUR + FOR - STEP: (), 5 * HOUR + FOR: DROP}
    assert_firing(tmp_path, served, told)


def test_data_that_became_stale_end_every_alert_within_two_hours(tmp_path: Path) -> None:
    """The exporter still answers, and serves the info, but no numbers from a history too old."""
    samples = [*ANN, *team("APAC", 9), *company(10, 100), *person("cleo", active_days=(0, 12))]
    kept = [sample for sample in samples if sample.name == "gong_user_info"]
    served = feed(5).scrape(samples, 0, HOUR).scrape(kept, HOUR)
    told = {HOUR: ("drop ann", "team APAC", "company", "silent cleo"), 3 * HOUR + STEP: ()}
    assert_firing(tmp_path, served, told)


def test_a_new_user_without_evidence_has_no_alert(tmp_path: Path) -> None:
    new = [
        Sample("gong_user_info", {"user": "new", "email": ""}, 1),
        Sample("gong_user_presence_ratio", {"user": "new", "email": "", "window": "7d"}, 0.2),
    ]
    assert_firing(tmp_path, feed(2).scrape([*new, *ANN]), {2 * HOUR: DROP})


def test_somebody_who_left_the_metrics_has_no_alert_after_two_hours(tmp_path: Path) -> None:
    served = feed(4).scrape(BEN).scrape(ANN, 0, HOUR)
    assert_firing(tmp_path, served, {HOUR: DROP, 2 * HOUR + 2400: DROP, 3 * HOUR + STEP: ()})


@pytest.mark.parametrize("active", ["true", ""])
def test_people_who_are_active_or_of_whom_it_is_not_known_alert(
    tmp_path: Path, active: str
) -> None:
    served = feed(1).scrape(person("ann", years=60, active=active))
    assert_firing(tmp_path, served, {HOUR: DROP})


def test_nobody_whom_the_roster_calls_inactive_alerts(tmp_path: Path) -> None:
    gone = [
        *person("ann", years=60, active="false"),
        *person("cleo", active_days=(0, 12), active="false"),
    ]
    assert_result(tmp_path, feed(2).scrape(gone), "ALERTS", {2 * HOUR: ()})


def test_an_alert_ends_when_the_person_becomes_inactive(tmp_path: Path) -> None:
    after = person("ann", years=60, team="EMEA", active="false")
    served = feed(4).scrape(ANN, 0, HOUR).scrape(after, HOUR)
    assert_firing(tmp_path, served, {HOUR - STEP: DROP, HOUR + FOR: (), 2 * HOUR: ()})


def test_two_replicas_are_one_alert(tmp_path: Path) -> None:
    samples = [*ANN, *team("APAC", 9), *company(10, 100), *person("cleo", active_days=(0, 12))]
    served = feed(1).scrape(samples, pod="a").scrape(samples, instance="b:1", pod="b")
    told = ("drop ann", "team APAC", "company", "silent cleo")
    assert_firing(tmp_path, served, {HOUR: told})


def test_a_replica_that_restarts_or_lags_behind_does_not_resolve_an_alert(tmp_path: Path) -> None:
    behind = person("ann", years=3, team="EMEA", window="10d")
    served = feed(6).scrape(ANN, 0, 3 * HOUR).scrape(behind, 0, 5 * HOUR, instance="b:1")
    served.scrape(ANN, 4 * HOUR)
    assert_firing(tmp_path, served, dict.fromkeys(range(FOR, 6 * HOUR, STEP), DROP))


def test_a_new_address_or_team_is_the_alerts_new_label(tmp_path: Path) -> None:
    after = person("ann", years=60, team="APAC", email="ann@acme.example")
    served = feed(6).scrape(ANN, 0, 2 * HOUR).scrape(after, 2 * HOUR)
    firing = 'sum by (email, team) (ALERTS{alertstate="firing", severity="warning"})'
    old = {"email": "ann@acme.com", "team": "EMEA"}
    new = {"email": "ann@acme.example", "team": "APAC"}
    told = {2 * HOUR - STEP: [old], 2 * HOUR + FOR - STEP: [], 2 * HOUR + FOR: [new]}
    assert_result(tmp_path, served, firing, told)


def test_two_companies_in_two_jobs_do_not_mix(tmp_path: Path) -> None:
    served = feed(1).scrape([*ANN, *company(10, 100)], job="gong-acme")
    served.scrape([*person("ann"), *company(90, 100)], job="gong-emca")
    firing = 'sum by (job, user) (ALERTS{alertstate="firing", severity="warning"})'
    told = [{"job": "gong-acme", "user": "ann"}, {"job": "gong-acme"}]
    assert_result(tmp_path, served, firing, {HOUR: told})


def test_the_labels_of_the_target_and_of_the_roster_are_kept(tmp_path: Path) -> None:
    ann = person("ann", years=60, team="EMEA", manager="Zoe", active="true")
    served = feed(1).scrape([*ann, *team("APAC", 9)], namespace="sales", cluster="eu")
    target = {"job": "gong", "namespace": "sales", "cluster": "eu"}
    common = {"alertstate": "firing", "severity": "warning", **target}
    told = [
        {
            "__name__": "ALERTS",
            "alertname": "GongUserActivityDrop",
            "user": "ann",
            "email": "ann@acme.com",
            "team": "EMEA",
            "manager": "Zoe",
            **common,
        },
        {"__name__": "ALERTS", "alertname": "GongTeamActivityDrop", "team": "APAC", **common},
    ]
    assert_result(tmp_path, served, 'ALERTS{severity="warning"}', {HOUR: told})


def test_a_week_of_nothing_is_silence_and_no_drop(tmp_path: Path) -> None:
    """Without activity, a drop has no evidence either."""
    silent = person("cleo", years=60, active_days=(0, 12))
    silent = [sample for sample in silent if "drop" not in sample.name]
    served = feed(1).scrape([*silent, *person("dan", active_days=(1, 12))])
    assert_firing(tmp_path, served, {HOUR: ("silent cleo",)})


def thresholds() -> list[tuple[str, str, str]]:
    """Name and severity of each alert, and its threshold as it is written."""
    (group,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
    found = []
    for rule in group["rules"]:
        last = re.fullmatch(r">=? ([\d.]+)", rule["expr"].splitlines()[-1])
        assert last, "the last line of an expression is its threshold"
        found.append((rule["alert"], rule["labels"]["severity"], last[1]))
    return found


def test_the_thresholds_stand_in_a_line_of_their_own() -> None:
    assert thresholds() == [
        ("GongUserActivityDrop", "warning", "24"),
        ("GongUserActivityDrop", "info", "9"),
        ("GongUserGoneSilent", "info", "5"),
        ("GongTeamActivityDrop", "warning", "7.5"),
        ("GongCompanyActivityDrop", "warning", "0.5"),
    ]


@pytest.mark.parametrize("index", range(5))
def test_a_threshold_is_changed_in_one_line(tmp_path: Path, index: int) -> None:
    """Every alert fires; with one threshold higher, all but that one."""
    samples = [
        *person("ann", years=98),
        *person("cleo", active_days=(0, 12)),
        *team("APAC", 8),
        *company(10, 100),
    ]
    alerts = [(name, severity) for name, severity, _ in thresholds()]
    served = feed(1).scrape(samples)
    firing = 'sum by (alertname, severity) (ALERTS{alertstate="firing"})'
    every = [{"alertname": name, "severity": severity} for name, severity in alerts]
    assert_result(tmp_path, served, firing, {HOUR: every})
    rules = tmp_path / "rules.yml"
    lines = ACTIVITY.read_text(encoding="utf-8").splitlines()
    places = [n for n, line in enumerate(lines) if re.fullmatch(r" +>=? [\d.]+", line)]
    lines[places[index]] = re.sub(r"[\d.]+", "99", lines[places[index]])
    rules.write_text("\n".join(lines), encoding="utf-8")
    fewer = [each for number, each in enumerate(every) if number != index]
    assert_result(tmp_path, served, firing, {HOUR: fewer}, rules)


def test_a_year_of_the_rules_is_a_year_of_the_exporter() -> None:
    written = re.findall(r"/ \(([\d.* ]+)\)\n", ACTIVITY.read_text(encoding="utf-8"))
    years = [math.prod(float(factor) for factor in text.split("*")) for text in written]
    assert years == [SECONDS_PER_YEAR, SECONDS_PER_YEAR]
