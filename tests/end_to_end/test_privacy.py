"""No secret shows anywhere, whatever fails, and no address where addresses are left out."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import Process, environment, exporter, run, run_here, write_config
from tests.support.hostile import answer, hostile_server
from tests.support.saved_state import state_at
from tests.support.simulator import running_simulator
from tests.support.truth import published

KEY, SECRET, TOKEN, PASSWORD = "KEY7QJ4ZT", "sEcrEt5XW9pb", "t0kenVVb31hq", "pr0xyPw8s2"

COMPANY = FixtureCompany(users=4)


def forms() -> set[str]:
    """The secrets as they are, and as they would travel."""
    plain = {SECRET, TOKEN, PASSWORD, KEY}
    pairs = {f"{KEY}:{SECRET}", f"user:{PASSWORD}"}
    return (
        plain
        | {b64encode(text.encode()).decode().rstrip("=") for text in plain | pairs}
        | {quote(text, safe="") for text in pairs}
    )


def shows_of(running: Process) -> str:
    """Everything that an exporter shows: its log, its pages, its metrics in every form."""
    texts = [running.log_file.read_text()]
    for path in ("/", "/-/healthy", "/-/ready", "/nowhere", "/?window=7d"):
        answer = running.ask(path)
        texts += [answer.text, str(answer.headers)]
    openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
    texts += [running.ask("/metrics").text, running.ask("/metrics", headers=openmetrics).text]
    texts.append(running.ask("/-/reload", "POST").text)
    texts.append(running.ask("/").text)
    return "\n".join(texts)


def assert_no_secret(text: str) -> None:
    assert text
    found = [form for form in forms() if form in text]
    assert not found


@contextmanager
def simulator(**options: Any) -> Iterator[Simulator]:
    with running_simulator(
        COMPANY,
        now=utc_now,
        access_key=KEY,
        access_key_secret=SECRET,
        bearer_token=TOKEN,
        **options,
    ) as running:
        yield running


PAIR = {"access_key": KEY, "access_key_secret": SECRET}
BEARER = {"access_key": None, "access_key_secret": None, "bearer_token": TOKEN}


def test_a_run_in_which_everything_fails_once_shows_no_secret(tmp_path: Path) -> None:
    with simulator() as gong:
        config = write_config(tmp_path, gong.url, gong=PAIR)
        with exporter(config, "--web.enable-lifecycle") as running:
            running.await_polls(1)
            assert running.samples().value("gong_up") == 1
            count = 1
            for fault in ("unauthorized", "forbidden", "redirect", "bad-request", "not-json"):
                gong.set_faults(fault)
                sections = {"windows": [f"{count + 1}d"]}
                write_config(tmp_path, gong.url, gong=PAIR, activity=sections)
                assert running.ask("/-/reload", "POST").status == 200
                count += 1
                running.await_polls(count, timeout=60)
            gong.set_faults()
            assert_no_secret(shows_of(running))

            # A configuration with a fault on the line of a secret is refused without showing it.
            broken = config.read_text().replace(f"access_key: {KEY}", f"access_key: '{KEY} x'")
            config.write_text(broken.replace(f"_secret: {SECRET}", f"_secret: [{SECRET}]"))
            answer = running.ask("/-/reload", "POST")
            assert answer.status == 500
            assert_no_secret(answer.text + shows_of(running))


def test_a_refused_proxy_shows_neither_its_password_nor_ours(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    proxy = f"http://user:{PASSWORD}@127.0.0.1:{port}"
    once = run(
        f"--config.file={proxied(tmp_path, 'http://gong.example', PAIR, proxy_url=proxy)}",
        "--once",
        "--log.level=debug",
    )
    assert (once.returncode, once.stdout) == (1, "")
    assert "Traceback" not in once.stderr
    assert_no_secret(once.stderr)
    for credentials in (PAIR, BEARER):
        for base_url in ("http://gong.example", "https://gong.example"):
            config = proxied(tmp_path, base_url, credentials, proxy_url=proxy)
            configured = run_here("check", "--live", f"--config.file={config}")
            assert configured.returncode == 1
            assert "proxy" in configured.stderr.lower()
            assert_no_secret(configured.stderr + configured.stdout)
    config = proxied(tmp_path, "https://gong.example", PAIR)
    environ = environment(HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
    from_environment = run("check", "--live", f"--config.file={config}", environ=environ)
    assert from_environment.returncode == 1
    assert "proxy" in from_environment.stderr.lower()
    assert "Traceback" not in from_environment.stderr
    assert_no_secret(from_environment.stderr)


def proxied(folder: Path, base_url: str, credentials: dict[str, Any], **gong: Any) -> Path:
    return write_config(
        folder,
        base_url,
        gong={**credentials, "timeout": "1s", **gong},
        activity={"windows": ["7d"]},
    )


def test_an_unreadable_secret_is_logged_and_used_again_once_readable(tmp_path: Path) -> None:
    """Secrets are read at each use: they rotate."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    gong = {"access_key": KEY, "access_key_secret": None, "access_key_secret_file": str(file)}
    with simulator() as server:
        config = write_config(tmp_path, server.url, gong=gong)
        with exporter(config, "--web.enable-lifecycle") as running:
            running.await_polls(1)
            write_config(tmp_path, server.url, gong=gong, activity={"windows": ["2d"]})
            file.write_text(f"{SECRET} {PASSWORD}")
            assert running.ask("/-/reload", "POST").status == 500  # it looks at the file, too
            running.said("poll ended")
            assert_no_secret(shows_of(running))
            file.write_text(f"{SECRET}\n")
            assert running.ask("/-/reload", "POST").status == 200
            running.await_polls(2)
            assert running.samples().value("gong_up") == 1
            assert_no_secret(shows_of(running))


