"""``digest`` from the real exporter over the simulator: who is listed, and how it fails."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from email import message_from_string
from pathlib import Path

import bcrypt
import pytest

from gong_exporter.simulator.api.simulator import utc_now
from gong_exporter.simulator.records import ApiUserActivity
from tests.support.companies import FixtureCompany, email, user_id, zone_where_it_is_morning
from tests.support.exporter import (
    ROOT,
    Process,
    command,
    environment,
    exporter,
    run,
    run_here,
    write_config,
)
from tests.support.hostile import answer, hostile_server
from tests.support.rules_samples import Sample, exposition, person
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.web_certificates import Authority

DROPPED, SILENT, LEFT = 1, 2, 3
"""Users who did less, nothing, and who left the company."""

ROSTER = "email,name,team,active\n" + "".join(
    f"{email(index)},{name},{team},{'false' if index == LEFT else 'true'}\n"
    for index, (name, team) in enumerate(
        [
            *(("Ann Rho", "EMEA"), ("Ben <Sigma>", "EMEA"), ("Cleo Tau", "EMEA")),
            *(("Dan Phi", "APAC"), ("Eve Chi", "APAC"), ("Finn Psi", "APAC")),
        ]
    )
)


class ChangedCompany(FixtureCompany):
    """A company in which one user has one call a day since two weeks, and two have none."""

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        change = utc_now().astimezone(self.time_zone).date() - timedelta(days=14)
        before = {user.user_id: user for user in super().activity(start, min(end, change))}
        found = []
        for user in super().activity(start, end):
            if user.user_id in {user_id(SILENT), user_id(LEFT)}:
                found += [before[user.user_id]] if user.user_id in before else []
            elif user.user_id == user_id(DROPPED) and end > change:
                days = (end - max(start, change)).days
                counters = dict(before[user.user_id].counters) if user.user_id in before else {}
                counters = {name: counters.get(name, 0) for name in user.counters}
                counters["callsAsHost"] += days
                found.append(ApiUserActivity(user.user_id, user.email, counters))
            else:
                found.append(user)
        return found


@contextmanager
def running(folder: Path, *flags: str, drops: dict[str, bool] | None = None) -> Iterator[Process]:
    """An exporter that has its whole history."""
    (folder / "roster.csv").write_text(ROSTER)
    company = ChangedCompany(6, zone_where_it_is_morning())
    with running_simulator(company, now=utc_now) as simulator:
        config = write_config(
            folder,
            simulator.url,
            drops={"enabled": True, **(drops or {})},
            gong={"requests_per_second": 200},
            activity={"roster_file": "roster.csv"},
        )
        with exporter(config, *flags) as process:
            process.await_said("poll ended")
            yield process


def until_listed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The first digest with people: the detector runs after the history is complete."""
    until(lambda: "Ben" in run_here("digest", *arguments).stdout, "the digest lists people", 120)
    return run_here("digest", *arguments)


def test_who_did_less_and_who_did_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        url = f"--url={process.url}"
        text = until_listed(url)
        assert (text.returncode, text.stderr) == (0, "")
        less, nothing = text.stdout.split("Nothing in the last 7 days: 1")
        assert "Much less than usual: 1" in less
        assert " 1. Ben <Sigma> (EMEA): 7 calls and contributions" in less
        assert " 1. Cleo Tau (EMEA): no activity in the last 7 days" in nothing
        assert "The whole company" in less
        assert "Dan Phi" not in text.stdout
        assert "Cleo" not in run_here("digest", url, "--team=APAC").stdout
        assert "<h2" in run_here("digest", url, "--format=html").stdout
        unknown = run_here("digest", url, "--team=EMAE")
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "no team 'EMAE'; did you mean 'EMEA'?" in unknown.stderr


def test_a_password_and_certificates(tmp_path: Path) -> None:
    authority = Authority()
    authority.issue("exporter.example").write(tmp_path)
    authority.issue("digest.example").write(tmp_path, "client")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
        "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
        f"basic_auth_users:\n  digest: {hashed}\n"
    )
    tls = (
        "tls_config:\n  ca_file: ca.pem\n  server_name: exporter.example\n"
        "  cert_file: client-cert.pem\n  key_file: client-key.pem\n"
    )
    user = "basic_auth: {username: digest, password_file: password}\n"
    (tmp_path / "http.yml").write_text(tls + user)
    (tmp_path / "password").write_text("right\n")
    (tmp_path / "stranger.yml").write_text(tls)
    (tmp_path / "no-certificate.yml").write_text(tls[: tls.index("  cert_file")] + user)
    with running(tmp_path, f"--web.config.file={tmp_path / 'web.yml'}") as process:
        url = f"--url=https://{process.address}"
        found = until_listed(url, f"--http.config.file={tmp_path / 'http.yml'}")
        assert (found.returncode, found.stderr) == (0, "")
        for name, message in (
            ("stranger", "answered 401: name the file with its user name and password"),
            ("no-certificate", "cannot read"),
        ):
            refused = run("digest", url, f"--http.config.file={tmp_path / f'{name}.yml'}")
            assert (refused.returncode, refused.stdout) == (1, "")
            assert message in refused.stderr
            assert "Traceback" not in refused.stderr
        refused = run_here("digest", url)
        assert refused.returncode == 1
        assert "certificate verify failed" in refused.stderr
        plain = run_here("digest", f"--url=http://{process.address}")
        assert plain.returncode == 1
        assert "See --url and --http.config.file" in plain.stderr


