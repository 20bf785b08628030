"""Rules that fire at once, samples to scrape, and the wait until Alertmanager has the alerts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.rules_alertmanager import Alertmanager
from tests.support.rules_engine import ACTIVITY
from tests.support.servers import until

Key = tuple[str, str, str]
"""An alert's name and severity, and the user or team that it is about ("" for the company)."""


def eager_rules(folder: Path) -> Path:
    """A copy of the rules that fire at once: every ``for`` and interval is a second."""
    text = ACTIVITY.read_text(encoding="utf-8")
    copy = folder / "gong-activity.yml"
    copy.write_text(re.sub(r"^( +)(for|interval): \S+$", r"\1\2: 1s", text, flags=re.MULTILINE))
    return copy


def await_states(manager: Alertmanager, expected: Mapping[Key, str]) -> list[dict[str, Any]]:
    """The alerts, once exactly these are there and have gone through the inhibitions.

    Args:
        manager: where.
        expected: ``active`` or ``suppressed``.
    """

    def states() -> dict[Key, str]:
        found = {}
        for alert in manager.alerts():
            labels = alert["labels"]
            subject = labels.get("user") or labels.get("team", "")
            found[labels["alertname"], labels["severity"], subject] = alert["status"]["state"]
        return found

    try:
        until(lambda: states() == expected, "the alerts at Alertmanager", 60)
    except AssertionError:
        assert states() == expected
    return manager.alerts()


@contextmanager
def serving(text: str) -> Iterator[str]:
    """Host and port of a server that answers every request with the text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
