"""The console script: SIGTERM before the commands are imported."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

_SCRIPT = """
import os, signal, sys

own = os.getpid()
os.getpid = lambda: {pid}

class Late:
    def find_spec(self, name, *_):
        if name == "gong_exporter.cli.main":
            os.kill(own, signal.SIGTERM)

from gong_exporter.cli.start import main
sys.meta_path.insert(0, Late())
main()
"""


@pytest.mark.parametrize(
    ("pid", "status"),
    [
        pytest.param("1", 128 + signal.SIGTERM, id="PID 1, whose own handler it takes"),
        pytest.param("own", -signal.SIGTERM, id="another process, which dies of the signal"),
    ],
)
def test_sigterm_during_the_imports_ends_the_process(pid: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(pid=pid), "--version"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_the_console_script_is_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gong_exporter", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("gong-exporter ")
