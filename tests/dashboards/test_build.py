"""The committed JSON is what the source builds, in both forms."""

from __future__ import annotations

import json
import re

import pytest

from tests.dashboards.pages import GRAFANA, UIDS, dashboard
from tools.dashboards.build import INPUT, files

AGAIN = "python -m tools.dashboards.build writes it again"


def test_the_committed_files_are_what_the_source_builds() -> None:
    for path, text in files().items():
        assert (GRAFANA / path).read_text(encoding="utf-8") == text, f"{path} is old: {AGAIN}"


def test_no_file_is_left_over() -> None:
    committed = {
        path.relative_to(GRAFANA)
        for folder in ("dashboards", "import")
        for path in (GRAFANA / folder).iterdir()
    }
    assert committed == files().keys()


def test_building_twice_gives_the_same() -> None:
    assert files() == files()


@pytest.mark.parametrize("uid", UIDS)
def test_the_form_for_import_asks_for_the_data_source_and_is_else_the_same(uid: str) -> None:
    text = (GRAFANA / "import" / f"{uid}.json").read_text(encoding="utf-8")
    imported = json.loads(text)
    (asked,) = imported.pop("__inputs")
    assert (asked["name"], asked["type"], asked["pluginId"]) == (INPUT, "datasource", "prometheus")
    needed = {each["id"] for each in imported.pop("__requires")}
    used = {panel["type"] for panel in imported["panels"]} - {"row"}
    assert needed == used | {"grafana", "prometheus"}
    assert imported.pop("__elements") == {}
    assert imported["templating"]["list"][0].pop("current")["value"] == f"${{{INPUT}}}"
    assert imported == dashboard(uid)


@pytest.mark.parametrize("uid", UIDS)
def test_the_provisioned_form_asks_for_nothing(uid: str) -> None:
    text = (GRAFANA / "dashboards" / f"{uid}.json").read_text(encoding="utf-8")
    assert not re.search(r"__inputs|__requires|\$\{DS_", text)
