"""``check`` and ``--config.check``: the configuration, and what it will cost, without a call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import HistoryKey
from tests.support.exporter import run, run_here, write_config
from tests.support.history_samples import OLDEST, a_day
from tests.support.saved_state import state_at

GONG = "http://127.0.0.1:9"
"""No server listens there: a call would fail, and with it the command."""


def row(stdout: str, name: str) -> str:
    (text,) = re.findall(rf"^  {name} +(.*)$", stdout, re.MULTILINE)
    assert isinstance(text, str)
    return text


def test_a_good_configuration_is_described_and_nothing_is_made(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG)
    checked = run_here("check", f"--config.file={config}")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith(f"{config}: valid\n")
    # 3 windows of a page each, 24 times a day and once more after midnight
    assert row(checked.stdout, "calls").startswith("3 a poll, 75 a day of 5000 allowed (if each")
    assert row(checked.stdout, "users") == "all"
    assert row(checked.stdout, "windows") == "1d, 7d, 28d"
    assert row(checked.stdout, "state") == str(tmp_path / "gong-exporter.db")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_the_flag_is_the_command(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG)
    flag = run("--config.check", f"--config.file={config}")
    command = run_here("check", f"--config.file={config}")
    assert flag.stdout == command.stdout
    assert (flag.returncode, flag.stderr) == (command.returncode, command.stderr) == (0, "")


def test_a_list_of_users_is_counted_by_pages_of_a_hundred(tmp_path: Path) -> None:
    users = [str(700_000 + n) for n in range(250)]
    config = write_config(tmp_path, GONG, activity={"users": users, "windows": ["7d"]})
    checked = run_here("check", f"--config.file={config}")
    assert row(checked.stdout, "users") == "250 listed"
    # The first poll has to look for them, in the listing of everybody.
    assert row(checked.stdout, "calls") == (
        "3 a poll, 76 a day of 5000 allowed (if all of the list were active, 100 to a page, and one"
        " page holds all users)"
    )


def test_the_pages_of_earlier_polls_are_what_counts(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG)
    with state_at(tmp_path / "gong-exporter.db") as state:
        state.save(CompanyState(host=GONG, pages={"1d": 4, "7d": 9, "28d": 12}), [])
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == 0
    assert row(checked.stdout, "calls") == (
        "25 a poll, 625 a day of 5000 allowed (by the pages of the last polls)"
    )
    assert row(checked.stdout, "a poll takes") == "8 s or more"


@pytest.mark.parametrize(
    ("gong", "poll", "status", "words"),
    [
        # 74 / 3 - 1 = 23.67 polls a day: every 3651 s
        ({"requests_per_day": 74}, {}, 0, "1h51s in effect: stretched from 1h,"),
        # 6 / 3 - 1: one a day, and one after midnight; 24 h and 1 s are less than 26 h
        ({"requests_per_day": 6}, {}, 0, "1d in effect"),
        ({"requests_per_day": 6}, {"stale_after": "24h"}, 2, "past poll.stale_after (1d)"),
        ({"requests_per_day": 3}, {}, 2, "not even two polls a day fit"),
        ({}, {"cron": "*/15 9-17 * * 1-5", "stale_after": "80h"}, 0, "*/15 9-17 * * 1-5"),
        ({}, {"interval": "2h", "stale_after": "1h"}, 2, "data would go stale between two polls"),
    ],
)
def test_the_schedule_against_the_quota(
    gong: dict[str, object], poll: dict[str, object], status: int, words: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, GONG, gong=gong, poll=poll)
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == status, checked.stderr
    assert words in (checked.stderr if status else checked.stdout)
    assert (checked.stdout == "") == bool(status)


def test_the_calls_of_the_day_history_are_forecast(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG, drops={"enabled": True})
    checked = run_here("check", f"--config.file={config}")
    assert row(checked.stdout, "day history") == (
        "84 calls once, then 3 a day; 0 of 84 days are known"
    )
    with state_at(tmp_path / "gong-exporter.db") as state:
        learned = CompanyState(host=GONG, time_zone="UTC", pages={"1d": 1, "7d": 9, "28d": 12})
        state.save(learned, [])
        state.history.save(HistoryKey.of(GONG, None, None, "UTC"), a_day(), OLDEST)
    checked = run_here("check", f"--config.file={config}")
    assert row(checked.stdout, "day history") == (
        # Of a working day, and not of the Sunday that the window of one day has.
        "747 calls once, then 27 a day; 1 of 84 days are known"
    )


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"drops": {"enabled": False}}, "drops.enabled: false"),
        ({"drops": {"enabled": True}, "state": {"file": None}}, "it needs state.file"),
    ],
)
def test_without_a_day_history_it_says_what_is_missing(
    sections: dict[str, dict[str, object]], words: str, tmp_path: Path
) -> None:
    checked = run_here("check", f"--config.file={write_config(tmp_path, GONG, **sections)}")
    assert words in row(checked.stdout, "day history")
    assert "no scores" in row(checked.stdout, "day history")


def test_polls_leave_calls_to_the_day_history_before_they_are_stretched(tmp_path: Path) -> None:
    gong, on = {"requests_per_day": 80}, {"enabled": True}
    config = write_config(tmp_path, GONG, gong=gong, drops=on)
    checked = run_here("check", f"--config.file={config}")
    # 80 less three tenths and 3 for the history: 53 / 3 - 1 polls
    assert row(checked.stdout, "interval").startswith("1h26m24s in effect")
    assert "27 of them left to the day history" in row(checked.stdout, "interval")


def test_a_quota_too_small_for_the_history_is_still_enough_for_polls(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG, gong={"requests_per_day": 6}, drops={"enabled": True})
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == 0
    assert row(checked.stdout, "interval").startswith("1d in effect")


def test_without_a_state_file_it_says_what_lapses(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG, state={"file": None})
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == 0
    assert "known users" in row(checked.stdout, "state")
    assert "keeps two exporters from polling" in row(checked.stdout, "state")


def test_every_fault_of_a_configuration_is_said_at_once(tmp_path: Path) -> None:
    config = write_config(
        tmp_path, GONG, gong={"timout": "5s"}, activity={"windows": ["7x"]}, state={"fiel": "x"}
    )
    checked = run_here("check", f"--config.file={config}")
    assert (checked.returncode, checked.stdout) == (2, "")
    for words in ("gong.timout: unknown key; did you mean 'timeout'?", "'7x'", "'file'"):
        assert words in checked.stderr
    assert checked.stderr.count(str(config)) == 3


@pytest.mark.parametrize("words", [["check"], ["--config.check"]])
def test_faults_of_the_web_configuration_are_reported_with_the_others(
    words: list[str], tmp_path: Path
) -> None:
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config: {cert_fiel: a.pem}\n")
    config = write_config(tmp_path, GONG, gong={"timout": "5s"})
    arguments = [f"--web.config.file={web}", f"--config.file={config}", *words]
    checked = run_here(*arguments)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert "cert_fiel" in checked.stderr
    assert "gong.timout: unknown key" in checked.stderr
    write_config(tmp_path, GONG)
    checked = run_here(*arguments)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert "cert_fiel" in checked.stderr


def test_a_valid_web_configuration_has_a_row(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("{}\n")
    config = write_config(tmp_path, GONG)
    checked = run_here(f"--web.config.file={web}", "check", f"--config.file={config}")
    assert f"  web config    {web}: valid\n" in checked.stdout
    assert "web config" not in run_here("check", f"--config.file={config}").stdout


@pytest.mark.parametrize("words", [["check"], ["check", "--live"], ["--config.check"]])
def test_beside_faults_the_warnings_are_said_too_and_after_them(
    words: list[str], tmp_path: Path
) -> None:
    config = write_config(
        tmp_path,
        "http://gong.example",
        activity={"metrics": ["calls_as_hots"]},
        poll={"interval": "soon"},
        state={"fiel": "x"},
    )
    checked = run(*words, f"--config.file={config}")
    assert (checked.returncode, checked.stdout) == (2, "")
    said = checked.stderr.replace(str(config), "FILE").splitlines()
    begins = [
        "gong-exporter: FILE:5: poll.interval: 'soon' is not a duration;",
        "gong-exporter: FILE:7: state.fiel: unknown key; did you mean 'file'?",
        "warning: FILE:3: activity.metrics: 'calls_as_hots' is none of the 15 documented counters;",
        "warning: FILE:9: gong.base_url: is plain http, so",
    ]
    for line, begin in zip(said, begins, strict=True):
        assert line.startswith(begin)


def test_beside_a_schedule_that_does_not_fit_the_warnings_are_said_too(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    config = write_config(
        tmp_path,
        "http://gong.example",
        gong={"requests_per_day": 3},
        state={"file": str(tmp_path / "database")},
    )
    checked = run_here("check", f"--config.file={config}")
    assert (checked.returncode, checked.stdout) == (2, "")
    fault, *warnings = checked.stderr.splitlines()
    assert "not even two polls a day fit" in fault
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: the state file is not in use;")
    assert f"{tmp_path / 'database'}: it is not a regular file" in warnings[0]
    assert "is plain http" in warnings[1]


def test_only_a_check_says_warnings_of_a_refused_configuration(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://gong.example", state={"fiel": "x"})
    started = run("--once", f"--config.file={config}")
    assert (started.returncode, started.stdout) == (2, "")
    assert len(started.stderr.splitlines()) == 1


def test_a_state_file_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG)
    database = tmp_path / "gong-exporter.db"
    database.mkdir()
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == 0
    assert "warning: the state file is not in use;" in checked.stderr
    assert f": {database}: it is not a regular file" in checked.stderr


def test_a_folder_that_is_not_there_keeps_nothing(tmp_path: Path) -> None:
    config = write_config(tmp_path, GONG, state={"file": str(tmp_path / "no" / "gong.db")})
    checked = run_here("check", f"--config.file={config}")
    assert checked.returncode == 0
    assert f"warning: state.file: there is no folder {tmp_path / 'no'};" in checked.stderr


def test_a_short_secret_is_warned_about_without_a_character_of_it(tmp_path: Path) -> None:
    gong = {"access_key": "qxz", "access_key_secret": "12345678"}
    checked = run_here("check", f"--config.file={write_config(tmp_path, GONG, gong=gong)}")
    assert checked.returncode == 0
    assert checked.stderr == (
        "warning: gong.access_key has fewer than 8 characters: logs and pages redact it only as a"
        " whole word\n"
    )
