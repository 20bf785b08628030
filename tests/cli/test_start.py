"""The console script: SIGTERM before the commands are imported, and streams that are closed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.exporter import Process, command, environment, write_config
from tests.support.servers import free_port, until
from tests.support.simulator import running_simulator

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


_CHECKING = """
import sys, threading, bcrypt
from gong_exporter.cli import main, start

hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4))

def check():
    while True:
        bcrypt.checkpw(b"wrong", hashed)

def command(**_):
    threading.Thread(target=check, daemon=True).start()
    print("said")
    sys.exit(3)

main.cli = command
start.main()
"""


def test_a_password_that_is_still_checked_does_not_abort_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHECKING], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")


def with_closed(streams: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, by a shell that closes some of its standard streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *command(*arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )


def test_output_that_nobody_gets_is_a_failure(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        done = with_closed("<&- >&-", f"--config.file={config}", "--log.level=error", "--once")
    assert (done.returncode, done.stderr) == (
        1,
        "gong-exporter: cannot write to stdout: Bad file descriptor\n",
    )


def test_errors_that_nobody_hears_are_errors_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("gong: {access_kex: x}\n", encoding="utf-8")
    done = with_closed("2>&-", f"--config.file={tmp_path / 'config.yaml'}", "--once")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_it_serves_with_all_of_its_streams_closed(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        shell = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        process = subprocess.Popen(
            [*shell, *command(f"--config.file={config}", f"--web.listen-address={address}")],
            env=environment(),
        )
        running = Process(process, tmp_path / "nothing")
        running.url = f"http://{address}"
        try:
            until(
                lambda: process.poll() is not None or running.ask("/-/ready").status == 200,
                "it serves what it polled",
            )
            assert process.poll() is None
            opened = [Path(f"/proc/{process.pid}/fd/{number}").readlink() for number in range(3)]
            assert opened == [Path("/dev/null")] * 3
            running.stop()
            assert process.returncode == 0
        finally:
            running.kill()


def test_a_crash_leaves_no_dump_with_the_keys_in_it() -> None:
    script = (
        "import resource, sys; from gong_exporter.cli.start import main\n"
        "try: main()\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    done = subprocess.run(
        [
            "sh",
            "-c",
            'ulimit -S -c 1000; exec "$@"',
            "sh",
            sys.executable,
            "-c",
            script,
            "--version",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("descriptors", [6, 8])
@pytest.mark.parametrize("arguments", [(), ("simulate", "--port=0")], ids=["serve", "simulate"])
def test_a_process_with_few_descriptors_ends_or_runs_without_a_traceback(
    descriptors: int, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9", state={"file": None})
    flags = [f"--config.file={config}", "--web.listen-address=127.0.0.1:0", *arguments]
    script = f'ulimit -n {descriptors}; exec timeout -s TERM 5 "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command(*flags)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert done.returncode in {1, 124}  # 124: it ran until timeout(1) stopped it
    # CPython reports a half-built event loop on its own.
    ours = done.stderr.partition("Exception ignored")[0]
    assert "Traceback" not in ours  # not in a log line either
    if done.returncode == 1:
        assert "gong-exporter: " in done.stderr