def test_without_scores_of_people_there_are_teams_only(tmp_path: Path) -> None:
    with running(tmp_path, drops={"people": False}) as process:
        url = f"--url={process.url}"
        until(lambda: run_here("digest", url).returncode == 0, "the digest has teams", 120)
        text = run_here("digest", url).stdout
    assert "This exporter publishes no scores of people" in " ".join(text.split())
    assert "Ben" not in text
    assert "The whole company" in text


def test_without_drop_detection_there_is_none(tmp_path: Path) -> None:
    with running(tmp_path, drops={"enabled": False}) as process:
        done = run_here("digest", f"--url={process.url}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "drop detection is off" in done.stderr


def serving(samples: list[Sample]) -> bytes:
    return exposition(samples).encode()


def history(age: float) -> list[Sample]:
    """A history whose newest day ended so many seconds ago."""
    end = Sample("gong_activity_history_end_timestamp_seconds", {}, time.time() - age)
    return [Sample("gong_activity_history_ratio", {}, 1), end]


@pytest.mark.parametrize("name", ["text", "markdown", "html", "slack"])
def test_stale_data_is_a_failure_and_prints_nothing(name: str) -> None:
    samples = [*history(30 * 3600), *person("ann", years=60)]
    with hostile_server(answer(200, serving(samples))) as server:
        done = run_here("digest", f"--url={server.url}", f"--format={name}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the data is stale: its newest day ended 30 hours ago" in done.stderr


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"gong_user_info one\n", "not in Prometheus's text format"),
        (b"up 1\n", "no data from Gong yet, or is not a gong-exporter"),
        (serving([*history(0), Sample("gong_user_info", {}, 1)]), "still fetching"),
    ],
)
def test_another_servers_answer_is_a_failure(body: bytes, message: str) -> None:
    with hostile_server(answer(200, body)) as server:
        done = run_here("digest", f"--url={server.url}")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


@pytest.mark.parametrize("team", ["", "EMEA "])
def test_a_team_that_nobody_is_in_is_refused_and_not_everybody_shown(team: str) -> None:
    samples = [*history(0), *person("ann", years=40, team="EMEA")]
    with hostile_server(answer(200, serving(samples))) as server:
        done = run_here("digest", f"--url={server.url}", f"--team={team}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--team: no team '{team}'" in done.stderr


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([*history(30 * 3600)], "the data is stale: its newest day ended 30 hours ago"),
        ([*history(30 * 3600), *person("ann", years=60, team="APAC")], "the data is stale"),
        ([Sample("gong_up", {}, 0)], "no data from Gong yet"),
        ([Sample("gong_user_info", {"team": "APAC"}, 1)], "drop detection is off"),
    ],
)
def test_without_a_week_no_team_is_looked_for(samples: list[Sample], message: str) -> None:
    with hostile_server(answer(200, serving(samples))) as server:
        done = run_here("digest", f"--url={server.url}", "--team=EMEA")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_a_team_where_no_roster_names_teams_is_refused() -> None:
    with hostile_server(answer(200, serving([*history(0), *person("ann", years=60)]))) as server:
        done = run_here("digest", f"--url={server.url}", "--team=EMEA")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--team: no team 'EMEA'; no person has a team" in done.stderr


def test_an_exporter_that_is_not_there_is_a_failure() -> None:
    done = run("digest", "--url=http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("gong-exporter: cannot read http://127.0.0.1:1/metrics: ")
    assert "Connection refused. Is the exporter running there? See --url" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url=localhost:14664"],
        ["--format=pdf"],
        ["--top=0"],
        ["--http.config.file=/nowhere/http.yml"],
        ["--nothing"],
    ],
)
def test_bad_usage(arguments: list[str]) -> None:
    done = run_here("digest", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_an_unknown_key_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "http.yml"
    path.write_text("\nbasic_aut: {}\ntls: {}\n")
    done = run_here("digest", f"--http.config.file={path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"gong-exporter: {path}:2: basic_aut: unknown key; did you mean 'basic_auth'?\n"
        f"gong-exporter: {path}:3: tls: unknown key; did you mean 'tls_config'?\n"
    )


def test_the_script_of_the_docs_mails_and_posts_and_stops_at_stale_data(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerting.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    url = tmp_path / "slack-url"
    url.write_text("http://slack.example/")
    script = tmp_path / "gong-digest"
    with hostile_server(answer(200, serving([*history(0), *person("ann", years=60)]))) as server:
        text = block.replace("http://localhost:14664", server.url)
        script.write_text(text.replace("/etc/gong-digest/slack-url", str(url)))
        for name, body in {
            "gong-exporter": shlex.join(command()) + ' "$@"',
            "sendmail": f"echo sendmail $* >> {tmp_path}/done; cat > {tmp_path}/mail",
            "curl": f"echo curl $* >> {tmp_path}/done; cat > {tmp_path}/message",
        }.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)

        def ran() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["sh", script],
                env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}"),
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )

        sent = ran()
        assert (sent.returncode, sent.stderr) == (0, "")
        done = (tmp_path / "done").read_text().splitlines()
        assert [line.split()[0] for line in done] == ["sendmail", "curl"]
        assert done[1].endswith("http://slack.example/")
        mail = message_from_string((tmp_path / "mail").read_text(encoding="utf-8"))
        assert mail["To"] == "sales@acme.com"
        assert mail.get_content_type() == "text/html"
        assert str(mail.get_payload()).startswith("<!doctype html>")
        assert "ann@acme.com" in str(json.loads((tmp_path / "message").read_text())["blocks"])
        (tmp_path / "done").unlink()
        server.script[:] = [answer(200, serving(history(30 * 3600)))]
        stale = ran()
    assert stale.returncode == 1
    assert "the data is stale" in stale.stderr
    assert not (tmp_path / "done").exists()
