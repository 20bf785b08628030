"""The chart's values: every one is in the schema, and mistakes are refused with a message."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from tests.support.deploy_chart import CHART, KUBERNETES, ROOT, Manifest, problems, render

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
    "a roster from Gong beside a file": (
        {"roster": {"existingSecret": "a"}, "config": {"activity": {"roster": "gong"}}},
        "config.activity.roster: a roster comes from one place",
    ),
    "rosters from two places": (
        {"roster": {"existingSecret": "a", "existingConfigMap": "b"}},
        "",
    ),
    "a volume for many": ({"persistence": {"accessModes": ["ReadWriteMany"]}}, "accessModes"),
    "a label that Kubernetes refuses": ({"podLabels": {"team": "sales ops"}}, "podLabels"),
    "a volume with a name of the chart's": (
        {"extraVolumes": [{"name": "state", "emptyDir": {}}]},
        "extraVolumes",
    ),
    "a minute that no hour has": ({"config": {"poll": {"cron": "61 * * * *"}}}, "cron"),
    "a base URL without scheme": ({"config": {"gong": {"base_url": "api.gong.io"}}}, "base_url"),
    "an unknown key of the configuration": (
        {"config": {"gong": {"base_ulr": "https://api.gong.io"}}},
        "base_ulr",
    ),
    "a disabled alert without true": ({"prometheusRule": {"disabled": ["X"]}}, "disabled"),
    "an unknown kind of dashboards": ({"dashboards": {"kind": "Secret"}}, "kind"),
    "DNS on no port": ({"networkPolicy": {"dnsPorts": []}}, "dnsPorts"),
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
def test_other_intervals_are_refused(interval: str) -> None:
    with pytest.raises(helm.HelmError):
        render({"serviceMonitor": {"interval": interval}})


CHART_SETS = {
    "gong": {
        "access_key",
        "access_key_file",
        "access_key_secret",
        "access_key_secret_file",
        "bearer_token",
        "bearer_token_file",
        "proxy_url",
    },
    "activity": {"roster_file", "email_hash_key_file"},
}
"""Keys of the exporter's configuration that the chart refuses, with a message of its own."""


def settable(path: Path) -> dict[str, Any] | None:
    """The part of a configuration that the chart takes; None if it is not a matter of values."""
    try:
        config = helm.values_from_yaml(path.read_text())
    except (helm.HelmError, UnicodeDecodeError):
        return None
    if not isinstance(config, dict) or not config.keys() <= {"gong", "activity", "poll", "state"}:
        return None
    return {
        section: {
            key: value for key, value in keys.items() if key not in CHART_SETS.get(section, set())
        }
        for section, keys in config.items()
        if section != "state" and isinstance(keys, dict)
    }


def cases(folder: str) -> dict[str, dict[str, Any]]:
    """The configurations in a folder of tests/data with the part that the chart takes."""
    found = {
        path.stem: settable(path) for path in sorted((ROOT / "tests/data" / folder).glob("*.yaml"))
    }
    return {name: config for name, config in found.items() if config}


IDS_WITHOUT_QUOTES = {"anchors_and_aliases", "scalars_stay_text"}
"""Good for the exporter, which reads them as text; Helm would make numbers of them."""


@pytest.mark.parametrize("name", [n for n in cases("good_configs") if n not in IDS_WITHOUT_QUOTES])
def test_a_configuration_that_the_exporter_accepts_is_not_refused(name: str) -> None:
    render({"config": cases("good_configs")[name]})


PREFIXES = ("base_url", "cron", "interval", "metrics", "requests", "timeout", "users", "windows")
"""What is refused by a schema pattern: values that are wrong by themselves."""

NOT_BY_A_PATTERN = {
    "base_url_with_the_api_path": "has the form of a URL",
    "base_url_with_a_bad_port": "has the form of a port",
    "cron_backwards": "needs arithmetic",
    "cron_both_day_fields": "needs two fields",
    "cron_never": "needs a calendar",
    "cron_reboot": "has the form of a nickname",
    "cron_unknown_nickname": "has the form of a nickname",
    "cron_step_larger_than_the_field": "needs arithmetic",
    "interval_longer_than_ten_years": "needs arithmetic",
    "interval_longer_than_the_default_stale_after": "needs arithmetic",
    "interval_too_short": "needs arithmetic",
    "requests_per_day_too_many": "the limit is Gong's, and Gong can raise it",
    "requests_per_second_too_many": "the limit is Gong's, and Gong can raise it",
    "timeout_too_long": "needs arithmetic",
    "timeout_zero": "needs arithmetic",
}
"""These are for the config check, which runs before an upgrade."""


