"""Commands in the pages that the tests of the docs do not run, and why: the one list."""

from __future__ import annotations

import re

from tests.docs.pages import Block

PROGRAMS = {
    "apt-get": "would change the machine",
    "docker": "needs an engine; make image-test and make compose-test bring one",
    "gh": "needs GitHub and a release that it attested; nobody has run these yet",
    "git": "would need the network",
    "helm": "needs a cluster; Helm runs as a library in tests/deploy",
    "journalctl": "needs systemd running; make systemd-test boots one",
    "kubectl": "needs a cluster; tools/cluster-test.sh runs the page on one",
    "pip": "would need the network",
    "podman": "needs a container engine; make image-test brings it",
    "systemctl": "needs systemd running; make systemd-test boots one",
    "sudo": "would change the machine",
    "vmagent": "does not end; tests/end_to_end/test_push.py runs it",
}
"""Programs that make a block one that cannot be run here."""

_PUSH = "promtool push metrics --label job=gong http://prometheus:9090/api/v1/write"
PUSHES = (f"gong-exporter --once --log.level=warn | {_PUSH}", f"{_PUSH} < gong.prom")

COMMANDS = {
    ".venv/bin/python benchmarks/scaling.py --users 48 1000 10000": "measures for six minutes",
    **dict.fromkeys(PUSHES, "needs promtool 3; tests/end_to_end/test_push.py runs it"),
}
"""Lines of blocks that are not run, of any page."""

OTHERS = {
    "docs/alerting.md": "run by tests/rules",
    "docs/backfill.md": "run by tests/backfill",
    "docs/dashboards.md": "run by tests/dashboards",
    "docs/deploy.md": "run by tests/deploy",
    "docs/performance.md": "measured by make bench",
    "CONTRIBUTING.md": "run by .ci/run",
    "SECURITY.md": "run by tests/deploy",
    "deploy/": "run by tests/deploy",
    "grafana/": "run by tests/dashboards",
    "prometheus/": "run by tests/rules",
}
"""Pages (or folders) whose other commands other tests answer for."""

DRY = {
    "make": "would set up an environment from the network; here `make -n` says what it would do",
}
"""Programs that are only asked whether they could."""

_PROGRAM = re.compile(r"^\s*(?:\$ )?(?:[A-Z_]+=\S* +)*([\w./-]+)")


def reason(block: Block) -> str | None:
    """Why a block is not run; None when it is."""
    lines = [line for line in block.text.splitlines() if line.strip()]
    for line in lines:
        program = _PROGRAM.match(line)
        if line in COMMANDS:
            return COMMANDS[line]
        if program and program[1].rpartition("/")[2] in PROGRAMS:
            return PROGRAMS[program[1].rpartition("/")[2]]
    for place, why in OTHERS.items():
        if block.page == place or (place.endswith("/") and block.page.startswith(place)):
            return why
    return None
