"""The digest says what the alerts say, word for word."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gong_exporter.digest.samples import Samples
from gong_exporter.digest.sentences import company_drop, person_drop, person_silent, team_drop
from gong_exporter.digest.week import DigestWeek, read_week
from tests.support.rules_engine import ACTIVITY
from tests.support.rules_samples import Feed, Sample, company, exposition, person, team
from tests.support.servers import need

pytestmark = pytest.mark.server("promtool")

END = datetime(2026, 3, 9, 8, tzinfo=UTC).timestamp()


def read(samples: Iterable[Sample]) -> DigestWeek:
    history = [
        Sample("gong_activity_history_ratio", {}, 1),
        Sample("gong_activity_history_end_timestamp_seconds", {}, END),
    ]
    return read_week(Samples([exposition([*samples, *history])]), END)


def assert_same(
    folder: Path, samples: list[Sample], alert: str, labels: Mapping[str, str], sentence: str
) -> None:
    """The alert with these labels has this description."""
    (group,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
    (*_, rule) = [each for each in group["rules"] if each["alert"] == alert]
    # promtool compares all annotations: leave the one that is in question.
    rule["annotations"] = {"description": rule["annotations"]["description"]}
    rules = folder / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "one", "rules": [rule]}]}))
    fires = {
        "exp_labels": {"job": "gong", "severity": rule["labels"]["severity"], **labels},
        "exp_annotations": {"description": sentence},
    }
    test = {
        "interval": "5m",
        "input_series": Feed(300, 13).scrape(samples).input_series(),
        "alert_rule_test": [{"eval_time": "1h", "alertname": alert, "exp_alerts": [fires]}],
    }
    document = {"rule_files": [str(rules)], "evaluation_interval": "5m", "tests": [test]}
    path = folder / "test.yml"
    path.write_text(json.dumps(document))
    ran = subprocess.run(
        [need("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{sentence}\n{ran.stdout}{ran.stderr}"


def info(samples: list[Sample]) -> dict[str, str]:
    """The labels of the person's alert."""
    return {name: value for name, value in samples[0].labels.items() if value and name != "active"}


def with_one(samples: list[Sample]) -> list[Sample]:
    """With a single call counted, and a single one expected."""
    counts = ("observed_activity", "expected_activity")
    return [replace(each, value=1) if each.name.endswith(counts) else each for each in samples]


def without(name: str, samples: list[Sample]) -> list[Sample]:
    """The samples of all other families."""
    return [sample for sample in samples if sample.name != name]


EXPECTED, LAST = "gong_user_expected_activity", "gong_user_last_active_timestamp_seconds"

DROPS = {
    "a week": person("ann", years=60),
    "no address": person("ann", years=60, email=""),
    "a name": person("ann", years=60, name="Ann Rho", team="EMEA", manager="Zoë Kay"),
    "a team": person("ann", years=60, team="EMEA"),
    "a team that is a manager": person("ann", years=60, team="Zoë Kay", manager="Zoë Kay"),
    "a manager": person("ann", years=60, manager="Zoë Kay"),
    "fourteen days": person("ann", years=12.4, window="14d"),
    "nothing expected": without(EXPECTED, person("ann", years=12.5, window="10d")),
    "only the rarity": without("gong_user_observed_activity", person("ann", years=12.5)),
    "rare": person("ann", years=99.6),
    "rarest": person("ann", years=100, active_days=(2, 20)),
    "not rarest": person("ann", years=99.4),
    "the team": person("ann", years=60, reason="team_down"),
    "new": person("ann", years=60, reason="new"),
    "away": person("ann", years=60, reason="away"),
    "away since an unknown day": without(LAST, person("ann", years=60, reason="away")),
    "no reason": without("gong_user_drop_reason", person("ann", years=60)),
    "hosting": person("ann", hosting_years=60, window="14d", reason="hosting_down"),
    "one call": with_one(
        person("ann", years=60, hosting_years=60, window="10d", reason="hosting_down")
    ),
}


@pytest.mark.parametrize("name", DROPS)
def test_a_drop_is_described_as_by_the_alert(tmp_path: Path, name: str) -> None:
    samples = DROPS[name]
    (found,) = read(samples).dropped
    sentence = str(person_drop(found))
    assert_same(tmp_path, samples, "GongUserActivityDrop", info(samples), sentence)


@pytest.mark.parametrize("family", ["", LAST])
def test_silence_is_described_as_by_the_alert(tmp_path: Path, family: str) -> None:
    samples = without(family, person("ann", active_days=(0, 13), name="Ann Rho", team="EMEA"))
    (found,) = read(samples).silent
    sentence = str(person_silent(found))
    assert_same(tmp_path, samples, "GongUserGoneSilent", info(samples), sentence)


TEAMS = {"7d": team("EMEA", 9), "14d": team("EMEA", 9, "14d"), "one": with_one(team("EMEA", 9))}


@pytest.mark.parametrize("name", TEAMS)
def test_a_team_is_described_as_by_the_alert(tmp_path: Path, name: str) -> None:
    samples = TEAMS[name]
    (found,) = read([*samples, *person("ann")]).teams
    sentence = str(team_drop(found))
    assert_same(tmp_path, samples, "GongTeamActivityDrop", {"team": "EMEA"}, sentence)


@pytest.mark.parametrize("observed", [0, 40, 33.3])
def test_the_company_is_described_as_by_the_alert(tmp_path: Path, observed: float) -> None:
    samples = company(observed, 100)
    found = read([*samples, *person("ann")]).company
    assert found is not None
    # The alert names the job too, by which Prometheus tells companies apart.
    sentence = str(company_drop(found)).replace(":", " (gong):", 1)
    assert_same(tmp_path, samples, "GongCompanyActivityDrop", {}, sentence)


def test_one_is_singular() -> None:
    (found,) = read(DROPS["one call"]).dropped
    assert str(person_drop(found)).startswith(
        "ann@acme.com: 1 call or contribution in the last 7 days, about 1 expected; 1 in the last"
        " 10 days, about 1 expected. Active on 5 of the last 7 days. Hosting fell most: 1 hosted"
        " call in the last 10 days, about 1 expected."
    )
