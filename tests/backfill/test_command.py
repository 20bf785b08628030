"""``gong-exporter backfill`` as people and cron jobs meet it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.activity.windows import company_today
from gong_exporter.simulator.api.simulator import Simulator
from tests.support.backfill_samples import activity, every_day, read_output, true_activity
from tests.support.companies import FixtureCompany, zone_where_it_is_morning
from tests.support.exporter import ROOT, command, environment, run, run_here, write_config
from tests.support.servers import WAIT_TIMEOUT, need, until
from tests.support.simulator import running_simulator

NOWHERE = "http://127.0.0.1:9"
COMPANY = FixtureCompany(time_zone=zone_where_it_is_morning())


def today() -> date:
    return company_today(time.time(), COMPANY.time_zone)


def arguments(folder: Path, number: int = 2, **others: object) -> list[str]:
    given = {
        "config.file": folder / "config.yaml",
        "from": today() - timedelta(days=number - 1),
        "to": today(),
        "output": folder / "out.om",
    }
    return ["backfill", *(f"--{name}={value}" for name, value in (given | others).items())]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with running_simulator(COMPANY, now=lambda: datetime.now(UTC)) as api:
        write_config(tmp_path, api.url, activity={"windows": ["7d"]})
        yield api


def test_it_prints_a_plan_and_a_summary(tmp_path: Path, simulator: Simulator) -> None:
    done = run(*arguments(tmp_path), "--yes")
    assert done.returncode == 0, done.stderr
    first = today() - timedelta(days=1)
    assert f"days       {first} to {today()} (2), in {COMPANY.time_zone.key}" in done.stdout
    assert "fetches    7d of all users" in done.stdout
    assert "calls      about 2 for 2 days, 1s or more by the calls a second" in done.stdout
    assert "quota      4975 calls a day, beside 25 of the exporter's schedule" in done.stdout
    assert "note: without --label=job=" in done.stdout
    assert "will be replaced" not in done.stdout
    assert re.search(r"out\.om: 108 samples, \d+ kB\n3 users on 2 days\n", done.stdout)
    assert "promtool tsdb create-blocks-from --max-block-duration=768h openmetrics" in done.stdout
    assert "msg=fetched day=" in done.stderr
    days = every_day(first, today())
    expected = true_activity(simulator.company, days, ("7d",))
    assert activity(read_output(tmp_path / "out.om")) == expected
    assert all(call.status == 200 for call in simulator.journal.entries())

    again = run(*arguments(tmp_path), "--yes", "--log.format=json", "--label=job=gong")
    assert again.returncode == 0, again.stderr
    assert "calls      none: every day is in the work file" in again.stdout
    assert '"msg": "writing"' in again.stderr
    assert "note: out.om will be replaced" in again.stdout
    assert "note: without" not in again.stdout


def test_after_an_interruption_the_same_command_continues(
    tmp_path: Path, simulator: Simulator
) -> None:
    simulator.script_faults(None, None, None, "hang")  # it cannot end before it is interrupted
    wanted = command(*arguments(tmp_path, 7), "--yes")
    with subprocess.Popen(
        wanted,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: len(simulator.journal.entries()) == 4, "it is at the third day")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=WAIT_TIMEOUT)
    assert process.returncode == 1
    assert stderr.endswith("run the same command again to continue\n")
    assert "Traceback" not in stderr
    assert not (tmp_path / "out.om").exists()
    before = len(simulator.journal.entries())
    done = run(*arguments(tmp_path, 7), "--yes")
    assert done.returncode == 0, done.stderr
    # One call tells how many pages there are, unless the state file does.
    assert len(simulator.journal.entries()) - before <= 7 - (before - 2) + 1
    days = every_day(today() - timedelta(days=6), today())
    expected = true_activity(simulator.company, days, ("7d",))
    assert activity(read_output(tmp_path / "out.om")) == expected


def on_a_terminal(answer: str, wanted: Sequence[str]) -> tuple[int, str]:
    """Run it on a terminal that answers its question; returns exit status and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*wanted),
        cwd=ROOT,
        env=environment(TERM="xterm", COLUMNS="120"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen, asked = b"", False
    with suppress(OSError):  # EIO: the last process on the terminal ended
        while piece := os.read(ours, 4096):
            screen += piece
            if b"Go on?" in screen and not asked:
                os.write(ours, answer.encode())
                asked = True
    os.close(ours)
    return process.wait(20), screen.decode()


def test_on_a_terminal_it_asks_and_logs_its_progress(tmp_path: Path, simulator: Simulator) -> None:
    assert simulator.url
    status, screen = on_a_terminal("y\n", arguments(tmp_path, 8))
    assert status == 0, screen
    assert "Go on? [y/N]" in screen
    assert re.search(r"msg=fetched day=20\d\d-\d\d-\d\d days_left=0 days_per_minute=", screen)
    assert "3 users on 8 days" in screen


def test_answering_no_aborts_it(tmp_path: Path, simulator: Simulator) -> None:
    status, screen = on_a_terminal("n\n", arguments(tmp_path))
    assert status == 1
    assert "Aborted!" in screen
    assert not (tmp_path / "out.om").exists()
    assert len(simulator.journal.entries()) <= 1


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"from": "2026-13-01"}, "'2026-13-01' is not a day; write it as 2026-01-31"),
        ({"from": "20260101"}, "'20260101' is not a day"),
        ({"from": "2024-01-02", "to": "2024-01-01"}, "the range is the wrong way round"),
        ({"step": "7m"}, "--step must be from 1m to 1d, and divide a day"),
        ({"step": "60"}, "'60' has no unit"),
        ({"format": "csv"}, "'csv' is not one of 'openmetrics', 'prometheus'"),
        ({"label": "job"}, "--label=job is not NAME=VALUE"),
        ({"output": "/nowhere/at/all.om"}, "--output: there is no folder /nowhere/at"),
        ({"output": "out-%q.om"}, "%q is not known"),
        ({"output": "-"}, "--output=-: a backfill writes files only, not to stdout"),
    ],
)
def test_bad_usage_is_refused_before_any_file_is_created(
    tmp_path: Path, others: dict[str, Any], message: str
) -> None:
    write_config(tmp_path, NOWHERE)
    refused = run_here(*arguments(tmp_path, **others), "--yes")
    assert refused.returncode == 2
    assert message in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_without_a_terminal_and_without_yes_it_does_not_start(tmp_path: Path) -> None:
    write_config(tmp_path, NOWHERE)
    refused = run_here(*arguments(tmp_path))
    assert refused.returncode == 2
    assert refused.stderr == (
        "gong-exporter: there is no terminal to ask on: use --yes to start without asking\n"
    )


