"""The committed dashboards, and their panels and queries, for all tests of this folder."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.dashboard_variables import Variables, seconds
from tests.support.servers import Prometheus

GRAFANA = Path(__file__).parents[2] / "grafana"
UIDS = ("gong-overview", "gong-team", "gong-user", "gong-exporter", "gong-this-week")
POINTS = 120

Json = Mapping[str, Any]


def dashboard(uid: str) -> dict[str, Any]:
    """A dashboard as it is provisioned."""
    text = (GRAFANA / "dashboards" / f"{uid}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def panels(of: Json) -> Iterator[Json]:
    """Its panels with data, without headings and legends."""
    for panel in of["panels"]:
        if panel["type"] not in {"row", "text"}:
            yield panel


@dataclass(frozen=True)
class Target:
    """A query of a panel.

    Attributes:
        panel: the panel's title.
        ref: which of its queries.
        expr: with variables.
        instant: or over the time range.
        least: the shortest step, in seconds.
    """

    panel: str
    ref: str
    expr: str
    instant: bool
    least: int

    def put(self, variables: Variables, span: int) -> tuple[str, int]:
        """The query as it is sent, and the step in seconds for a range of ``span`` seconds."""
        step = max(self.least, span // POINTS)
        return variables.put_into(self.expr, step=step, least=self.least), step

    def values(self, prometheus: Prometheus, variables: Variables, span: int) -> list[float]:
        """Every sample of the answer."""
        expr, step = self.put(variables, span)
        if self.instant:
            return [value for _, value in prometheus.query(expr, variables.now)]
        end = variables.now // step * step  # as Grafana aligns both ends
        wanted = {
            "query": expr,
            "start": str(end - span // step * step),
            "end": str(end),
            "step": str(step),
        }
        answer = prometheus.get(f"/api/v1/query_range?{urllib.parse.urlencode(wanted)}")
        series = answer["data"]["result"]
        return [float(value) for one in series for _, value in one["values"]]


def targets(of: Json) -> Iterator[Target]:
    """All queries of a dashboard."""
    for panel in panels(of):
        for target in panel["targets"]:
            yield Target(
                panel["title"],
                target["refId"],
                target["expr"],
                bool(target.get("instant")),
                seconds(target.get("interval") or "15s"),
            )


def target(uid: str, title: str, ref: str = "A") -> Target:
    """One query by its panel's title."""
    (found,) = (t for t in targets(dashboard(uid)) if t.panel == title and t.ref == ref)
    return found


def span(of: Json) -> int:
    """The time range of a dashboard, in seconds; all end now."""
    assert of["time"]["to"] == "now"
    return seconds(of["time"]["from"].removeprefix("now-"))
