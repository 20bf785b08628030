"""The chart as a dependency of another chart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from gong_exporter import __version__
from tests.support.deploy_chart import CHART, render
from tests.support.deploy_values import EVERYTHING


@pytest.fixture
def umbrella(tmp_path: Path) -> Path:
    """A chart that depends on this one under a condition and a tag."""
    chart = tmp_path / "umbrella"
    shutil.copytree(CHART, chart / "charts" / "gong-exporter")
    dependency = {
        "name": "gong-exporter",
        "version": __version__,
        "condition": "gong-exporter.enabled",
        "tags": ["monitoring"],
    }
    about = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "dependencies": [dependency]}))
    return chart


@pytest.mark.parametrize(
    "values",
    [
        {"gong-exporter": {"enabled": True}},
        {"gong-exporter": {"enabled": True, "tags": {"monitoring": False}}},
        {"tags": {"monitoring": True}},
        {"gong-exporter": {"enabled": True}, "tags": {"monitoring": False}, "global": {"a": 1}},
        {"gong-exporter": {"enabled": True, **EVERYTHING}},
    ],
)
def test_it_is_rendered_when_the_condition_or_tag_is_true(
    umbrella: Path, values: dict[str, Any]
) -> None:
    release = render(values, chart=umbrella)
    expected = values.get("gong-exporter", {})
    assert len(release.objects) == len(render(expected).objects)


@pytest.mark.parametrize(
    "values", [{"gong-exporter": {"enabled": False}}, {"tags": {"monitoring": False}}]
)
def test_it_is_left_out_when_the_condition_or_tag_is_false(
    umbrella: Path, values: dict[str, Any]
) -> None:
    assert render(values, chart=umbrella).objects == ()


def test_null_removes_a_default_from_above_too(umbrella: Path) -> None:
    values = {"gong-exporter": {"podSecurityContext": {"runAsUser": None, "fsGroup": None}}}
    pod = render(values, chart=umbrella).pod()
    assert not {"runAsUser", "fsGroup"} & pod["securityContext"].keys()
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_a_mistake_is_refused_from_above_too(umbrella: Path) -> None:
    with pytest.raises(helm.HelmError, match="replicas"):
        render({"gong-exporter": {"replicas": 2}}, chart=umbrella)
