"""Grafana finds the data source and the dashboards by the provisioning files."""

from __future__ import annotations

import json
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


def test_the_data_source_leaves_an_existing_one_alone() -> None:
    """Grafana overwrites a source of the same name, and two default ones keep it from starting."""
    document = only("datasources")
    (source,) = document["datasources"]
    assert source["isDefault"] is False
    assert "gong" in source["name"].lower()
    assert source["name"].lower() != "prometheus"
    assert source["uid"] == "gong-prometheus"
    assert "deleteDatasources" not in document
    assert "prune" not in document


def test_no_dashboard_needs_a_default_data_source() -> None:
    for path in (GRAFANA / "dashboards").glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        (variable,) = [v for v in board["templating"]["list"] if v["type"] == "datasource"]
        assert variable["query"] == "prometheus"
        assert "current" not in variable, "Grafana then takes the first Prometheus"


def test_the_docs_say_to_leave_the_file_out_where_there_is_a_data_source() -> None:
    for page in (DOCS, DOCS.with_name("deploy.md")):
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert "leave `provisioning/datasources` out" in text, page.name


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
    assert names == {"alerting", "dashboards", "import", "provisioning"}
    assert all(Path(path).suffix in {".json", ".yaml"} for path in GRAFANA.rglob("*.*"))
