"""Writes the activity alerts as Grafana-managed rules: ``make copies`` runs it.

Expressions, thresholds, durations, labels and summaries are those of the Prometheus rules. Grafana
differs in two ways: its templates cannot query, so that a rule has its numbers as further queries;
and its own Alertmanager does not inhibit, so that an alert that explains another is excluded in the
expression.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
RULES = ROOT / "prometheus" / "rules" / "gong-activity.yml"
TARGET = ROOT / "grafana" / "alerting" / "gong-activity.yaml"

DATA_SOURCE = "gong-prometheus"
EXPRESSION = "__expr__"
LOOK_BACK_SECONDS = 600

HEAD = """\
# The alerts of prometheus/rules/gong-activity.yml as Grafana-managed rules, for a Grafana that
# evaluates alerts itself: copy this file to provisioning/alerting. Do not load the Prometheus rules
# as well, or every alert is sent twice. The data source has the uid gong-prometheus, as in
# provisioning/datasources; replace it by the uid of yours.
# Written by make copies.
"""

_PERSON = (
    "{{ with $labels.email }}{{ . }}{{ else }}User {{ $labels.user }}{{ end }}"
    "{{ with $labels.team }} of {{ . }}{{ end }}"
)


def _week(family: str, subject: str, matchers: str = "") -> str:
    """Of the last 7 days, with no label that the alert lacks: only then Grafana joins the two."""
    return f'max by (job, {subject}) (last_over_time({family}{{{matchers}window="7d"}}[2h]))'


NUMBERS = {
    "GongUserActivityDrop": {
        "observed": _week("gong_user_observed_activity", "user", 'metric="own_activity", '),
        "expected": _week("gong_user_expected_activity", "user", 'metric="own_activity", '),
        "hosted": _week("gong_user_observed_activity", "user", 'metric="calls_as_host", '),
        "hosted_expected": _week("gong_user_expected_activity", "user", 'metric="calls_as_host", '),
    },
    "GongTeamActivityDrop": {
        "observed": _week("gong_team_observed_activity", "team"),
        "expected": _week("gong_team_expected_activity", "team"),
    },
}
"""What the description of an alert quotes besides the value of its expression."""


def _number(name: str) -> str:
    return f'{{{{ $values.{name}.Value | printf "%.0f" }}}}'


_OBSERVED = (
    f"In the last 7 days: {_number('observed')} calls and contributions,"
    f" {_number('expected')} expected"
)

DESCRIPTIONS = {
    "GongUserActivityDrop": (
        f"{_PERSON} does much less than usual. {_OBSERVED};"
        f" {_number('hosted')} hosted calls, {_number('hosted_expected')} expected."
        " By chance alone, this happens to one person once in"
        f" {_number('alert')} years."
    ),
    "GongTeamActivityDrop": (
        f"Team {{{{ $labels.team }}}} does much less than usual. {_OBSERVED}."
        " Holidays and leave of single members are taken into account."
    ),
}

EXPLAINED_BY = {
    "GongUserActivityDrop": {
        "GongCompanyActivityDrop": "job",
        "GongTeamActivityDrop": "job, team",
    },
    "GongUserGoneSilent": {
        "GongCompanyActivityDrop": "job",
        "GongTeamActivityDrop": "job, team",
    },
    "GongTeamActivityDrop": {"GongCompanyActivityDrop": "job"},
}
"""Which alerts hold an alert back, and the labels that both have to share."""


def text() -> str:
    """The whole file."""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    expressions = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    document = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group["name"],
                "folder": "Gong",
                "interval": group["interval"],
                "rules": [
                    _rule(rule, title, expressions)
                    for rule, title in zip(group["rules"], _titles(group["rules"]), strict=True)
                ],
            }
        ],
    }
    return HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)


def _titles(rules: list[dict[str, Any]]) -> Iterator[str]:
    """The alerts' names, unique as Grafana wants them in a folder."""
    used: set[str] = set()
    for rule in rules:
        name = rule["alert"]
        yield f"{name} ({rule['labels']['severity']})" if name in used else name
        used.add(name)


def _rule(rule: dict[str, Any], title: str, expressions: dict[str, str]) -> dict[str, Any]:
    name, severity = rule["alert"], rule["labels"]["severity"]
    queries = {"alert": _expression(name, rule["expr"], expressions), **NUMBERS.get(name, {})}
    annotations = dict(rule["annotations"])
    annotations["description"] = DESCRIPTIONS.get(
        name, annotations["description"].replace("$value", "$values.alert.Value")
    )
    return {
        "uid": f"{name}-{severity}".lower(),
        "title": title,
        "condition": "fires",
        "data": [*(_query(ref, expr) for ref, expr in queries.items()), _CONDITION],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule["for"],
        "annotations": annotations,
        "labels": rule["labels"],
    }


def _expression(name: str, expression: str, expressions: dict[str, str]) -> str:
    """The alert's own, without what other alerts explain."""
    found = f"(\n{_indent(expression)})\n" if name in EXPLAINED_BY else expression
    for other, labels in EXPLAINED_BY.get(name, {}).items():
        found += f"unless on ({labels}) (\n{_indent(expressions[other])})\n"
    return found


def _indent(expression: str) -> str:
    return "".join(f"  {line}\n" for line in expression.splitlines())


def _query(ref: str, expression: str) -> dict[str, Any]:
    return {
        "refId": ref,
        "datasourceUid": DATA_SOURCE,
        "relativeTimeRange": {"from": LOOK_BACK_SECONDS, "to": 0},
        "model": {"refId": ref, "expr": expression, "instant": True, "range": False},
    }


_CONDITION = {
    "refId": "fires",
    "datasourceUid": EXPRESSION,
    "model": {
        "refId": "fires",
        "type": "threshold",
        "expression": "alert",
        "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
    },
}
"""The expression has a value above 0 for whatever is above its threshold, and none otherwise."""


class _Dumper(yaml.SafeDumper):
    """Writes expressions as blocks, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the base class's signature
        return True


def _text_block(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text_block)


def main() -> None:
    """Write the file."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
