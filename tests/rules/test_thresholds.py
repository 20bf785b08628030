"""The alert rules and the code use the same thresholds."""

from __future__ import annotations

import yaml

from gong_exporter.drops import thresholds
from tests.support.rules_engine import ACTIVITY


def test_the_last_line_of_each_rule_is_the_threshold_in_the_code() -> None:
    (group,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
    last_lines = {
        (rule["alert"], rule["labels"]["severity"]): rule["expr"].splitlines()[-1].split()
        for rule in group["rules"]
    }
    found = {name: (operator, float(value)) for name, (operator, value) in last_lines.items()}
    assert found == {
        ("GongUserActivityDrop", "warning"): (">", thresholds.USER_YEARS),
        ("GongUserActivityDrop", "info"): (">", thresholds.USER_INFO_YEARS),
        ("GongUserGoneSilent", "info"): (">=", thresholds.SILENT_ACTIVE_DAYS),
        ("GongTeamActivityDrop", "warning"): (">", thresholds.TEAM_EVIDENCE),
        ("GongCompanyActivityDrop", "warning"): (">", thresholds.COMPANY_DROP),
    }
