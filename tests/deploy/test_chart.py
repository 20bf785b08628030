"""The Helm chart over a matrix of values: Kubernetes, the operators and the exporter accept it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from gong_exporter import __version__
from gong_exporter.cli.main import cli
from gong_exporter.config.load import load_config
from tests.support.deploy_chart import (
    CHART,
    KUBERNETES,
    ROOT,
    Rendered,
    documents,
    is_hook,
    problems,
    render,
)
from tests.support.deploy_values import EVERYTHING, MATRIX

BASIC_KINDS = {"ConfigMap", "Deployment", "Job", "Pod", "Service", "ServiceAccount"}


@pytest.fixture(scope="module", params=MATRIX.values(), ids=list(MATRIX))
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


def test_helm_lint_reports_nothing() -> None:
    report = helm.lint(CHART, EVERYTHING, strict=True)
    assert report["errors"] == []
    assert [m["error"] for m in report["messages"] if m["severity"] > 1] == []


def test_kubernetes_and_the_operators_accept_every_object(rendered: Rendered) -> None:
    found = [
        problem
        for version in KUBERNETES
        for item in rendered.objects
        for problem in problems(item, version)
    ]
    assert found == []


def test_a_manifest_with_a_mistake_is_found() -> None:
    release = render(MATRIX["monitors and rules"])
    deployment = release.one("Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    assert problems(deployment, "1.30")
    monitor = release.one("ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "1m"
    assert problems(monitor, "1.30")
    rules = release.one("PrometheusRule")
    del rules["spec"]["groups"][0]["rules"][0]["expr"]
    assert problems(rules, "1.30")
    dashboard = render(MATRIX["dashboards for the Grafana Operator"]).all("GrafanaDashboard")[0]
    del dashboard["spec"]["instanceSelector"]
    assert problems(dashboard, "1.30")
    routes = render(MATRIX["the example of an AlertmanagerConfig"]).one("AlertmanagerConfig")
    routes["spec"]["route"]["group_by"] = ["job"]
    assert problems(routes, "1.30")


@pytest.mark.parametrize("text", ["a: {b: 1, b: 1}", "- {a: 1, a: 2}", "a: 1\nc: 2\na: 1\n"])
def test_a_key_that_is_given_twice_is_found(text: str) -> None:
    """`render` reads with this parser, so every test of a rendered chart proves the chart."""
    with pytest.raises(yaml.constructor.ConstructorError, match="is given twice"):
        list(documents(text))


def test_values_of_one_object_win_over_common_ones_and_the_chart_s_selectors_over_all() -> None:
    release = render(EVERYTHING)
    own = {"app.kubernetes.io/name": "gong-exporter"}
    pod = release.one("Deployment")["spec"]["template"]["metadata"]
    assert pod["labels"].items() >= {"tier": "exporters", "team": "platform", **own}.items()
    assert pod["annotations"]["note"] == "pod"
    assert len(pod["annotations"]["checksum/config"]) == 64
    for kind, labels, notes in (
        ("Deployment", {"tier": "all", "team": "revenue"}, {"note": "deployment"}),
        ("Service", {"tier": "services", "team": "revenue"}, {"note": "common"}),
        ("ServiceMonitor", {"tier": "all", "team": "platform"}, {"note": "monitor"}),
        ("PrometheusRule", {"tier": "all", "team": "platform"}, {"note": "rules"}),
        ("ServiceAccount", {"tier": "all", "team": "revenue"}, {"note": "account"}),
    ):
        metadata = release.one(kind)["metadata"]
        assert metadata["labels"].items() >= (labels | own).items(), kind
        assert metadata["annotations"].items() >= notes.items(), kind


def test_every_object_has_the_common_labels_and_annotations() -> None:
    release = render({**EVERYTHING, "commonLabels": {"cost": "7"}, "commonAnnotations": {"a": "b"}})
    for item in (*release.objects, *release.pods()):
        assert item["metadata"]["labels"]["cost"] == "7"
        assert item["metadata"]["annotations"]["a"] == "b"


def test_an_annotation_of_the_pods_cannot_turn_a_hook_into_something_else() -> None:
    release = render(EVERYTHING)
    assert release.hook("Pod")["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert release.hook("Job")["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"


def test_only_the_enabled_objects_are_rendered() -> None:
    assert {item["kind"] for item in render({}).objects} == BASIC_KINDS
    assert {item["kind"] for item in render(EVERYTHING).objects} == BASIC_KINDS | {
        "AlertmanagerConfig",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "PrometheusRule",
        "ServiceMonitor",
    }


def test_every_object_is_in_the_release_s_namespace_and_labelled(rendered: Rendered) -> None:
    for item in rendered.objects:
        if item["metadata"]["namespace"] == "observability":
            assert item["kind"] in {
                "AlertmanagerConfig",
                "ConfigMap",
                "PrometheusRule",
                "ServiceMonitor",
            }
        else:
            assert item["metadata"]["namespace"] == "monitoring"
        assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == "gong-exporter"
        assert all(len(value) <= 63 for value in item["metadata"]["labels"].values())


def test_objects_for_other_tools_go_into_the_namespace_that_is_given() -> None:
    release = render(EVERYTHING)
    boards = [item for item in release.all("ConfigMap") if "config.yaml" not in item["data"]]
    others = [release.one("AlertmanagerConfig"), release.one("PrometheusRule"), *boards]
    monitor = release.one("ServiceMonitor")
    assert {i["metadata"]["namespace"] for i in (*others, monitor)} == {"observability"}
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["monitoring"]}


POLICY = "helm.sh/resource-policy"

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""What a Service's name has to be (RFC 1035); the names of other objects may be more."""


