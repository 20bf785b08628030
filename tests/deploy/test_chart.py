"""The Helm chart: what Helm makes of it is what Kubernetes, the Operator and the exporter take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from gong_exporter import __version__
from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from tests.support.deploy_chart import CHART, KUBERNETES, ROOT, Rendered, faults, render
from tests.support.servers import need, promtool

EVERYTHING: dict[str, Any] = {
    "commonLabels": {"team": "revenue"},
    "image": {"repository": "registry.example/gong-exporter", "digest": "sha256:" + "a" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "gong": {"base_url": "https://us-1.api.gong.io", "requests_per_second": 0.5},
        "activity": {
            "users": ["234599484848423", {"id": "234599484848424", "team": "NO"}],
            "windows": ["7d", "28d", "wtd"],
            "email_label": "hashed",
            "created_from": "2026-01-01T00:00:00Z",
        },
        "poll": {"cron": "15 * * * *"},
    },
    "roster": {"existingSecret": "people"},
    "emailHashKey": {"existingSecret": "hash"},
    "log": {"level": "debug", "format": "json"},
    "extraArgs": ["--web.enable-lifecycle"],
    "extraEnv": [
        {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}}}
    ],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}],
    "persistence": {"enabled": True, "storageClassName": "fast", "annotations": {"backup": "no"}},
    "service": {"type": "LoadBalancer", "port": 80, "annotations": {"internal": "true"}},
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "interval": "30s",
        "job": "gong-acme",
        "targetLabels": {"company": "acme"},
        "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
        "metricRelabelings": [
            {"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}
        ],
    },
    "prometheusRule": {"enabled": True, "labels": {"role": "alert-rules"}},
    "dashboards": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "extraEgress": [{"ports": [{"port": 3128, "protocol": "TCP"}]}],
    },
    "serviceAccount": {"annotations": {"note": "none"}},
    "podAnnotations": {"note": "none"},
    "podLabels": {"tier": "exporters"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "priorityClassName": "low",
}

SECURED: dict[str, Any] = {
    "webConfig": {"existingSecret": "web", "scheme": "https", "probes": "tcp"},
    "serviceMonitor": {
        "enabled": True,
        "tlsConfig": {"ca": {"secret": {"name": "web", "key": "ca.crt"}}, "serverName": "gong"},
        "basicAuth": {
            "username": {"name": "scrape", "key": "user"},
            "password": {"name": "scrape", "key": "password"},
        },
    },
}

MATRIX: dict[str, dict[str, Any]] = {
    "nothing given": {},
    "everything given": EVERYTHING,
    "a token": {"credentials": {"existingSecret": "token", "kind": "bearer"}},
    "a roster in a ConfigMap": {"roster": {"existingConfigMap": "people", "key": "people.csv"}},
    "TLS, passwords and probes by TCP": SECURED,
    "TLS alone": {"webConfig": {"existingSecret": "web", "scheme": "https"}},
    "a claim that is there already": {"persistence": {"enabled": True, "existingClaim": "old"}},
    "no service account": {"serviceAccount": {"create": False}},
    "long names": {"fullnameOverride": "g" * 70, "dashboards": {"enabled": True}},
    "monitors and rules": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
    },
}

BASIC_KINDS = {"ConfigMap", "Deployment", "Service", "ServiceAccount", "Pod"}


@pytest.fixture(scope="module", params=MATRIX.values(), ids=list(MATRIX))
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


def test_helm_finds_nothing_to_say_of_the_chart() -> None:
    report = helm.lint(CHART, EVERYTHING, strict=True)
    assert report["errors"] == []
    assert [m["error"] for m in report["messages"] if m["severity"] > 1] == []


def test_every_object_is_one_that_kubernetes_takes(rendered: Rendered) -> None:
    found = [
        fault for version in KUBERNETES for x in rendered.objects for fault in faults(x, version)
    ]
    assert found == []


def test_a_manifest_with_a_mistake_is_found() -> None:
    deployment = render({}).one("Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    assert faults(deployment, "1.30")
    monitor = render(MATRIX["monitors and rules"]).one("ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "1m"
    assert faults(monitor, "1.30")
    rules = render(MATRIX["monitors and rules"]).one("PrometheusRule")
    del rules["spec"]["groups"][0]["rules"][0]["expr"]
    assert faults(rules, "1.30")


def test_only_what_is_switched_on_is_made() -> None:
    assert {x["kind"] for x in render({}).objects} == BASIC_KINDS
    assert {x["kind"] for x in render(EVERYTHING).objects} == BASIC_KINDS | {
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "PrometheusRule",
        "ServiceMonitor",
    }


def test_every_object_is_in_the_release_s_namespace_and_labelled(rendered: Rendered) -> None:
    for thing in rendered.objects:
        assert thing["metadata"]["namespace"] == "monitoring"
        assert thing["metadata"]["labels"]["app.kubernetes.io/instance"] == "gong-exporter"
        assert all(len(value) <= 63 for value in thing["metadata"]["labels"].values())


def test_names_do_not_collide(rendered: Rendered) -> None:
    names = [(x["kind"], x["metadata"]["name"]) for x in rendered.objects]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for _, name in names)


def test_there_is_one_poller_and_never_two_at_once(rendered: Rendered) -> None:
    spec = rendered.one("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_pods_are_restricted(rendered: Rendered) -> None:
    """What the Pod Security Standard "restricted" asks for, and a read-only file system."""
    for pod in (rendered.pod(), *(x["spec"] for x in rendered.all("Pod"))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        allowed = {"name", "configMap", "secret", "emptyDir", "persistentVolumeClaim"}
        assert all(volume.keys() <= allowed for volume in pod.get("volumes", []))


def test_what_is_mounted_is_there_and_what_is_there_is_mounted(rendered: Rendered) -> None:
    mounted = [mount["name"] for mount in rendered.container()["volumeMounts"]]
    volumes = [volume["name"] for volume in rendered.pod()["volumes"]]
    assert sorted(mounted) == sorted(volumes)
    assert len(set(volumes)) == len(volumes)


def test_secrets_are_files_and_never_in_the_environment(rendered: Rendered) -> None:
    environment = [item["name"] for item in rendered.container().get("env", [])]
    assert [name for name in environment if name.startswith("GONG_")] == []
    assert rendered.all("Secret") == []


def test_selectors_find_the_pod_and_only_the_exporter_s(rendered: Rendered) -> None:
    labels = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    test_labels = (
        rendered.all("Pod")[0]["metadata"]["labels"].items() if rendered.all("Pod") else {}
    )
    for selector in (
        rendered.one("Service")["spec"]["selector"],
        rendered.one("Deployment")["spec"]["selector"]["matchLabels"],
        *(x["spec"]["selector"]["matchLabels"] for x in rendered.all("PodDisruptionBudget")),
        *(x["spec"]["podSelector"]["matchLabels"] for x in rendered.all("NetworkPolicy")),
    ):
        assert selector.items() <= labels
        assert not test_labels or not selector.items() <= test_labels


def test_a_monitor_finds_the_service_and_its_port(rendered: Rendered) -> None:
    for monitor in rendered.all("ServiceMonitor"):
        service = rendered.one("Service")
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        assert wanted <= service["metadata"]["labels"].items()
        ports = [port["name"] for port in service["spec"]["ports"]]
        assert [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]] == ports


def test_an_exporter_without_data_is_scraped_all_the_same(rendered: Rendered) -> None:
    assert rendered.one("Service")["spec"]["publishNotReadyAddresses"] is True


def test_the_exporter_takes_the_configuration(rendered: Rendered, tmp_path: Path) -> None:
    # Where the pod mounts secrets, files of this test.
    text = rendered.config().replace("/run/secrets/", f"{tmp_path}/secrets/")
    for volume in rendered.pod()["volumes"]:
        mount = next(m for m in rendered.container()["volumeMounts"] if m["name"] == volume["name"])
        source = volume.get("secret") or volume.get("configMap") or {}
        for item in source.get("items", []):
            file = (
                tmp_path
                / "secrets"
                / mount["mountPath"].removeprefix("/run/secrets/")
                / item["path"]
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("email,team\n" if file.suffix == ".csv" else "a-secret-of-some-length")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    config = load_config(str(path), {})
    assert str(config.state.file) == "/var/lib/gong-exporter/gong-exporter.db"


def test_values_reach_the_exporter_unchanged(tmp_path: Path) -> None:
    config = yaml.safe_load(render(EVERYTHING).config())
    assert config["activity"]["users"] == EVERYTHING["config"]["activity"]["users"]
    assert config["activity"]["created_from"] == "2026-01-01T00:00:00Z"
    assert config["gong"]["requests_per_second"] == 0.5
    assert config["poll"] == {"cron": "15 * * * *"}


def test_the_exporter_has_the_flags(rendered: Rendered) -> None:
    cli.make_context("gong-exporter", list(rendered.container()["args"]))


def test_a_changed_configuration_makes_a_new_pod() -> None:
    def checksum(values: dict[str, Any]) -> str:
        template = render(values).one("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({"log": {"level": "debug"}})
    assert checksum({}) != checksum({"config": {"poll": {"interval": "2h"}}})


def test_the_image_is_the_exporter_s_own_version_unless_told_otherwise() -> None:
    assert render({}).container()["image"] == f"gong-exporter:{__version__}"
    assert render({"image": {"tag": "x"}}).container()["image"] == "gong-exporter:x"
    pinned = render(EVERYTHING).container()["image"]
    assert pinned == "registry.example/gong-exporter@sha256:" + "a" * 64


def test_the_chart_is_of_this_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["version"] == about["appVersion"] == __version__


@pytest.mark.parametrize(
    ("release", "job"),
    [("gong-exporter", "gong-exporter"), ("acme", "gong-acme-gong-exporter")],
)
def test_the_job_s_name_begins_with_gong_and_is_the_release_s_own(release: str, job: str) -> None:
    monitor = render({"serviceMonitor": {"enabled": True}}, name=release).one("ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert {"targetLabel": "job", "replacement": job} in endpoint["relabelings"]


@pytest.mark.server("promtool")
def test_promtool_takes_the_rules_of_the_chart(tmp_path: Path) -> None:
    need("promtool")
    file = tmp_path / "rules.yml"
    spec = render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]
    file.write_text(yaml.safe_dump(spec))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_of_the_chart_are_the_project_s() -> None:
    ours = [
        group
        for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    rules = render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")
    assert rules["spec"]["groups"] == ours


def test_the_dashboards_of_the_chart_are_the_project_s_and_fit_in_a_configmap() -> None:
    maps = render({"dashboards": {"enabled": True}}).all("ConfigMap")
    boards = {
        name: text
        for thing in maps
        for name, text in thing["data"].items()
        if name != "config.yaml"
    }
    ours = {path.name: path for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert boards.keys() == ours.keys() != set()
    for name, path in ours.items():
        assert yaml.safe_load(boards[name]) == yaml.safe_load(path.read_text())
        assert len(boards[name]) < 1_000_000
    for thing in maps:
        if "config.yaml" not in thing["data"]:
            assert thing["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize(
    ("inside", "outside"), [("rules", "prometheus/rules"), ("dashboards", "grafana/dashboards")]
)
def test_the_chart_s_copies_agree(inside: str, outside: str) -> None:
    """When this fails: tools/copies.sh."""

    def files(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    assert files(CHART / "files" / inside) == files(ROOT / outside)


def test_the_chart_packs_into_an_archive_that_renders_the_same(tmp_path: Path) -> None:
    with helm.Chart.load(CHART) as chart:
        archive = chart.save(tmp_path)
        plain = chart.render(EVERYTHING, name="gong", namespace="x")
    with helm.Chart.load(archive) as packed:
        assert packed.render(EVERYTHING, name="gong", namespace="x") == plain
    assert Path(archive).stat().st_size < 500_000  # Helm keeps it in a Secret of at most 1 MiB
