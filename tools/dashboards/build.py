"""Writes the dashboards' JSON: ``python -m tools.dashboards.build``.

``grafana/dashboards`` is what Grafana provisions; ``grafana/import`` is the same with ``__inputs``,
for the import page and for grafana.com.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.dashboards.exporter import exporter
from tools.dashboards.overview import overview
from tools.dashboards.team import team_dashboard
from tools.dashboards.user import user_dashboard
from tools.dashboards.week import week

ROOT = Path(__file__).parents[2] / "grafana"
GRAFANA = "11.6.0"
INPUT = "DS_PROMETHEUS"


def files() -> Mapping[Path, str]:
    """Every generated file below ``grafana/``, with its text."""
    made: dict[Path, str] = {}
    for built in (week(), overview(), team_dashboard(), user_dashboard(), exporter()):
        name = f"{built['uid']}.json"
        made[Path("dashboards", name)] = _text(built)
        made[Path("import", name)] = _text(_for_import(built))
    return made


def _for_import(built: Mapping[str, Any]) -> dict[str, Any]:
    """Asks for the data source when it is imported; it can still be chosen afterwards."""
    dashboard = copy.deepcopy(dict(built))
    (source,) = (v for v in dashboard["templating"]["list"] if v["type"] == "datasource")
    source["current"] = {"text": f"${{{INPUT}}}", "value": f"${{{INPUT}}}"}
    kinds = sorted({panel["type"] for panel in dashboard["panels"]} - {"row"})
    asked = {
        "name": INPUT,
        "label": "Prometheus",
        "description": "The Prometheus that scrapes gong-exporter.",
        "type": "datasource",
        "pluginId": "prometheus",
        "pluginName": "Prometheus",
    }
    needed = [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": GRAFANA},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
        *({"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds),
    ]
    return {"__inputs": [asked], "__elements": {}, "__requires": needed, **dashboard}


def _text(dashboard: Mapping[str, Any]) -> str:
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
