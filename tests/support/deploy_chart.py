"""The Helm chart, rendered by Helm itself."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import jsonschema
import kubernetes_validate
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "kubernetes" / "gong-exporter"
CRDS = ROOT / "tests" / "data" / "crds"

KUBERNETES = ("1.25", "1.30", "1.37")
"""From the oldest version that the chart allows to the newest with a known schema."""

Manifest = dict[str, Any]


class StrictLoader(yaml.CSafeLoader):
    """Refuses a key that is given twice, as kustomize and Argo CD do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001,FBT002 - PyYAML's signature
        """The mapping. Raises: yaml.constructor.ConstructorError, if a key is given twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", node.start_mark
                )
        return super().construct_mapping(node, deep=deep)


def documents(text: str) -> Iterator[Manifest]:
    """The objects in a YAML stream. Raises: yaml.YAMLError, also for a key that is given twice."""
    for document in yaml.load_all(text, StrictLoader):
        if document is not None:
            yield document


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one release.

    Attributes:
        objects: every manifest, hooks included, in no order.
        notes: the text that Helm prints after an installation.
    """

    objects: tuple[Manifest, ...]
    notes: str

    def one(self, kind: str) -> Manifest:
        """The only object of a kind."""
        (found,) = self.all(kind)
        return found

    def all(self, kind: str) -> list[Manifest]:
        """Every object of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def hook(self, kind: str) -> Manifest:
        """The only hook of a kind."""
        (found,) = [item for item in self.all(kind) if is_hook(item)]
        return found

    def pod(self) -> Manifest:
        """The spec of the exporter's pod."""
        spec: Manifest = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    def pods(self) -> list[Manifest]:
        """Every pod, each with metadata and spec."""
        owners = [*self.all("Deployment"), *self.all("Job")]
        return [*(owner["spec"]["template"] for owner in owners), *self.all("Pod")]

    def container(self) -> Manifest:
        """The exporter's container."""
        (container,) = self.pod()["containers"]
        assert isinstance(container, dict)
        return container

    def config(self) -> str:
        """The exporter's configuration file."""
        (found,) = [
            item
            for item in self.all("ConfigMap")
            if "config.yaml" in item["data"] and not is_hook(item)
        ]
        text: str = found["data"]["config.yaml"]
        return text


def is_hook(manifest: Manifest) -> bool:
    """True if Helm creates the object for a moment of its own, not with the release."""
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})


def render(
    values: Mapping[str, Any],
    *,
    name: str = "gong-exporter",
    namespace: str = "monitoring",
    chart: Path = CHART,
) -> Rendered:
    """A release with these values. Raises: helm.HelmError, if Helm would refuse them."""
    with helm.Chart.load(chart) as loaded:
        loaded.validate_schema(dict(values))
        files = loaded.render(dict(values), name=name, namespace=namespace)
    notes = "".join(text for path, text in files.items() if path.endswith("NOTES.txt"))
    manifests = [text for path, text in files.items() if not path.endswith("NOTES.txt")]
    return Rendered(tuple(item for text in manifests for item in documents(text)), notes)


def problems(manifest: Manifest, kubernetes: str) -> list[str]:
    """Why that version of Kubernetes, or an operator with a schema of its own, would refuse it."""
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    own = CRDS / f"{manifest['kind'].lower()}.json"
    try:
        if own.exists():
            jsonschema.Draft202012Validator(_schema(own)).validate(manifest)
        else:
            kubernetes_validate.validate(manifest, kubernetes, strict=True)
    except jsonschema.ValidationError as error:
        return [f"{name}: {error.json_path}: {error.message}"]
    return []


@cache
def _schema(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text())
    return schema
