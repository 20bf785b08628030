"""What the Helm chart creates for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from tests.support.deploy_alertmanager import spec_of
from tests.support.deploy_chart import CHART, ROOT, Manifest, Rendered, render
from tests.support.deploy_values import EVERYTHING, MATRIX
from tests.support.servers import need, promtool

RULES = {
    path.stem.removeprefix("gong-"): yaml.safe_load(path.read_text())["groups"]
    for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
}
"""The project's rule groups, by the names that the chart's values give to their files."""

ALERTS = sorted(
    {
        rule["alert"]
        for groups in RULES.values()
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
)


def groups(**values: Any) -> list[Manifest]:
    """The groups of the PrometheusRule with these values of it; none without one."""
    release = render({"prometheusRule": {"enabled": True, **values}})
    return [group for item in release.all("PrometheusRule") for group in item["spec"]["groups"]]


def alerts(**values: Any) -> dict[str, Manifest]:
    """Its alerts by name."""
    return {
        rule["alert"]: rule
        for group in groups(**values)
        for rule in group["rules"]
        if "alert" in rule
    }


# ServiceMonitor


@pytest.mark.parametrize("case", ["monitors and rules", "every value"])
def test_a_monitor_selects_the_service_and_its_port(case: str) -> None:
    release = render(MATRIX[case])
    service, monitor = release.one("Service"), release.one("ServiceMonitor")
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    ports = [port["name"] for port in service["spec"]["ports"]]
    assert [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]] == ports


@pytest.mark.server("promtool")
def test_every_monitor_s_timeout_is_at_most_its_interval(tmp_path: Path) -> None:
    """By Prometheus's own check, and only if promtool refuses the pair that used to be rendered."""
    need("promtool")

    def accepted(interval: str, timeout: str) -> bool:
        job = {"job_name": "gong", "scrape_interval": interval, "scrape_timeout": timeout}
        (tmp_path / "p.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
        return promtool("check", "config", str(tmp_path / "p.yml")).returncode == 0

    assert not accepted("15s", "30s")
    for given in (
        {},
        {"interval": "15s"},
        {"interval": "1s"},
        {"interval": "29s"},
        {"interval": "30s"},
        {"interval": "1m30s"},
        {"interval": "2m"},
        {"interval": "15s", "scrapeTimeout": "15s"},
        {"interval": "1m", "scrapeTimeout": "60s"},
        {"interval": "1m", "scrapeTimeout": "59s999ms"},
        {"interval": "2m", "scrapeTimeout": "1m"},
    ):
        monitor = render({"serviceMonitor": {"enabled": True, **given}}).one("ServiceMonitor")
        (endpoint,) = monitor["spec"]["endpoints"]
        assert accepted(endpoint["interval"], endpoint["scrapeTimeout"]), given


@pytest.mark.parametrize(
    ("interval", "timeout"), [("15s", "30s"), ("1m", "61s"), ("1m", "60s1ms"), ("2m", "121s")]
)
def test_a_timeout_above_the_interval_is_refused(interval: str, timeout: str) -> None:
    values = {"enabled": True, "interval": interval, "scrapeTimeout": timeout}
    with pytest.raises(helm.HelmError, match="is longer than the interval"):
        render({"serviceMonitor": values})


@pytest.mark.parametrize(
    ("release", "job"),
    [("gong-exporter", "gong-exporter"), ("acme", "gong-acme-gong-exporter")],
)
def test_the_job_s_name_begins_with_gong_and_is_the_release_s_own(release: str, job: str) -> None:
    monitor = render({"serviceMonitor": {"enabled": True}}, name=release).one("ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert {"targetLabel": "job", "replacement": job} in endpoint["relabelings"]


# PrometheusRule

RULE_VALUES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "every value": {k: v for k, v in EVERYTHING["prometheusRule"].items() if k != "enabled"},
    **{f"without {name}": {"files": {name: False}} for name in RULES},
    "one alert": {"disabled": dict.fromkeys(ALERTS[1:], True)},
    "labels and annotations": {"alertLabels": {"a": "b"}, "alertAnnotations": {"c": "{{ d }}"}},
}


@pytest.mark.parametrize("values", RULE_VALUES.values(), ids=list(RULE_VALUES))
@pytest.mark.server("promtool")
def test_promtool_accepts_the_rules(values: dict[str, Any], tmp_path: Path) -> None:
    need("promtool")
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": groups(**values)}))
    if values == RULE_VALUES["labels and annotations"]:
        file.write_text(file.read_text().replace("{{ d }}", "{{ $value }}"))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_of_the_chart_are_the_project_s() -> None:
    assert groups() == [group for file in RULES.values() for group in file]


def test_every_rule_file_has_a_switch() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["prometheusRule"]["files"] == dict.fromkeys(RULES, True)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_file_can_be_left_out(name: str) -> None:
    assert groups(files={name: False}) == [
        group for other, file in RULES.items() if other != name for group in file
    ]


def test_without_any_file_there_is_no_rule_object() -> None:
    values = {"enabled": True, "files": dict.fromkeys(RULES, False)}
    assert render({"prometheusRule": values}).all("PrometheusRule") == []


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_can_be_left_out_by_name(name: str) -> None:
    assert sorted(alerts(disabled={name: True})) == [other for other in ALERTS if other != name]


def test_an_alert_that_is_disabled_with_false_stays() -> None:
    assert sorted(alerts(disabled={ALERTS[0]: False})) == ALERTS


def test_an_alert_that_does_not_exist_cannot_be_left_out() -> None:
    with pytest.raises(helm.HelmError, match="there is no such alert") as refusal:
        groups(disabled={"GongUserGoneSilnet": True})
    assert ALERTS[0] in str(refusal.value)


def test_labels_and_annotations_are_added_to_every_alert_and_win() -> None:
    plain = alerts()
    labels = {"owner": "sales-ops", "severity": "page"}
    for name, rule in alerts(alertLabels=labels, alertAnnotations={"runbook_url": "r"}).items():
        assert rule["labels"] == plain[name]["labels"] | labels
        assert rule["annotations"] == plain[name]["annotations"] | {"runbook_url": "r"}
        assert rule["expr"] == plain[name]["expr"]


def test_the_links_to_dashboards_begin_with_the_address_of_grafana() -> None:
    paths = {name: rule["annotations"].get("dashboard_url") for name, rule in alerts().items()}
    assert sum(path is not None for path in paths.values()) == 4
    for address in ("https://grafana.acme.com/sub", "https://grafana.acme.com/sub/"):
        for name, rule in alerts(grafanaUrl=address).items():
            link = rule["annotations"].get("dashboard_url")
            assert link == (paths[name] and f"https://grafana.acme.com/sub{paths[name]}")


# AlertmanagerConfig


def test_the_example_routes_as_the_project_s_alertmanager_does() -> None:
    """When this fails: bring examples/alertmanagerconfig.yaml up to date."""
    spec = render(MATRIX["the example of an AlertmanagerConfig"]).one("AlertmanagerConfig")["spec"]
    assert spec["route"].pop("matchers") == [
        {"name": "alertname", "matchType": "=~", "value": "Gong.*"}
    ]
    receivers = spec.pop("receivers")
    expected = spec_of(
        yaml.safe_load((ROOT / "prometheus" / "alertmanager.example.yml").read_text())
    )
    assert [{"name": receiver["name"]} for receiver in receivers] == expected.pop("receivers")
    assert spec == expected


@pytest.mark.parametrize("spec", [{}, {"route": {"receiver": "x"}}])
def test_a_configuration_without_route_or_receivers_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError, match=r"alertmanagerConfig\.?/?spec"):
        render({"alertmanagerConfig": {"enabled": True, "spec": spec}})


