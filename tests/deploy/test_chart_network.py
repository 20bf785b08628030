"""The Helm chart's NetworkPolicies: connections to the exporter, and from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.deploy_chart import Manifest, Rendered, render


def policies(release: Rendered) -> tuple[Manifest, Manifest]:
    """The specs of the exporter's policy and of the test pod's."""
    found = {item["metadata"]["name"]: item["spec"] for item in release.all("NetworkPolicy")}
    return found["gong-exporter"], found["gong-exporter-test"]


def selects(spec: Manifest, labels: dict[str, str]) -> bool:
    """True if a pod with these labels matches the selector."""
    return bool(spec["podSelector"]["matchLabels"].items() <= labels.items())


def release(gong: Mapping[str, Any] | None = None, **values: Any) -> Rendered:
    """A release with a NetworkPolicy of these values, and this section gong."""
    policy = {"enabled": True, **values}
    return render({"networkPolicy": policy, "config": {"gong": dict(gong or {})}})


SCRAPERS = [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]


def test_the_test_s_pod_may_connect_when_only_some_may() -> None:
    made = render({"networkPolicy": {"enabled": True, "from": SCRAPERS}})
    exporter, _ = policies(made)
    (rule,) = exporter["ingress"]
    assert rule["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    assert rule["from"][:-1] == SCRAPERS
    assert selects(rule["from"][-1], made.hook("Pod")["metadata"]["labels"])


def test_everyone_may_connect_when_no_one_is_named() -> None:
    exporter, _ = policies(release())
    assert exporter["ingress"] == [{"ports": [{"port": "metrics", "protocol": "TCP"}]}]


def test_each_policy_is_for_its_own_pod_and_the_test_s_pod_may_ask_the_exporter() -> None:
    made = release()
    exporter, test = policies(made)
    pods = {
        name: pod["metadata"]["labels"]
        for name, pod in zip(("exporter", "check", "test"), made.pods(), strict=True)
    }
    assert [name for name in pods if selects(exporter, pods[name])] == ["exporter"]
    assert [name for name in pods if selects(test, pods[name])] == ["test"]
    (peer,) = test["egress"][-1]["to"]
    assert selects(peer, pods["exporter"])
    assert "ingress" not in test
    assert test["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    ("base_url", "port"),
    [
        (None, 443),
        ("https://us-1.api.gong.io", 443),
        ("HTTPS://us-1.api.gong.io/gong/", 443),
        ("http://gong-simulator", 80),
        ("http://gong-simulator:8066", 8066),
        ("https://gateway.example:8443/gong", 8443),
        ("https://[2001:db8::1]", 443),
        ("http://[2001:db8::1]:8066/", 8066),
    ],
)
def test_the_port_follows_the_base_url(base_url: str | None, port: int) -> None:
    exporter, _ = policies(release({"base_url": base_url} if base_url else {}))
    assert exporter["egress"][1:] == [{"ports": [{"port": port, "protocol": "TCP"}]}]


@pytest.mark.parametrize("ports", [[53], [5353], [53, 5353]])
def test_both_pods_may_ask_dns_on_the_cluster_s_ports(ports: list[int]) -> None:
    for spec in policies(release(dnsPorts=ports)):
        allowed = {(item["port"], item["protocol"]) for item in spec["egress"][0]["ports"]}
        assert allowed == {(port, protocol) for port in ports for protocol in ("UDP", "TCP")}
        assert "to" not in spec["egress"][0]


def test_further_destinations_are_added() -> None:
    extra = [{"ports": [{"port": 3128, "protocol": "TCP"}]}]
    exporter, _ = policies(release(extraEgress=extra))
    assert exporter["egress"][2:] == extra
