"""The pods of the Helm chart: the exporter's, and those of `helm test` and of the config check."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploy_chart import Manifest, Rendered, render
from tests.support.deploy_values import EVERYTHING, MATRIX, OPENSHIFT
from tests.support.exporter import run_here

RESTRICTED = {name: MATRIX[name] for name in MATRIX if name != "no security contexts"}

SHARED = {
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "securityContext",
    "tolerations",
}
"""What a cluster may require of every pod."""


@pytest.fixture(scope="module", params=RESTRICTED.values(), ids=list(RESTRICTED))
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


def containers(release: Rendered) -> list[Manifest]:
    """The container of every pod."""
    return [container for pod in release.pods() for container in pod["spec"]["containers"]]


def test_every_pod_satisfies_the_standard_restricted(rendered: Rendered) -> None:
    """And has a read-only file system, which the Pod Security Standard does not ask for."""
    for pod in (pod["spec"] for pod in rendered.pods()):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"].get("runAsUser", 65532) == 65532
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


def test_null_leaves_user_and_groups_to_openshift_in_every_pod() -> None:
    pods = render(OPENSHIFT).pods()
    assert len(pods) == 3
    for pod in pods:
        assert pod["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_security_contexts_can_be_changed_in_every_pod() -> None:
    values = {
        "podSecurityContext": {"runAsUser": 1000, "supplementalGroups": [7]},
        "securityContext": {"capabilities": None, "privileged": False},
    }
    for pod in render(values).pods():
        context = pod["spec"]["securityContext"]
        assert (context["runAsUser"], context["supplementalGroups"]) == (1000, [7])
        assert context["runAsGroup"] == 65532
        assert pod["spec"]["containers"][0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
        }


def test_no_security_context_is_left_where_null_removes_it() -> None:
    release = render(MATRIX["no security contexts"])
    assert [pod["spec"]["securityContext"] for pod in release.pods()] == [{}] * 3
    assert [container["securityContext"] for container in containers(release)] == [{}] * 3


def test_a_cluster_s_requirements_hold_for_every_pod() -> None:
    release = render(EVERYTHING)
    exporter = release.pod()
    for pod in release.pods():
        shared = {key: value for key, value in pod["spec"].items() if key in SHARED}
        assert shared == {key: exporter[key] for key in SHARED}
        assert pod["metadata"]["labels"]["tier"] == "exporters"
        assert pod["metadata"]["annotations"]["note"] == "pod"


def test_every_container_has_the_resources_and_the_image() -> None:
    release = render({**EVERYTHING, "resources": {"limits": {"memory": "1Gi"}}})
    for container in containers(release):
        assert container["resources"]["limits"] == {"memory": "1Gi"}
        assert container["resources"]["requests"] == {"cpu": "20m", "memory": "96Mi"}
        assert container["image"] == release.container()["image"]


def test_the_pod_takes_further_environment_volumes_and_constraints() -> None:
    release = render(EVERYTHING)
    assert release.container()["env"] == EVERYTHING["extraEnv"]
    assert release.container()["envFrom"] == EVERYTHING["envFrom"]
    assert release.container()["volumeMounts"][-2:] == EVERYTHING["extraVolumeMounts"]
    assert release.pod()["volumes"][-2:] == EVERYTHING["extraVolumes"]
    assert release.pod()["topologySpreadConstraints"] == EVERYTHING["topologySpreadConstraints"]
    assert release.pod()["hostAliases"] == EVERYTHING["hostAliases"]


def test_helm_test_asks_the_service_with_tls_too(rendered: Rendered) -> None:
    (container,) = rendered.hook("Pod")["spec"]["containers"]
    service = rendered.one("Service")
    address = f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert container["args"] == ["healthcheck", f"--web.listen-address={address}"]
    account = rendered.pod()["serviceAccountName"]
    assert rendered.hook("Pod")["spec"]["serviceAccountName"] == account


PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.mark.parametrize(("case", "scheme"), [("passwords", "HTTP"), ("TLS", "HTTPS")])
def test_http_probes_need_no_password(case: str, scheme: str) -> None:
    container = render(MATRIX[case]).container()
    assert "--web.health-without-password" in container["args"]
    probes = [container[name]["httpGet"] for name in PROBES]
    assert [probe["path"] for probe in probes] == ["/-/healthy", "/-/healthy", "/-/ready"]
    assert {probe["scheme"] for probe in probes} == {scheme}


def test_probes_by_tcp_are_left_for_client_certificates() -> None:
    container = render(MATRIX["TLS, client certificates and probes by TCP"]).container()
    assert [container[name]["tcpSocket"] for name in PROBES] == [{"port": "metrics"}] * 3


def test_without_a_web_configuration_there_is_nothing_to_exempt() -> None:
    assert "--web.health-without-password" not in render({}).container()["args"]


@pytest.mark.parametrize("kind", ["existingSecret", "existingConfigMap"])
def test_a_roster_is_followed_because_it_changes_under_the_pod(kind: str) -> None:
    container = render({"roster": {kind: "people"}}).container()
    assert "--config.enable-auto-reload" in container["args"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "roster"]
    assert "subPath" not in mount  # such a mount never changes
    assert "--config.enable-auto-reload" not in render({}).container()["args"]


# The config check: a Job before an upgrade.


def test_it_checks_the_new_configuration_with_the_new_flags_and_image(rendered: Rendered) -> None:
    for job in rendered.all("Job"):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        flags = [arg for arg in rendered.container()["args"] if "--web.config.file=" not in arg]
        assert container["args"] == [*flags, "check"]
        assert container["image"] == rendered.container()["image"]
        assert rendered.hook("ConfigMap")["data"]["config.yaml"] == rendered.config()
        weights = [
            int(item["metadata"]["annotations"].get("helm.sh/hook-weight", 0))
            for item in (rendered.hook("ConfigMap"), job)
        ]
        assert weights == sorted(set(weights))


def test_it_can_be_switched_off() -> None:
    release = render(MATRIX["no config check"])
    assert release.all("Job") == []
    assert len(release.all("ConfigMap")) == 1


def test_it_needs_nothing_that_is_created_with_the_release(rendered: Rendered) -> None:
    """Argo CD runs it before the first installation, when there is no Secret yet."""
    for job in rendered.all("Job"):
        pod = job["spec"]["template"]["spec"]
        assert not any("secret" in volume for volume in pod["volumes"])
        assert pod.get("serviceAccountName", "default") not in [
            item["metadata"]["name"] for item in rendered.all("ServiceAccount")
        ]


def test_it_mounts_further_volumes_but_no_claim_that_another_node_may_hold() -> None:
    spec = render(EVERYTHING).hook("Job")["spec"]["template"]["spec"]
    assert [volume["name"] for volume in spec["volumes"]] == ["check", "ca"]
    assert {mount["name"] for mount in spec["containers"][0]["volumeMounts"]} == {"check", "ca"}


def check(values: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the Job's command on the Job's files, which lie in the folder."""
    release = render(values)
    mapped = release.hook("ConfigMap")["data"]
    for name, text in mapped.items():
        (folder / name).write_text(text)
    (container,) = release.hook("Job")["spec"]["template"]["spec"]["containers"]
    places = [mount["mountPath"] for mount in container["volumeMounts"]]
    config = folder / "config.yaml"
    text = config.read_text()
    for place in places:
        text = text.replace(f"{place}/", f"{folder}/")
    config.write_text(text)
    args = [arg.replace("/etc/gong-exporter/config.yaml", str(config)) for arg in container["args"]]
    return run_here(*args)


