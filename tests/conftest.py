"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support import servers

# The duration of an example depends on the load of the machine, not on the code under test.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def _monitoring(item: pytest.Item) -> bool:
    return any(servers.MONITORING & set(mark.args) for mark in item.iter_markers("server"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let ``-m monitoring`` select what talks to the servers of ``SERVERS=new``; order the rest."""
    for item in items:
        if _monitoring(item):
            item.add_marker("monitoring")
    # The longest test begins first, so that no worker waits for it alone at the end.
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let ``need`` see whether the test is marked, so that ``-m monitoring`` leaves none out."""
    servers.marked = _monitoring(item)
    return (yield)
