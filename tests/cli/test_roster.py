"""``roster``: a file from Gong's own users, written whole or not at all."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.roster.csv import read_csv
from gong_exporter.simulator.api.simulator import Simulator, utc_now
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.companies import FixtureCompany
from tests.support.exporter import SECRET, run_here, write_config
from tests.support.saved_state import state_at
from tests.support.simulator import running_simulator

COMPANY = SimulatedCompany(48, 20, ZoneInfo("America/New_York"), utc_now().date())


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        yield simulator


def roster(folder: Path, url: str, *options: str, **sections: Any) -> tuple[int, str, str]:
    config = write_config(folder, url, **sections)
    done = run_here("roster", f"--config.file={config}", *options)
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_everybody_in_gong_is_a_row_with_a_team(simulator: Simulator, tmp_path: Path) -> None:
    status, out, err = roster(tmp_path, simulator.url)
    assert status == 0
    assert err.startswith(f"{len(rows(out))} users (")
    managers = {person.user_id: person.manager for person in COMPANY.people}
    assert {row["id"]: row["team"] for row in rows(out)} == {
        row["id"]: managers[row["id"]] for row in rows(out)
    }
    assert {row["active"] for row in rows(out)} == {"true", "false"}
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_dash_is_stdout(simulator: Simulator, tmp_path: Path) -> None:
    status, out, _ = roster(tmp_path, simulator.url, "--output=-")
    assert (status, out) == roster(tmp_path, simulator.url)[:2]
    assert not Path("-").exists()


def test_a_roster_without_addresses_is_whole_however_long_it_is(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = {"email_label": "omitted"}
    _, before, _ = roster(tmp_path, simulator.url, activity=activity)
    monkeypatch.setattr("gong_exporter.common.redact.MAX_TEXT", 1000)
    _, out, _ = roster(tmp_path, simulator.url, activity=activity)
    assert len(before) > 1000
    assert out == before


def test_excluded_people_are_not_written(simulator: Simulator, tmp_path: Path) -> None:
    everybody = rows(roster(tmp_path, simulator.url)[1])
    by_alias = next(row for row in everybody[2:] if row["aliases"])
    names = [everybody[0]["id"], everybody[1]["email"].upper(), by_alias["aliases"].split()[0]]
    _, out, _ = roster(tmp_path, simulator.url, activity={"exclude_users": names})
    gone = {everybody[0]["id"], everybody[1]["id"], by_alias["id"]}
    assert {row["id"] for row in rows(out)} == {row["id"] for row in everybody} - gone


def test_excluded_managers_are_nobodys_team(simulator: Simulator, tmp_path: Path) -> None:
    manager = next(person.manager_id for person in COMPANY.people if person.manager_id)
    assert manager in roster(tmp_path, simulator.url)[1]
    _, out, _ = roster(tmp_path, simulator.url, activity={"exclude_users": [manager]})
    assert manager not in out


def test_the_file_is_private_whole_and_the_same_each_time(
    simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("an old file that everybody can read")
    path.chmod(0o644)
    assert roster(tmp_path, simulator.url, f"--output={path}")[:2] == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text()
    assert read_csv(path.read_bytes()).columns == (
        "name",
        "team",
        "manager",
        "manager_email",
        "title",
    )
    assert roster(tmp_path, simulator.url, f"--output={path}")[0] == 0
    assert path.read_text() == first


def test_it_needs_no_roster_file_that_it_is_to_write(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    status, _, err = roster(
        tmp_path, simulator.url, f"--output={path}", activity={"roster_file": "roster.csv"}
    )
    assert (status, path.exists()) == (0, True), err


def test_a_failure_leaves_the_old_file_and_nothing_else(
    simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("old")
    simulator.set_users_faults("no-users-scope")
    status, out, err = roster(tmp_path, simulator.url, f"--output={path}")
    assert (status, out) == (1, "")
    assert "You don't have permission to use 'api:users:read'" in err
    assert "needs the scope api:users:read" in err
    assert path.read_text() == "old"
    assert {item.name for item in tmp_path.iterdir()} == {"config.yaml", "roster.csv"}


def test_a_mapping_gives_teams_their_names(simulator: Simulator, tmp_path: Path) -> None:
    manager = next(person.manager for person in COMPANY.people if person.manager)
    teams = tmp_path / "teams.yaml"
    teams.write_text(f"{manager}: Enterprise\nNobody Here: x\n")
    _, out, err = roster(tmp_path, simulator.url, f"--teams={teams}")
    assert {row["team"] for row in rows(out) if row["manager"] == manager} == {"Enterprise"}
    assert "warning: --teams: no manager matches Nobody Here" in err


@pytest.mark.parametrize(("team", "column"), [("title", "title"), ("none", "")])
def test_a_team_can_be_something_else(
    simulator: Simulator, tmp_path: Path, team: str, column: str
) -> None:
    _, out, _ = roster(tmp_path, simulator.url, f"--team={team}")
    assert all(row["team"] == row.get(column, "") for row in rows(out))


@pytest.mark.parametrize("label", ["hashed", "omitted"])
def test_addresses_are_left_out_as_email_label_says(
    simulator: Simulator, tmp_path: Path, label: str
) -> None:
    (tmp_path / "key").write_text("a-key-for-the-hash-of-addresses")
    activity = {"email_label": label, "email_hash_key_file": str(tmp_path / "key")}
    status, out, err = roster(tmp_path, simulator.url, activity=activity)
    assert status == 0, err
    assert "@" not in out
    assert rows(out)


def test_the_calls_are_in_the_ledger_that_is_there(simulator: Simulator, tmp_path: Path) -> None:
    database = tmp_path / "gong-exporter.db"
    with state_at(database):
        pass
    assert roster(tmp_path, simulator.url)[0] == 0
    with state_at(database) as state:
        assert state.ledger.used(utc_now().timestamp()) == len(simulator.journal.entries())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--team=title", "--teams=t.yaml"), "--teams needs --team=manager"),
        (("--teams=t.yaml",), "t.yaml: cannot be read: No such file"),
        (("--output=none/roster.csv",), "there is no folder none"),
        (("--output=.",), "is a folder"),
        (("--team=region",), "'region' is not one of"),
    ],
)
def test_wrong_options_are_said_before_any_call(
    simulator: Simulator, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    status, out, err = roster(tmp_path, simulator.url, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert not simulator.journal.entries()


def test_a_large_company_sees_how_far_it_is(tmp_path: Path) -> None:
    with running_simulator(FixtureCompany(1050), now=utc_now) as simulator:
        activity = {"requests_per_second": 100}
        _, out, err = roster(tmp_path, simulator.url, gong=activity)
    assert len(rows(out)) == 1050
    assert "1000 of 1050 users" in err