VALID: dict[str, dict[str, Any]] = {
    "no values": {},
    "every value": EVERYTHING,
    "a token": MATRIX["a token"],
    "passwords": MATRIX["passwords"],
}


@pytest.mark.parametrize("values", VALID.values(), ids=list(VALID))
def test_it_passes_without_any_secret(values: dict[str, Any], tmp_path: Path) -> None:
    done = check(values, tmp_path)
    assert done.returncode == 0, done.stderr


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "data that goes stale between polls": (
        {"config": {"poll": {"interval": "12h", "stale_after": "12h"}}},
        "stale_after",
    ),
    "a range backwards in time": (
        {
            "config": {
                "activity": {
                    "created_from": "2026-02-01T00:00:00Z",
                    "created_to": "2026-01-01T00:00:00Z",
                }
            }
        },
        "created_to",
    ),
    "an unknown time zone": ({"config": {"gong": {"time_zone": "Mars/Olympus"}}}, "time_zone"),
    "a missing file": ({"config": {"gong": {"ca_file": "/etc/ca/none.pem"}}}, "ca_file"),
    "an unknown flag": ({"extraArgs": ["--web.enable-lifecycel"]}, "--web.enable-lifecycel"),
}


@pytest.mark.parametrize(("values", "words"), INVALID.values(), ids=list(INVALID))
def test_it_fails_for_what_the_schema_cannot_know(
    values: dict[str, Any], words: str, tmp_path: Path
) -> None:
    done = check(values, tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