# Dashboards


def boards(release: Rendered) -> dict[str, Manifest]:
    """The objects with dashboards, by the name after the release's."""
    found = [*release.all("GrafanaDashboard"), *release.all("ConfigMap")]
    return {
        item["metadata"]["name"].removeprefix("gong-exporter-"): item
        for item in found
        if "config.yaml" not in item.get("data", {})
    }


OURS = {
    path.stem.removeprefix("gong-"): path for path in (ROOT / "grafana" / "dashboards").iterdir()
}


def test_configmaps_hold_the_project_s_dashboards_for_grafana_s_sidecar() -> None:
    found = boards(render({"dashboards": {"enabled": True}}))
    assert found.keys() == OURS.keys()
    for name, item in found.items():
        ((file, text),) = item["data"].items()
        assert file == OURS[name].name
        assert yaml.safe_load(text) == yaml.safe_load(OURS[name].read_text())
        assert len(text) < 1_000_000  # what an object may hold
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert item["metadata"]["annotations"]["grafana_folder"] == "Gong"


def test_grafanadashboards_hold_them_for_the_grafana_operator() -> None:
    selector = {"matchLabels": {"dashboards": None, "grafana": "sales"}}
    values = {"enabled": True, "kind": "GrafanaDashboard", "namespace": "grafana"}
    found = boards(render({"dashboards": {**values, "operator": {"instanceSelector": selector}}}))
    assert found.keys() == OURS.keys()
    for name, item in found.items():
        assert item["kind"] == "GrafanaDashboard"
        assert item["metadata"]["namespace"] == "grafana"
        assert item["spec"]["instanceSelector"] == {"matchLabels": {"grafana": "sales"}}
        assert item["spec"]["allowCrossNamespaceImport"] is True
        assert item["spec"]["folder"] == "Gong"
        assert yaml.safe_load(item["spec"]["json"]) == yaml.safe_load(OURS[name].read_text())
