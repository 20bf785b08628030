"""What a good file means; and files that are none."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from certifi import where
from pydantic import ValidationError

from gong_exporter.activity.users import ListedUser
from gong_exporter.activity.windows import WindowSpec
from gong_exporter.common.problems import Problem
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import MAX_BYTES, load_config
from gong_exporter.config.model import SECTIONS, Config
from gong_exporter.config.secrets import Secret
from gong_exporter.config.values import EmailLabel

GOOD = Path("tests/data/good_configs").absolute()
PAIR = {"GONG_ACCESS_KEY": "made-up-key", "GONG_ACCESS_KEY_SECRET": "made-up-secret"}


def _good(name: str, environ: dict[str, str] | None = None) -> Config:
    return load_config(GOOD / f"{name}.yaml", PAIR if environ is None else environ)


def _refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, PAIR)
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    "name",
    ["empty", "only_a_comment", "sections_commented_out"],
)
def test_secrets_in_the_environment_are_all_that_is_needed(name: str) -> None:
    config = _good(name)

    assert config.path == GOOD / f"{name}.yaml"
    assert config.gong.base_url == "https://api.gong.io"
    assert config.credentials.read() == {
        "access_key": Secret("made-up-key"),
        "access_key_secret": Secret("made-up-secret"),
    }
    assert config.gong.time_zone is None
    assert config.gong.timeout == 30.0
    assert config.gong.requests_per_second == 2.0
    assert config.gong.requests_per_day == 5000
    assert config.gong.proxy_url is None
    assert config.gong.ca_file is None
    assert config.activity.windows == tuple(WindowSpec(f"{days}d", days) for days in (1, 7, 28))
    assert config.activity.users is None
    assert config.activity.metrics is None
    assert config.activity.email_label is EmailLabel.PLAIN
    assert config.activity.created_from is None
    assert config.activity.created_to is None
    assert config.poll.interval == 3600.0
    assert config.poll.cron is None
    assert config.poll.stale_after == timedelta(hours=26).total_seconds()
    assert config.state.file == GOOD / "gong-exporter.db"
    assert config.warnings == ()


def test_every_key_is_read() -> None:
    config = _good("every_value_another", {})

    assert config.gong.base_url == "https://us-12345.api.gong.io:8443/gong"
    assert config.credentials.read() == {
        "access_key": Secret("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        "access_key_secret": Secret("made-up-SECRET-1"),
    }
    assert config.gong.time_zone == ZoneInfo("US/Pacific")
    assert config.gong.timeout == 90.0
    assert config.gong.requests_per_second == 0.5
    assert config.gong.requests_per_day == 10_000
    assert config.gong.proxy_url == Secret("http://me:made-up-SECRET-2@proxy.example:3128/")
    assert [window.name for window in config.activity.windows] == [
        "mtd",
        "400d",
        "wtd",
        "qtd",
        "ytd",
    ]
    assert isinstance(config.activity.users, tuple)
    assert [user.email for user in config.activity.users] == ["jane@acme.com"]
    assert config.activity.metrics == ("calls_attended", "calls_as_host")
    assert config.activity.email_label is EmailLabel.OMITTED
    assert config.activity.created_from == "2026-01-01T00:00:00Z"
    assert config.activity.created_to == "2026-01-01T02:30:00.5+02:00"
    assert config.poll.interval is None
    assert config.poll.cron is not None
    assert config.poll.cron.minutes == (6 * 60 + 30, 18 * 60 + 30)
    assert config.poll.stale_after == timedelta(days=4).total_seconds()
    assert config.state.file == GOOD / "data/state.db"


def test_users_are_text_as_written() -> None:
    users = _good("scalars_stay_text").activity.users

    assert users == (
        ListedUser(user_id="0123456"),
        ListedUser(user_id="00"),
        ListedUser(user_id="234599484848423"),
        ListedUser(user_id="12345678901234567890"),
        ListedUser(email="no@acme.com"),
        ListedUser(email="NULL@acme.com"),
        ListedUser(email="1e3@acme.com"),
        ListedUser(user_id="0777", email="on@acme.com"),
        ListedUser(email="2026-01-01@acme.com"),
        ListedUser(user_id="1"),
    )


def test_null_is_as_good_as_no_key_and_means_no_state_file() -> None:
    config = _good("nulls_are_as_good_as_no_key")

    assert config.poll.interval == 3600.0
    assert config.gong.time_zone is None
    assert config.state.file is None


def test_an_alias_is_what_it_stands_for() -> None:
    config = _good("anchors_and_aliases")

    assert config.gong.timeout == config.poll.interval == 120.0


def test_what_works_but_should_be_known_is_a_warning() -> None:
    where = GOOD / "worth_a_warning.yaml"

    assert _good("worth_a_warning").warnings == (
        f"{where}:2: gong.base_url: is plain http, so others can read the credentials: use https",
        f"{where}:4: activity.metrics: 'calls_atended' is none of the 15 documented counters;"  # noqa: ISC004 - one sentence
        " did you mean 'calls_attended'?",
        f"{where}:4: activity.metrics: 'talk_ratio' is none of the 15 documented counters",
    )


def test_limits_above_gongs_defaults_are_a_warning_since_gong_grants_more(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("gong:\n  requests_per_second: 3.1\n  requests_per_day: 10001\n")

    config = load_config(path, PAIR)

    assert (config.gong.requests_per_second, config.gong.requests_per_day) == (3.1, 10_001)
    assert config.warnings == tuple(
        f"{path}:{line}: gong.{key}: is above Gong's default of {limit} for the whole company,"
        " other integrations included; right only if Gong granted more"
        for line, key, limit in (
            (2, "requests_per_second", "3 calls a second"),
            (3, "requests_per_day", "10000 calls a day"),
        )
    )


def test_limits_at_gongs_defaults_are_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("gong: {requests_per_second: 3, requests_per_day: 10000}\n")

    assert load_config(path, PAIR).warnings == ()


def test_drops_that_vanish_during_the_day_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = "poll: {interval: 15m, stale_after: 2h}\n"
    path.write_text(text)

    (warning,) = load_config(path, PAIR).warnings
    assert warning == (
        f"{path}:1: poll.stale_after: is less than 26h: the numbers on drops of activity, whose"
        " newest day is yesterday, vanish 2h after each midnight, and the alerts with them"
    )
    for end in ("drops: {enabled: false}", "state: {file: null}"):
        path.write_text(text + end)
        assert load_config(path, PAIR).warnings == ()


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost", "gong.localhost:1", "[::1]:8080", "127.1.2.3"]
)
def test_plain_http_to_this_machine_is_no_warning(host: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"gong: {{base_url: 'http://{host}'}}")

    config = load_config(path, PAIR)

    assert config.gong.base_url == f"http://{host}"
    assert config.warnings == ()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbfgong:\r\n  timeout: 10s\r\npoll:\r\n  interval: 2h\r\n")

    config = load_config(path, PAIR)

    assert (config.gong.timeout, config.poll.interval) == (10.0, 7200.0)


def test_relative_paths_start_in_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/token").write_text("made-up-token\n")
    (tmp_path / "etc/config.yaml").write_text(
        "gong: {bearer_token_file: token}\nstate: {file: ../var/state.db}\n"
    )
    monkeypatch.chdir(tmp_path)

    config = load_config("etc/config.yaml", {})

    assert config.path == tmp_path / "etc/config.yaml"
    assert config.state.file == tmp_path / "etc/../var/state.db"
    monkeypatch.chdir("/")
    assert config.credentials.read() == {"bearer_token": Secret("made-up-token")}


def test_certificates_of_a_company_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Path(where()).read_bytes())
    path = tmp_path / "config.yaml"
    path.write_text("gong: {ca_file: ca.pem}")

    assert load_config(path, PAIR).gong.ca_file == tmp_path / "ca.pem"


def test_without_a_poll_section_it_is_the_default_interval_that_does_not_fit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    windows = ", ".join(f"{days}d" for days in range(1, 401))
    path.write_text(f"gong: {{timeout: 10m}}\nactivity: {{windows: [{windows}]}}\n")

    assert _refusal(path).startswith("FILE: poll.interval: data would go stale between two polls")


def test_a_configuration_does_not_change() -> None:
    config: Any = _good("every_value_another", {})

    with pytest.raises(ValidationError, match="frozen"):
        config.poll.stale_after = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.activity.users[0].email = "joe@acme.com"


def test_the_same_file_gives_the_same_configuration() -> None:
    assert _good("scalars_stay_text") == _good("scalars_stay_text")
    assert _good("empty") != _good("empty", {"GONG_BEARER_TOKEN": "made-up"})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "no.yaml") == "FILE: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"gong:\n  time_zone: Z\xfcrich\n", 2), ("gong:".encode("utf-16"), 1)],
)
def test_what_is_not_utf_8_is_refused(content: bytes, line: int, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)

    assert _refusal(path) == f"FILE:{line}: is not UTF-8 text; save it as UTF-8"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)

    assert _refusal(path) == f"FILE: is larger than {MAX_BYTES} bytes"


def test_a_file_of_very_many_values_is_refused_before_it_takes_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gong_exporter.common.yaml.MAX_VALUES", 100)
    path = tmp_path / "config.yaml"
    path.write_text("activity:\n  users:\n" + "    - a\n" * 1000)

    assert re.fullmatch(r"FILE:\d+: more than 100 values", _refusal(path))


def test_of_very_many_problems_the_first_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("activity:\n  users:\n" + "    - a\n" * 1000)

    lines = _refusal(path).splitlines()

    assert len(lines) == 51
    assert lines[49].startswith("FILE:52: activity.users: 'a' is not a user")
    assert lines[50] == "FILE: and 950 more"


ODD = (
    "''",
    "' '",
    "~",
    "-1",
    "0",
    "1e400",
    ".inf",
    "9" * 400,
    "99999999999999999999d",
    "\u0663",
    "\U0001f600",
    "a" * 70_000,
    "../..",
    "/",
    "/dev/null",
    "http://[",
    "http://[::1",
    "http://a:b:c",
    "https://\u2100",
    "https://a:0",
    "@",
    "[[]]",
    "[~, ~]",
    "[{}]",
    "{}",
    "{a: {b: c}}",
    "[[1], {id: {id: 1}}, {email: []}]",
    "9999-99-99T99:99:99+99:99",
    "2026-01-01T00:00:00+24:00",
    "0001-01-01T00:00:00+14:00",
    "* * * *",
    "0-59/59,*/59 * * * *",
)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_odd_value_is_read_or_refused_but_no_other_error(section: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    outcomes: set[type] = set()

    for key in SECTIONS[section].model_fields:
        for odd in ODD:
            quoted = odd if odd[0] in "'[{~" else f"'{odd}'"
            path.write_text(f"{section}: {{{key}: {quoted}}}", encoding="utf-8")
            try:
                outcomes.add(type(load_config(path, PAIR)))
            except ConfigError as error:
                assert str(error).startswith(f"{path}:1: {section}.")  # noqa: PT017 - either outcome is fine
                outcomes.add(ConfigError)

    assert ConfigError in outcomes


def test_an_error_lists_its_problems_by_line_and_each_once() -> None:
    error = ConfigError("a.yaml", [Problem(3, "b", "y"), Problem(0, "", "x"), Problem(3, "b", "y")])

    assert str(error) == "a.yaml: x\na.yaml:3: b: y"
    assert [problem.line for problem in error.problems] == [0, 3]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/token").write_text("made-up")
    path = tmp_path / "config.yaml"
    path.write_text("gong: {bearer_token_file: ~/token}\nstate: {file: ~/state.db}\n")

    config = load_config(path, {})

    assert config.credentials.read() == {"bearer_token": Secret("made-up")}
    assert config.state.file == tmp_path / "home/state.db"


def test_a_home_folder_that_is_not_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("state: {file: ~nobody-of-this-name/state.db}\n")

    assert _refusal(path) == (
        "FILE:1: state.file: begins with '~', and that home folder is not known"
    )


def test_variables_in_a_path_or_a_proxy_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "gong:\n  proxy_url: http://${USER}:${PASSWORD}@proxy.example\n"
        "state:\n  file: ${STATE_DIRECTORY}/x.db\n"
    )
    what = "has the name of a variable in it, which nothing replaces here"

    assert load_config(path, PAIR).warnings == (
        f"{path}:2: gong.proxy_url: {what}",
        f"{path}:4: state.file: {what}",
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": "http://proxy.example:3128"},
        {"HTTPS_PROXY": " proxy.example:3128\n"},
        {"HTTPS_PROXY": "socks5://proxy.example", "NO_PROXY": "gong.io"},
        {"HTTPS_PROXY": "socks5://proxy.example", "no_proxy": "*"},
        {"HTTPS_PROXY": "socks5://proxy.example", "https_proxy": "http://proxy.example"},
        {"HTTP_PROXY": "socks5://proxy.example"},
        {"ALL_PROXY": "socks5://proxy.example", "HTTPS_PROXY": "http://proxy.example"},
    ],
)
def test_a_proxy_of_the_environment_that_works_or_is_not_used_is_fine(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.touch()

    assert load_config(path, PAIR | environ).warnings == ()


def test_a_proxy_in_the_file_takes_the_place_of_the_environments(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("gong: {proxy_url: 'http://proxy.example'}")

    assert load_config(path, PAIR | {"HTTPS_PROXY": "socks5://x"}).gong.proxy_url is not None


@pytest.mark.parametrize("host", ["api.gong.io", "us-12345.api.gong.io", "gong.example"])
def test_a_host_of_the_api_or_of_a_gateway_is_fine(host: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"gong: {{base_url: 'https://{host}'}}")

    assert load_config(path, PAIR).gong.base_url == f"https://{host}"


@pytest.mark.parametrize(
    "host", ["app.gong.io", "gong.io", "www.gong.io", "EU-1.app.gong.io", "us-1.app.gong.io."]
)
def test_a_host_of_the_web_application_is_refused(host: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"gong: {{base_url: 'https://{host}/settings'}}")

    assert "is the host of Gong's web application" in _refusal(path)