@pytest.mark.parametrize("name", [n for n in cases("bad_configs") if n.startswith(PREFIXES)])
def test_a_value_that_the_exporter_refuses_is_refused_before_an_upgrade(name: str) -> None:
    values = {"config": cases("bad_configs")[name]}
    if name in NOT_BY_A_PATTERN:
        render(values)
        return
    with pytest.raises(helm.HelmError, match="config"):
        render(values)


@pytest.mark.parametrize(
    "cron",
    [
        "15 * * * *",
        "*/15 0-6,18-23/2 * * 1-5",
        " 0  9 1,15 jan-jun/2,DEC * ",
        "5,35 7 * * mon-fri",
        "0 0 * * 7",
        "00 07 01 01 *",
        "@daily",
        "@Hourly",
    ],
)
def test_every_form_of_a_schedule_is_allowed(cron: str) -> None:
    assert yaml.safe_load(render({"config": {"poll": {"cron": cron}}}).config())["poll"] == {
        "cron": cron
    }


def test_the_schema_has_every_key_of_the_configuration() -> None:
    """The file of the tests' data gives every key; the chart refuses the others by a message."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]
    known = {section: set(part["properties"]) for section, part in schema["properties"].items()}
    example = (ROOT / "config.example.yaml").read_text()
    documented = yaml.safe_load(_uncommented(example))
    documented.pop("state")
    expected = {section: set(keys) for section, keys in documented.items()}
    assert known == expected, "add the key to values.schema.json, with a pattern of what is valid"


def _uncommented(example: str) -> str:
    """The example with the keys that it has in comments; of two that exclude each other, both."""
    lines = []
    for line in example.splitlines():
        bare = line.lstrip()
        key = bare.removeprefix("# ").partition(":")[0]
        if not bare.startswith("#"):
            lines.append(line.partition(" #")[0])
        elif key in {"cron", "roster"} or ("_" in key and key.replace("_", "").isalpha()):
            lines.append(f"  {key}: x")
    return "\n".join(lines)


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    from_parents = {"enabled", "global", "tags"}
    assert set(_paths(values)) == {
        path for path in _schema_paths(schema) if path[0] not in from_parents
    }


FREE = {
    "alertAnnotations",
    "alertLabels",
    "annotations",
    "disabled",
    "labels",
    "matchLabels",
    "podSecurityContext",
    "resources",
    "securityContext",
}
"""Values whose keys are up to the user."""


def _paths(values: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict) and above != ("config",) and key not in FREE:
            yield from _paths(value, *above, key)


def _schema_paths(schema: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in schema.get("properties", {}).items():
        if key == "matchExpressions":  # beside the default's matchLabels
            continue
        yield (*above, key)
        if above != ("config",) and key not in FREE:
            yield from _schema_paths(value, *above, key)


ENABLED: dict[str, Any] = {
    section: {"enabled": True}
    for section in (
        "dashboards",
        "networkPolicy",
        "persistence",
        "podDisruptionBudget",
        "prometheusRule",
        "serviceMonitor",
    )
}


@pytest.mark.parametrize(
    "path", list(_paths(yaml.safe_load((CHART / "values.yaml").read_text()))), ids=".".join
)
def test_null_removes_a_default_or_is_refused_by_name(path: tuple[str, ...]) -> None:
    values: dict[str, Any] = copy.deepcopy(ENABLED)
    section = values
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = None
    objects: tuple[Manifest, ...] = ()
    refusal = ""
    try:
        objects = render(values).objects
    except helm.HelmError as error:
        refusal = str(error)
    assert objects or f"missing property '{path[-1]}'" in refusal
    changed = [item for item in objects if item not in _with_defaults()]
    assert [problem for item in changed for problem in problems(item, KUBERNETES[-1])] == []


@cache
def _with_defaults() -> tuple[Manifest, ...]:
    """The objects without null, which other tests validate."""
    return render(ENABLED).objects
