"""The whole of it, with a past: ``.venv/bin/python tools/demo_history.py``.

The simulator's company, the exporter that polls it, 120 days backfilled beside it within Gong's
limits (two minutes), and a Prometheus with those blocks, the rules and the exporter as its
target. Everything is on loopback and in a temporary folder; Ctrl-C stops all of it. Needs
prometheus and promtool.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import indent
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # also where the package is not installed, as for `make demo`

from gong_exporter.cli.demo_company import SEED, USERS, demo_company  # noqa: E402 - found only now
from gong_exporter.cli.demo_text import describe_demo  # noqa: E402 - likewise
from gong_exporter.simulator.api.simulator import Simulator  # noqa: E402 - likewise
from gong_exporter.simulator.api.simulator_options import SimulatorOptions  # noqa: E402 - likewise
from gong_exporter.simulator.company.directory import roster_csv  # noqa: E402 - likewise

ZONE = ZoneInfo("US/Pacific")
WAIT_TIMEOUT = 60.0
"""Seconds that a program may take to come up."""

CONFIG = """\
gong:
  base_url: {url}
  access_key: {key}
  access_key_secret: {secret}
  requests_per_second: 3
activity:
  roster_file: roster.csv
poll:
  interval: 5m
state:
  file: {state}
"""


def main() -> None:
    """Start everything, say where it is, wait, stop everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=120, help="to backfill, today included")
    parser.add_argument("--users", type=int, default=USERS)
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may start us with SIGINT ignored
        signal.signal(number, lambda *_: sys.exit())
    with ExitStack() as stack:
        run(stack, given.days, given.users)


def run(stack: ExitStack, days: int, users: int) -> None:
    """One demo, until a signal ends it."""
    prometheus, promtool = found("prometheus"), found("promtool")
    scratch = tempfile.TemporaryDirectory(prefix="gong-history-", ignore_cleanup_errors=True)
    folder = Path(stack.enter_context(scratch))
    today = datetime.now(UTC).astimezone(ZONE).date()
    company = demo_company(ZONE, today, users, SEED)
    options = SimulatorOptions()
    simulator = stack.enter_context(Simulator(company, options))
    (folder / "roster.csv").write_text(roster_csv(company.people, company.today), encoding="utf-8")
    (folder / "config.yaml").write_text(
        CONFIG.format(
            url=simulator.url,
            key=options.access_key,
            secret=options.access_key_secret,
            state=folder / "state.db",
        )
    )
    target, server = address(14664), address(9090)
    exporter = [sys.executable, "-m", "gong_exporter", "--log.level=warn"]
    exporter += [f"--config.file={folder / 'config.yaml'}", f"--web.listen-address={target}"]
    say(f"A company of {users} is simulated, and the exporter polls it.")
    stack.enter_context(running(exporter, folder, f"http://{target}/-/ready"))

    first = today - timedelta(days=days - 1)
    say(f"Backfilling {days} days at three calls a second, beside it:")
    backfill(folder, first, today, target)
    say("Making blocks of them.")
    for output in sorted(folder.glob("*.om")):
        blocks = ["tsdb", "create-blocks-from", "--max-block-duration=768h", "openmetrics"]
        finish([promtool, *blocks, str(output), str(folder / "data")], folder)
    command = [
        prometheus,
        f"--config.file={configure(folder, target)}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=2y",
        f"--web.listen-address={server}",
        "--log.level=error",
    ]
    stack.enter_context(running(command, folder, f"http://{server}/-/ready"))
    introduce(target, server, first, describe_demo(company, SEED))
    signal.pause()


def backfill(folder: Path, first: date, last: date, target: str) -> None:
    """Run the command. Its log shows the progress; its plan and its next steps are not needed."""
    command = [sys.executable, "-m", "gong_exporter", "backfill"]
    command += [f"--config.file={folder / 'config.yaml'}", "--yes"]
    command += [f"--from={first}", f"--to={last}", f"--output={folder / '%Y-%m.om'}"]
    command += ["--label=job=gong", f"--label=instance={target}"]
    finish(command, folder)


def configure(folder: Path, target: str) -> Path:
    """Prometheus's configuration: the exporter, and the rules where there are any."""
    path = folder / "prometheus.yml"
    job = {"job_name": "gong", "static_configs": [{"targets": [target]}]}
    config = {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [str(rule) for rule in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))],
        "scrape_configs": [job],
    }
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


def introduce(target: str, server: str, first: date, events: str) -> None:
    """Say where everything is, and what to look at."""
    begin, last = first.isoformat(), "last_over_time"
    say(f"""
gong-exporter with a past: every day since {begin}

  Prometheus   http://{server}/graph
  Alerts       http://{server}/graph?g0.expr=ALERTS&g0.tab=1   (pending for 15 minutes)
  Metrics      http://{target}/metrics
  Status page  http://{target}/

{indent(events, "  ")}

  Calls a week of each team, over all of it; choose a range of {(date.today() - first).days} days:
    sum by (team) (
      {last}(gong_user_activity{{metric="calls_as_host", window="7d"}}[26h])
      * on (user) group_left (team) {last}(gong_user_info[26h])
    )

Ctrl-C stops all of it.""")  # noqa: DTZ011 - the reader's today


def found(name: str) -> str:
    """Where a program is."""
    path = shutil.which(name)
    if path is None:
        sys.exit(f"{name} is not installed; on Debian: apt-get install prometheus")
    return path


def address(port: int) -> str:
    """The usual port of loopback, or a free one if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def running(command: Sequence[str], folder: Path, ready: str) -> Iterator[None]:
    """A server program, from when it is ready until the block ends."""
    # In a session of its own: Ctrl-C is ours to pass on, in the right order.
    process = subprocess.Popen(  # noqa: S603 - ours, or as found
        command, cwd=folder, env=environment(), start_new_session=True
    )
    try:
        deadline = time.monotonic() + WAIT_TIMEOUT
        while not answers(ready):
            if process.poll() is not None:
                sys.exit(f"{Path(command[0]).name} ended with status {process.returncode}")
            if time.monotonic() > deadline:
                sys.exit(f"no answer from {ready}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def finish(command: Sequence[str], folder: Path) -> None:
    """Run a program that ends by itself; what it prints for people is not needed."""
    done = subprocess.run(  # noqa: S603 - ours, or as found
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.exit(f"{command!r} ended with status {done.returncode}")


def answers(url: str) -> bool:
    """Whether a GET is answered with a 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback, ours
            return True
    except urllib.error.URLError:
        return False


def environment() -> dict[str, str]:
    """Without real credentials: the demo must not send them anywhere."""
    left = {name: value for name, value in os.environ.items() if not name.startswith("GONG_")}
    return left | {"PYTHONPATH": str(ROOT)}


def say(text: str) -> None:
    """A line for people."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
