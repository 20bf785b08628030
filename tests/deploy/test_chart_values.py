"""The chart's values: every one is in the schema, and mistakes are refused with a message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import helm_python as helm
import pytest
import yaml

from tests.support.deploy_chart import CHART, render

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a key that is not there": ({"replicas": 2}, "replicas"),
    "a misspelt key": ({"serviceMonitor": {"enable": True}}, "enable"),
    "no Secret": ({"credentials": {"existingSecret": ""}}, "existingSecret"),
    "a secret among the values": (
        {"config": {"gong": {"access_key": "A"}}},
        "config.gong.access_key: the chart sets it",
    ),
    "a proxy with its password": (
        {"config": {"gong": {"proxy_url": "http://user:password@proxy:3128"}}},
        "extraEnv",
    ),
    "a path that the chart sets": (
        {"config": {"activity": {"roster_file": "x.csv"}}},
        "config.activity.roster_file: the chart sets it",
    ),
    "a state file elsewhere": ({"config": {"state": {"file": "/x"}}}, "state"),
    "an id without quotes": ({"config": {"activity": {"users": [234599484848423]}}}, "users"),
    "an inline column that is no text": (
        {"config": {"activity": {"users": [{"id": "1", "team": 7}]}}},
        "users",
    ),
    "an interval and a cron": ({"config": {"poll": {"interval": "1h", "cron": "@daily"}}}, "poll"),
    "scrapes too far apart for Prometheus": ({"serviceMonitor": {"interval": "5m"}}, "interval"),
    "a job that rules would not find": ({"serviceMonitor": {"job": "crm"}}, "job"),
    "an address that the Service would miss": (
        {"extraArgs": ["--web.listen-address=:1"]},
        "extraArgs",
    ),
    "rosters from two places": (
        {"roster": {"existingSecret": "a", "existingConfigMap": "b"}},
        "",
    ),
    "a volume for many": ({"persistence": {"accessModes": ["ReadWriteMany"]}}, "accessModes"),
    "a digest that is none": ({"image": {"digest": "latest"}}, "digest"),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=list(REFUSED))
def test_a_mistake_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(helm.HelmError) as refusal:
        render(values)
    assert words in str(refusal.value)


@pytest.mark.parametrize("interval", ["15s", "60s", "120s", "1m", "1m30s", "2m"])
def test_scrapes_that_prometheus_looks_back_over_are_allowed(interval: str) -> None:
    monitor = render({"serviceMonitor": {"enabled": True, "interval": interval}})
    assert monitor.one("ServiceMonitor")["spec"]["endpoints"][0]["interval"] == interval


@pytest.mark.parametrize("interval", ["121s", "3m", "1m61s", "0s", "1h", ""])
def test_others_are_not(interval: str) -> None:
    with pytest.raises(helm.HelmError):
        render({"serviceMonitor": {"interval": interval}})


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(_paths(values)) == {path for path in _schema_paths(schema) if path[0] != "global"}


def _paths(values: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict) and (*above, key)[:1] != ("resources",):
            free = above == ("config",) or key in {"labels", "annotations"}
            if not free:
                yield from _paths(value, *above, key)


def _schema_paths(schema: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in schema.get("properties", {}).items():
        yield (*above, key)
        if above != ("config",) and key != "resources":
            yield from _schema_paths(value, *above, key)
