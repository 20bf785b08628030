"""A real Alertmanager with the example's routes and inhibitions."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.rules_engine import PROMETHEUS
from tests.support.servers import free_port, need, running, until

EXAMPLE = PROMETHEUS / "alertmanager.example.yml"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One that runs.

    Attributes:
        address: host and port.
    """

    address: str

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that it has, as its API shows it."""
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def take(self, alerts: Sequence[Labels]) -> None:
        """Give it alerts that have only labels, as Prometheus does."""
        self.post([{"labels": labels} for labels in alerts])

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Give it alerts in the form of its API."""
        request = urllib.request.Request(
            f"http://{self.address}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def suppressed(self, count: int) -> set[tuple[str, ...]]:
        """The label values, sorted by label, of alerts held back, once it has ``count`` alerts.

        An alert is "unprocessed" until it has gone through the routes and inhibitions.
        """

        def settled() -> bool:
            states = [alert["status"]["state"] for alert in self.alerts()]
            return len(states) == count and "unprocessed" not in states

        until(settled, f"{count} alerts")
        return {
            tuple(value for _, value in sorted(alert["labels"].items()))
            for alert in self.alerts()
            if alert["status"]["inhibitedBy"]
        }


def _quiet_example() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    config["route"]["group_wait"] = "0s"
    config["receivers"] = [{"name": each["name"]} for each in config["receivers"]]
    return config


@contextmanager
def alertmanager(folder: Path, config: Mapping[str, Any] | None = None) -> Iterator[Alertmanager]:
    """An Alertmanager.

    Args:
        folder: for its data.
        config: None for the example's, with receivers that send nothing, and without waiting before
            it groups.
    """
    program = need("prometheus-alertmanager")
    file = folder / "alertmanager.yml"
    file.write_text(json.dumps(config or _quiet_example()))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running(command, f"http://{address}/-/ready", folder / "alertmanager.log"):
        yield Alertmanager(address)
