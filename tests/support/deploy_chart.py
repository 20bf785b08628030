"""The Helm chart, rendered by Helm itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
"""From the oldest that the chart allows to the newest that is known here."""

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one release consists of.

    Attributes:
        objects: every manifest, in no order.
        notes: what Helm prints after an installation.
    """

    objects: tuple[Manifest, ...]
    notes: str

    def one(self, kind: str) -> Manifest:
        """The only object of a kind."""
        (found,) = self.all(kind)
        return found

    def all(self, kind: str) -> list[Manifest]:
        """Every object of a kind."""
        return [thing for thing in self.objects if thing["kind"] == kind]

    def pod(self) -> Manifest:
        """The spec of the exporter's pod."""
        spec: Manifest = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    def container(self) -> Manifest:
        """The exporter's container."""
        (container,) = self.pod()["containers"]
        assert isinstance(container, dict)
        return container

    def config(self) -> str:
        """The exporter's configuration file."""
        (maps,) = [thing for thing in self.all("ConfigMap") if "config.yaml" in thing["data"]]
        text: str = maps["data"]["config.yaml"]
        return text


def render(
    values: Mapping[str, Any], *, name: str = "gong-exporter", namespace: str = "monitoring"
) -> Rendered:
    """A release with these values. Raises: helm.HelmError, when Helm would refuse them."""
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(dict(values))
        files = chart.render(dict(values), name=name, namespace=namespace)
    notes = files.pop("gong-exporter/templates/NOTES.txt")
    objects = [
        thing for text in files.values() for thing in yaml.safe_load_all(text) if thing is not None
    ]
    return Rendered(tuple(objects), notes)


def faults(manifest: Manifest, kubernetes: str) -> list[str]:
    """What that version of Kubernetes, or the Prometheus Operator, would not take."""
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
