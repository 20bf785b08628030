"""Rules that fire at once, and the wait until Alertmanager has what they give."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
