"""What takes a backfill in: promtool with Prometheus, and VictoriaMetrics."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path

from tests.support.backfill_samples import Samples, Series
from tests.support.servers import Prometheus, promtool

KEEP = "--storage.tsdb.retention.time=100y"


def make_blocks(output: Path, data: Path, *flags: str) -> int:
    """Blocks from an OpenMetrics file; how many."""
    result = promtool("tsdb", "create-blocks-from", *flags, "openmetrics", str(output), str(data))
    assert result.returncode == 0, result.stderr
    return len(result.stdout.splitlines()) - 1


def _series(labels: dict[str, str]) -> Series:
    rest = {name: value for name, value in labels.items() if name != "__name__"}
    return labels["__name__"], frozenset(rest.items())


def everything(server: Prometheus, matcher: str, days: int, at: float) -> Samples:
    """Every sample that matches in so many days before a Unix time."""
    query = urllib.parse.urlencode({"query": f"{matcher}[{days}d]", "time": str(at)})
    result = server.get(f"/api/v1/query?{query}")["data"]["result"]
    return {
        _series(each["metric"]): {float(t): float(value) for t, value in each["values"]}
        for each in result
    }


def take_text(server: Prometheus, output: Path) -> None:
    """Have a VictoriaMetrics import a file in the Prometheus text form."""
    request = urllib.request.Request(
        f"{server.url}/api/v1/import/prometheus", output.read_bytes(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204
    with urllib.request.urlopen(f"{server.url}/internal/force_flush", timeout=30):
        pass


def stored(server: Prometheus, matcher: str) -> Samples:
    """Every sample that matches, as a VictoriaMetrics stores it."""
    query = urllib.parse.urlencode({"match[]": matcher, "start": "0"})
    with urllib.request.urlopen(f"{server.url}/api/v1/export?{query}", timeout=30) as answer:
        rows = [json.loads(line) for line in answer]
    return {
        _series(row["metric"]): {
            at / 1000: float(value)
            for at, value in zip(row["timestamps"], row["values"], strict=True)
        }
        for row in rows
    }
