"""Commands in the pages that the tests of the docs do not run, and why: the one list."""

from __future__ import annotations

from tests.docs.pages import Block

OTHERS = {
    "docs/alerting.md": "run by tests/rules",
    "docs/backfill.md": "run by tests/backfill",
    "docs/behaviour.md": "run by tests/end_to_end",
    "docs/dashboards.md": "run by tests/dashboards",
    "docs/deploy.md": "run by tests/deploy",
    "docs/performance.md": "measured by make bench",
    "docs/runbooks.md": "run by tests/rules",
    "CONTRIBUTING.md": "run by .ci/run",
    "deploy/": "run by tests/deploy",
    "grafana/": "run by tests/dashboards",
    "prometheus/": "run by tests/rules",
}
"""Pages (or folders) whose commands other tests answer for."""

COMMANDS = {
    ".venv/bin/python benchmarks/scaling.py --users 48 1000 10000": "measures for six minutes",
    ".venv/bin/python benchmarks/storage.py": "measures for half a minute",
}
"""Lines of blocks that are not run, of any page."""

DRY = {
    "make": "would set up an environment from the network; here `make -n` says what it would do",
}
"""Programs that are only asked whether they could."""


def reason(block: Block) -> str | None:
    """Why a block is not run; None when it is."""
    for place, why in OTHERS.items():
        if block.page == place or (place.endswith("/") and block.page.startswith(place)):
            return why
    lines = [line for line in block.text.splitlines() if line.strip()]
    return next((COMMANDS[line] for line in lines if line in COMMANDS), None)
