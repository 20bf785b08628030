"""Writes the activity alerts as Grafana-managed rules: ``make copies`` runs it.

Expressions, thresholds, durations, labels and texts are those of the Prometheus rules. Grafana
differs in three ways: its templates cannot query, so that a rule has further queries instead; its
own Alertmanager does not inhibit, so that an alert that explains another is excluded in the
expression; and it knows its own address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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

_PERSON = """\
max without (instance, pod, active) (
  gong_user_info{active!="false"} or
  (last_over_time(gong_user_info{active!="false"}[2h]) unless on (job, user) gong_user_info)
)"""
_TEAM = "max without (instance, pod, window) (last_over_time(gong_team_drop_evidence[2h]))"
"""These have all labels of the alert."""


def _latest(family: str, subject: str, matchers: str = "") -> str:
    """With no label that the alert lacks: only then Grafana finds the alert's own value."""
    return f"max by (job, {subject}) (last_over_time({family}{{{matchers}}}[2h]))"


def _with_label(label: str, alert: str, subject: str, expression: str) -> str:
    """With one label more than the alert; it needs all labels of the alert then."""
    return (
        f"0 * {alert}\n+ on (job, {subject}) group_left ({label})\n"
        f"topk by (job, {subject}) (1, max by (job, {subject}, {label}) ({expression}))\n"
    )


def _counts(kind: str, alert: str, matchers: str = "") -> dict[str, str]:
    """Of the last 7 days, and of the deciding window if it is another."""
    week, longer = f'{matchers}window="7d"', f'{matchers}window!="7d"'
    observed, expected = f"gong_{kind}_observed_activity", f"gong_{kind}_expected_activity"
    return {
        "observed": _latest(observed, kind, week),
        "expected": _latest(expected, kind, week),
        "longer": _with_label("window", alert, kind, f"{observed}{{{longer}}}"),
        "longer_expected": _with_label("window", alert, kind, f"{expected}{{{longer}}}"),
    }


def _hosted(family: str) -> str:
    deciding = "on (job, instance, user, metric, window) gong_user_drop_evidence"
    hosted = f'gong_user_{family}_activity{{metric="calls_as_host"}} and {deciding}'
    return _with_label("window", _PERSON, "user", hosted)


_DAYS = "7 * " + _latest("gong_user_presence_ratio", "user", 'window="7d"')
_LAST_ACTIVE = _latest("gong_user_last_active_timestamp_seconds", "user") + " + 13 * 3600"

QUERIES = {
    "GongUserActivityDrop": {
        **_counts("user", _PERSON, 'metric="own_activity", '),
        "days": _DAYS,
        "reason": _with_label("reason", _PERSON, "user", "gong_user_drop_reason"),
        "last_active": _LAST_ACTIVE,
        "hosted": _hosted("observed"),
        "hosted_expected": _hosted("expected"),
    },
    "GongUserGoneSilent": {"last_active": _LAST_ACTIVE},
    "GongTeamActivityDrop": _counts("team", _TEAM),
    "GongCompanyActivityDrop": {},
}
"""What the template of a description queries, in its order."""

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
    queries = {"alert": _expression(name, rule["expr"], expressions), **QUERIES[name]}
    annotations = dict(rule["annotations"])
    annotations["description"] = _description(annotations["description"], QUERIES[name])
    annotations["dashboard_url"] = "{{ externalURL }}" + annotations["dashboard_url"].lstrip("/")
    del annotations["rank"]  # the order in a message of Alertmanager
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


def _description(template: str, queries: Iterable[str]) -> str:
    """With the values of the queries where the template of a Prometheus rule queries."""
    before, *parts = re.split(r'range printf "[^"]*"[^|]*\| query', template)
    values = (f"with $values.{name}{part}" for name, part in zip(queries, parts, strict=True))
    return "".join([before, *values]).replace("$value ", "$values.alert.Value ")


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