def test_names_are_valid_and_do_not_collide(rendered: Rendered) -> None:
    names = [(item["kind"], item["metadata"]["name"]) for item in rendered.objects]
    assert len(names) == len(set(names))
    for kind, name in names:
        assert DNS_LABEL.fullmatch(name) or kind == "ServiceAccount", (kind, name)


@pytest.mark.parametrize(
    ("release", "full_name"),
    [
        ("gong-exporter", "gong-exporter"),
        ("acme", "acme-gong-exporter"),
        ("acme.prod", "acme-prod-gong-exporter"),
        ("2026-acme", "gong-2026-acme-gong-exporter"),
        ("a" * 51 + ".b", "a" * 51),
    ],
)
def test_every_release_name_makes_a_name_that_a_service_may_have(
    release: str, full_name: str
) -> None:
    service = render({"dashboards": {"enabled": True}}, name=release).one("Service")
    assert service["metadata"]["name"] == full_name
    assert DNS_LABEL.fullmatch(full_name)


@pytest.mark.parametrize(("given", "policy"), [({}, "keep"), ({POLICY: "delete"}, "delete")])
def test_the_claim_is_kept_unless_the_values_say_otherwise(
    given: dict[str, str], policy: str
) -> None:
    claim = render({"persistence": {"enabled": True, "annotations": {"a": "b", **given}}}).one(
        "PersistentVolumeClaim"
    )
    assert claim["metadata"]["annotations"] == {"a": "b", POLICY: policy}


def test_there_is_one_poller_and_never_two_at_once(rendered: Rendered) -> None:
    spec = rendered.one("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_every_volume_is_mounted_and_every_mount_has_a_volume(rendered: Rendered) -> None:
    for pod in rendered.pods():
        (container,) = pod["spec"]["containers"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        volumes = [volume["name"] for volume in pod["spec"].get("volumes", [])]
        assert mounted == set(volumes)
        assert len(set(volumes)) == len(volumes)


def test_secrets_are_files_and_never_in_the_environment(rendered: Rendered) -> None:
    environment = [item["name"] for item in rendered.container().get("env", [])]
    assert [name for name in environment if name.startswith("GONG_")] == []
    assert rendered.all("Secret") == []


def test_selectors_match_the_exporter_s_pod_and_no_other(rendered: Rendered) -> None:
    labels = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    others = [
        pod["metadata"]["labels"].items()
        for pod in rendered.pods()
        if pod["metadata"]["labels"].items() != labels
    ]
    for selector in (
        rendered.one("Service")["spec"]["selector"],
        rendered.one("Deployment")["spec"]["selector"]["matchLabels"],
        *(x["spec"]["selector"]["matchLabels"] for x in rendered.all("PodDisruptionBudget")),
        *(x["spec"]["podSelector"]["matchLabels"] for x in rendered.all("NetworkPolicy")[:1]),
    ):
        assert selector.items() <= labels
        assert not any(selector.items() <= other for other in others)


def test_an_exporter_without_data_is_scraped_too(rendered: Rendered) -> None:
    assert rendered.one("Service")["spec"]["publishNotReadyAddresses"] is True


def test_the_exporter_accepts_the_configuration(rendered: Rendered, tmp_path: Path) -> None:
    # In place of the mounted secrets, files of this test.
    text = rendered.config().replace("/run/secrets/", f"{tmp_path}/secrets/")
    for volume in rendered.pod()["volumes"]:
        mount = next(m for m in rendered.container()["volumeMounts"] if m["name"] == volume["name"])
        source = volume.get("secret") or volume.get("configMap") or {}
        for item in source.get("items", []):
            folder = tmp_path / "secrets" / mount["mountPath"].removeprefix("/run/secrets/")
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / item["path"]
            file.write_text("email,team\n" if file.suffix == ".csv" else "a-secret-of-some-length")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    config = load_config(str(path), {})
    assert str(config.state.file) == "/var/lib/gong-exporter/gong-exporter.db"


def test_values_reach_the_exporter_unchanged() -> None:
    config = yaml.safe_load(render(EVERYTHING).config())
    assert config["activity"]["users"] == EVERYTHING["config"]["activity"]["users"]
    assert config["activity"]["created_from"] == "2026-01-01T00:00:00Z"
    assert config["gong"]["requests_per_second"] == 0.5
    assert config["poll"] == {"cron": "15 * * * *"}


def test_the_exporter_has_the_flags(rendered: Rendered) -> None:
    cli.make_context("gong-exporter", list(rendered.container()["args"]))


def test_a_changed_configuration_replaces_the_pod() -> None:
    def checksum(values: dict[str, Any]) -> str:
        template = render(values).one("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({"log": {"level": "debug"}})
    assert checksum({}) != checksum({"config": {"poll": {"interval": "2h"}}})


def test_the_image_is_of_the_exporter_s_own_version_by_default() -> None:
    assert render({}).container()["image"] == f"gong-exporter:{__version__}"
    assert render({"image": {"tag": "x"}}).container()["image"] == "gong-exporter:x"
    pinned = render(EVERYTHING).container()["image"]
    assert pinned == "registry.example/gong-exporter@sha256:" + "a" * 64


def test_the_chart_is_of_this_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["version"] == about["appVersion"] == __version__


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


def test_only_helm_s_own_moments_have_hooks(rendered: Rendered) -> None:
    """`helm template --no-hooks` and Argo CD treat these objects in another way."""
    hooks = [(item["kind"], item["metadata"]["name"]) for item in rendered.objects if is_hook(item)]
    assert {name.rpartition("-")[2] for _, name in hooks} <= {"test", "check"}
