"""What holds for all tests."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings

from tests.support import servers

# The duration of an example depends on the load of the machine, not on the code under test.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")

BEFORE_MIDNIGHT = timedelta(minutes=1)
"""Real processes have the real clock. A test with one of them that begins so shortly before the
midnight of the tests' company would see it poll for the new day."""


def _monitoring(item: pytest.Item) -> bool:
    return any(servers.MONITORING & set(mark.args) for mark in item.iter_markers("server"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let ``-m monitoring`` select what talks to the servers of ``SERVERS=new``; order the rest."""
    for item in items:
        if _monitoring(item):
            item.add_marker("monitoring")
    # The longest test begins first, so that no worker waits for it alone at the end.
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


def pytest_runtest_setup() -> None:
    """Begin no test in the last minute of the company's day."""
    now = datetime.now(ZoneInfo("US/Pacific"))
    if (now + BEFORE_MIDNIGHT).date() != now.date():
        time.sleep(BEFORE_MIDNIGHT.total_seconds())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let ``need`` see whether the test is marked, so that ``-m monitoring`` leaves none out."""
    servers.marked = _monitoring(item)
    return (yield)
