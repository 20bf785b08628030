"""Grafana finds the data source and the dashboards by the provisioning files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from tests.dashboards.pages import GRAFANA, UIDS

PROVISIONING = GRAFANA / "provisioning"
DOCS = GRAFANA.parent / "docs" / "dashboards.md"


def only(folder: str) -> Any:
    """The one file of a folder, read."""
    (path,) = (PROVISIONING / folder).iterdir()
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_data_source_is_a_prometheus_whose_address_comes_from_the_environment() -> None:
    document = only("datasources")
    assert document["apiVersion"] == 1
    (source,) = document["datasources"]
    assert (source["type"], source["access"]) == ("prometheus", "proxy")
    assert source["url"] == "$PROMETHEUS_URL"
    assert source["isDefault"] is True


def test_the_provider_reads_the_folder_that_the_docs_mount() -> None:
    document = only("dashboards")
    assert document["apiVersion"] == 1
    (provider,) = document["providers"]
    path = provider["options"]["path"]
    assert provider["type"] == "file"
    assert PurePosixPath(path).is_absolute()
    assert f"grafana/dashboards:{path}" in DOCS.read_text(encoding="utf-8")


def test_dashboards_of_provisioning_cannot_be_changed_in_the_browser() -> None:
    (provider,) = only("dashboards")["providers"]
    assert provider["allowUiUpdates"] is False


@pytest.mark.parametrize("uid", UIDS)
def test_every_dashboard_is_documented(uid: str) -> None:
    assert f"`{uid}`" in DOCS.read_text(encoding="utf-8")


def test_nothing_else_is_in_the_folder() -> None:
    names = {path.relative_to(GRAFANA).parts[0] for path in GRAFANA.rglob("*") if path.is_file()}
    assert names == {"dashboards", "import", "provisioning"}
    assert all(Path(path).suffix in {".json", ".yaml"} for path in GRAFANA.rglob("*.*"))