def test_it_is_refused_if_the_schedule_needs_all_calls(tmp_path: Path) -> None:
    gong = {"requests_per_day": 75, "time_zone": "US/Pacific"}
    write_config(tmp_path, NOWHERE, gong=gong)
    refused = run(*arguments(tmp_path), "--yes")
    assert refused.returncode == 2
    assert "the exporter's own schedule needs all of gong.requests_per_day" in refused.stderr


def test_tomorrow_and_an_existing_file_are_bad_usage(tmp_path: Path, simulator: Simulator) -> None:
    assert simulator.url
    tomorrow = run(*arguments(tmp_path, to=today() + timedelta(days=2)), "--yes")
    assert tomorrow.returncode == 2
    where = f"in {COMPANY.time_zone.key}, the company's time zone"
    assert f"has not begun: {where}, today is {today()}" in tomorrow.stderr
    (tmp_path / "out.om").write_text("mine")
    other = run(*arguments(tmp_path), "--yes")
    assert other.returncode == 2
    assert "exists, and was not written by this backfill" in other.stderr
    assert (tmp_path / "out.om").read_text() == "mine"


def test_a_wrong_key_is_a_failure_with_advice_and_without_the_key(
    tmp_path: Path, simulator: Simulator
) -> None:
    secret = {"access_key_secret": "not-the-secret"}
    write_config(tmp_path, simulator.url, gong=secret)
    failed = run(*arguments(tmp_path), "--yes")
    assert failed.returncode == 1
    assert "Gong answered 401" in failed.stderr
    assert "check the access key" in failed.stderr
    assert "not-the-secret" not in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr


def test_addresses_obey_the_configuration(tmp_path: Path, simulator: Simulator) -> None:
    activity = {
        "windows": ["7d"],
        "email_label": "omitted",
        "users": ["user0@acme.example", "nobody@acme.example", "123"],
    }
    write_config(tmp_path, simulator.url, activity=activity)
    done = run(*arguments(tmp_path), "--yes")
    assert done.returncode == 0, done.stderr
    emails = {dict(labels).get("email", "") for _, labels in read_output(tmp_path / "out.om")}
    assert emails == {""}
    assert "@acme" not in done.stdout + done.stderr
    assert (
        "Gong named none of these on any day, so they are not in it: (hidden), 123" in done.stdout
    )


def test_a_full_disk_is_reported_and_the_days_are_kept(
    tmp_path: Path, simulator: Simulator
) -> None:
    """A file of the output may not be larger than the work file with its days is."""
    limited = [need("prlimit"), "--fsize=80000", "--", *command(*arguments(tmp_path, step="1h"))]
    failed = subprocess.run(
        [*limited, "--yes"],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert failed.returncode == 1
    assert "out.om: File too large" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert [path.name for path in tmp_path.glob("out.om*")] == ["out.om.work"]
    before = len(simulator.journal.entries())
    assert run(*arguments(tmp_path, step="1h"), "--yes").returncode == 0
    assert len(simulator.journal.entries()) - before <= 1
