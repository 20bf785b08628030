"""A real VictoriaMetrics, which answers Prometheus's query API and takes its remote write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import Prometheus, free_port, need, running


@contextmanager
def victoria_metrics(folder: Path, *flags: str) -> Iterator[Prometheus]:
    """One with its data and log in ``folder``; new samples show after a second.

    Args:
        folder: an empty one, such as ``tmp_path``.
        flags: further ones, such as ``-retentionPeriod=10y``.
    """
    address = f"127.0.0.1:{free_port()}"
    command = [
        need("victoria-metrics"),
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr={address}",
        "-search.latencyOffset=1s",
        "-memory.allowedBytes=64MB",
        *flags,
    ]
    with running(command, f"http://{address}/health", folder / "victoria-metrics.log"):
        yield Prometheus(f"http://{address}")
