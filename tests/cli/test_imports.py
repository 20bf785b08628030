"""What the cheap commands import: a container's health check runs every few seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
import sys
from gong_exporter.cli.start import main
sys.argv[1:] = {arguments!r}
try:
    main()
except SystemExit as ended:
    print(ended.code)
print(*sys.modules)
"""

STATUS_AND_PACKAGES = {
    ("--version",): ("0", {"options", "main", "start"}),
    ("healthcheck", "--web.listen-address=127.0.0.1:1"): (
        "1",
        {"options", "main", "start", "healthcheck"},
    ),
}


@pytest.mark.parametrize("arguments", STATUS_AND_PACKAGES)
def test_a_cheap_command_imports_only_click_and_itself(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, status, modules = done.stdout.splitlines()
    expected, commands = STATUS_AND_PACKAGES[arguments]
    assert status == expected, done.stderr
    ours = {name for name in modules.split() if name.startswith("gong_exporter")}
    names = {f"gong_exporter.cli.{name}" for name in commands}
    assert ours == {"gong_exporter", "gong_exporter.cli", *names}
    installed = {name for name in modules.split() if name.partition(".")[0] in HEAVY}
    assert not installed


HEAVY = {
    *("apscheduler", "bcrypt", "prometheus_client", "pydantic", "requests", "rich", "sqlite3"),
    *("starlette", "structlog", "tenacity", "urllib3", "uvicorn", "yaml"),
}