def test_with_email_label_omitted_no_output_has_an_address(tmp_path: Path) -> None:
    activity = {
        "email_label": "omitted",
        "users": ["user1@acme.example", "7000", "nobody@acme.example"],
    }
    with simulator() as gong:
        config = write_config(tmp_path, gong.url, gong=PAIR, activity=activity)
        with exporter(config, "--web.enable-lifecycle") as running:
            running.await_polls(1)
            samples = running.samples()
            assert {(key[0], key[1]) for key in published(samples)} == {
                ("7000", ""),
                ("234599484848424", ""),
            }
            infos = [labels for labels, _ in samples.of("gong_user_info")]
            assert {labels["email"] for labels in infos} == {""}
            assert "acme.example" not in shows_of(running)
        checked = run_here("check", "--live", f"--config.file={config}")
        assert "acme.example" not in checked.stdout + checked.stderr
        gong.set_faults()
        once = run(f"--config.file={config}", "--once", "--log.level=debug")
        assert once.returncode == 0
        assert "acme.example" not in once.stdout + once.stderr


def test_a_reload_over_http_hides_addresses_that_gong_quoted_before(tmp_path: Path) -> None:
    quoting = answer(400, {"requestId": "r1", "errors": ["no user jane%40acme.example"]})
    with hostile_server(quoting) as server:
        config = write_config(tmp_path, server.url)
        with exporter(config, "--web.enable-lifecycle") as running:
            running.await_polls(1)
            assert "jane%40acme.example" in running.ask("/").text
            write_config(tmp_path, server.url, activity={"email_label": "omitted"})
            assert running.ask("/-/reload", "POST").status == 200
            page = running.ask("/").text
            assert "no user (hidden)" in page
            assert "acme.example" not in page
            write_config(tmp_path, server.url, activity={"email_label": "jane@acme.example"})
            refused = running.ask("/-/reload", "POST")
            assert refused.status >= 400
            assert "email_label: '(hidden)' is none of" in refused.text
            assert "acme.example" not in running.ask("/").text


def test_only_the_owner_can_read_the_state_file(tmp_path: Path) -> None:
    with simulator() as gong:
        config = write_config(tmp_path, gong.url, gong=PAIR)
        assert run(f"--config.file={config}", "--once").returncode == 0
    for file in tmp_path.glob("gong-exporter.db*"):
        assert file.stat().st_mode & 0o077 == 0, file
    with state_at(tmp_path / "gong-exporter.db"):
        pass
    assert SECRET.encode() not in (tmp_path / "gong-exporter.db").read_bytes()
