"""A running exporter whose configuration is written again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import Answer, Process, exporter, write_config
from tests.support.simulator import running_simulator


@dataclass
class Scene:
    """A running exporter after its first poll."""

    folder: Path
    simulator: Simulator
    running: Process

    def write(self, **sections: Any) -> None:
        write_config(self.folder, self.simulator.url, **sections)

    def reload(self, **sections: Any) -> Answer:
        """Write a configuration, and POST."""
        self.write(**sections)
        return self.running.ask("/-/reload", "POST")

    def calls(self) -> int:
        return len(self.simulator.journal.entries())


@contextmanager
def playing(folder: Path) -> Iterator[Scene]:
    with running_simulator(FixtureCompany(users=6), now=utc_now) as simulator:
        config = write_config(folder, simulator.url)
        with exporter(config, "--web.enable-lifecycle") as running:
            running.await_polls(1)
            yield Scene(folder, simulator, running)
