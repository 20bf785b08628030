"""Rules through the real engine: what fires when, for series made by hand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.rules_samples import Feed
from tests.support.servers import need

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
ACTIVITY = PROMETHEUS / "rules" / "gong-activity.yml"

SHORT = {
    "drop": "GongUserActivityDrop",
    "silent": "GongUserGoneSilent",
    "team": "GongTeamActivityDrop",
    "company": "GongCompanyActivityDrop",
}

_ALL = 'ALERTS{alertstate="firing", alertname!="GongUserActivityDrop"}'
_DROPS = 'ALERTS{alertstate="firing", severity="warning"}'
FIRING = (
    f'sum by (alertname, user) (({_ALL} or {_DROPS}) and on (user) ALERTS{{user!=""}})'
    f' or sum by (alertname, team) (({_ALL} or {_DROPS}) unless on (user) ALERTS{{user!=""}})'
)
"""What fires, without the drops of severity info. Two alerts on the same thing would be a 2."""


def assert_firing(
    folder: Path,
    feed: Feed,
    expected: Mapping[int, Iterable[str]],
    rules: Path = ACTIVITY,
) -> None:
    """Exactly these alerts fire at these times (seconds).

    Args:
        folder: for promtool's input.
        feed: the series.
        expected: such as ``drop ann``, ``silent ann``, ``team EMEA``, ``company``.
        rules: the rule file.
    """
    wanted = {at: [_alert(each) for each in found] for at, found in expected.items()}
    assert_result(folder, feed, FIRING, wanted, rules)


def assert_result(
    folder: Path,
    feed: Feed,
    expression: str,
    expected: Mapping[int, Iterable[Mapping[str, str]]],
    rules: Path = ACTIVITY,
) -> None:
    """An expression over what the rules made of the feed has these series, each being 1."""
    interval = f"{feed.step}s"
    checks = [
        {
            "expr": expression,
            "eval_time": f"{at}s",
            "exp_samples": [{"labels": _selector(labels), "value": 1} for labels in found],
        }
        for at, found in expected.items()
    ]
    test = {
        "interval": interval,
        "input_series": feed.input_series(),
        "promql_expr_test": checks,
    }
    document = {"rule_files": [str(rules)], "evaluation_interval": interval, "tests": [test]}
    path = folder / "test.yml"
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    ran = subprocess.run(
        [need("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _alert(text: str) -> dict[str, str]:
    kind, *rest = text.split(" ")
    labels = {"alertname": SHORT[kind]}
    if rest:
        labels["team" if kind == "team" else "user"] = rest[0]
    return labels


def _selector(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"
