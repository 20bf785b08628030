"""Where secrets come from, and that they show nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from pathlib import Path
from types import TracebackType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.common.yaml import parse_yaml
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.config.secrets import (
    MAX_SECRET_BYTES,
    Credentials,
    Secret,
    SecretFile,
)
from gong_exporter.gong.errors import CredentialsUnreadable, GongError

HIDDEN = "Xq7-made_up.HIDDEN+value/42"


def _file(tmp_path: Path, content: bytes, *, name: str = "token") -> SecretFile:
    path = tmp_path / name
    path.write_bytes(content)
    return SecretFile("gong.bearer_token_file", path)


def _locals(trace: TracebackType | None) -> str:
    """What a traceback that shows local variables would show."""
    shown = ""
    while trace is not None:
        shown += (
            repr(trace.tb_frame.f_locals)
            if "/tests/" not in trace.tb_frame.f_code.co_filename
            else ""
        )
        trace = trace.tb_next
    return shown


def test_a_secret_prints_as_hidden_and_is_given_on_request() -> None:
    secret = Secret(HIDDEN)

    assert secret.get_secret_value() == HIDDEN
    shown = {repr(secret), str(secret), f"{secret}", "%s" % secret, "%r" % secret}  # noqa: UP031 - logging formats so
    assert shown == {"**********", "Secret('**********')"}
    assert HIDDEN not in repr([secret, {"key": secret}, Credentials({"bearer_token": secret})])


def test_a_secret_cannot_be_written_out_by_accident() -> None:
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(Secret(HIDDEN))
    with pytest.raises(TypeError, match="not written anywhere"):
        copy.deepcopy(Secret(HIDDEN))
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(Secret(HIDDEN))


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_line_break_at_the_end_of_a_file_is_not_of_the_secret(
    end: bytes, tmp_path: Path
) -> None:
    assert _file(tmp_path, HIDDEN.encode() + end).read() == Secret(HIDDEN)


def test_a_rotated_file_is_read_anew(tmp_path: Path) -> None:
    key, secret = _file(tmp_path, b"k1", name="key"), _file(tmp_path, b"s1", name="secret")
    credentials = Credentials({"access_key": key, "access_key_secret": secret})
    before = credentials.read()
    secret.path.unlink()
    (tmp_path / "new").write_bytes(b"s2\n")
    (tmp_path / "new").rename(secret.path)

    assert before == {"access_key": Secret("k1"), "access_key_secret": Secret("s1")}
    assert credentials.read() == {"access_key": Secret("k1"), "access_key_secret": Secret("s2")}


def test_a_file_that_went_away_is_an_error_of_a_call_that_names_it(tmp_path: Path) -> None:
    source = _file(tmp_path, b"t")
    source.path.unlink()

    with pytest.raises(CredentialsUnreadable) as caught:
        Credentials({"bearer_token": source}).read()

    assert isinstance(caught.value, GongError)
    assert str(caught.value) == (
        f"gong.bearer_token_file: {source.path} cannot be read: No such file or directory"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (HIDDEN.encode() + b"\n\n", "has a space or a line break at its beginning or end"),
        (b" " + HIDDEN.encode(), "has a space or a line break at its beginning or end"),
        (HIDDEN.encode() + b" x", "has a space or a line break in it"),
        (HIDDEN.encode() + b"\x07x", "has a character that no key or token has"),
        (b"\xef\xbb\xbf" + HIDDEN.encode(), "begins with a byte order mark"),
        (HIDDEN.encode() + b"\xff", "is not text"),
        (HIDDEN.encode("utf-16"), "is not text"),
        (HIDDEN.encode() * 1000, f"is larger than {MAX_SECRET_BYTES} bytes"),
    ],
)
def test_what_is_no_secret_is_refused_without_a_word_of_it(
    content: bytes, why: str, tmp_path: Path
) -> None:
    source = _file(tmp_path, content)

    with pytest.raises(CredentialsUnreadable) as caught:
        source.read()

    assert why in str(caught.value)
    assert "HIDDEN" not in "".join(traceback.format_exception(caught.value))
    assert "HIDDEN" not in _locals(caught.value.__traceback__)
    assert caught.value.__context__ is None
    assert (source.problem() or "").startswith(why)


def test_a_folder_that_is_asked_for_again_and_again_costs_no_descriptors(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for _ in range(200):
        SecretFile("k", tmp_path).problem()
    assert descriptors() < before + 100  # this process may open other files


def test_an_access_key_has_no_colon(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("a:b")

    assert SecretFile("gong.access_key_file", path).problem() == "has a colon in it"
    assert SecretFile("gong.bearer_token_file", path).problem() is None


def test_a_secret_file_that_cannot_be_used_is_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/token").write_text("")
    config = tmp_path / "config.yaml"
    config.write_text("gong:\n  bearer_token_file: secrets/token\n")

    with pytest.raises(ConfigError) as caught:
        load_config(config, {})

    assert str(caught.value) == (
        f"{config}:2: gong.bearer_token_file: {tmp_path}/secrets/token is empty"
    )


def test_the_pair_comes_from_its_files_each_by_its_own_rule(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a:b\n")
    (tmp_path / "secret").write_text("c:d\n")
    config = tmp_path / "config.yaml"
    config.write_text("gong:\n  access_key_file: key\n  access_key_secret_file: secret\n")

    with pytest.raises(ConfigError) as caught:
        load_config(config, {})
    (tmp_path / "key").write_text("ab\n")
    credentials = load_config(config, {}).credentials

    assert str(caught.value) == f"{config}:2: gong.access_key_file: has a colon in it"
    assert credentials.read() == {"access_key": Secret("ab"), "access_key_secret": Secret("c:d")}


def test_a_hash_key_that_cannot_be_read_later_goes_on_being_used(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first\n")
    config = tmp_path / "config.yaml"
    config.write_text("activity: {email_label: hashed, email_hash_key_file: key}")
    key = load_config(config, {"GONG_BEARER_TOKEN": "made-up"}).email_hash_key
    assert key is not None

    assert key.read().get_secret_value() == "first"
    (tmp_path / "key").write_text("second")
    assert key.read().get_secret_value() == "second"
    (tmp_path / "key").unlink()
    assert key.read().get_secret_value() == "second"


def test_a_loaded_configuration_shows_no_secret(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"gong: {{access_key: k, proxy_url: 'http://me:{HIDDEN.partition('/')[0]}@proxy.example'}}"
    )

    loaded = load_config(config, {"GONG_ACCESS_KEY_SECRET": HIDDEN})

    assert "HIDDEN" not in repr(loaded)


def test_a_refused_configuration_shows_no_environment(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gong: {timeout: 1}")

    with pytest.raises(ConfigError) as caught:
        load_config(config, {"GONG_BEARER_TOKEN": HIDDEN})

    assert "load_config" in traceback.format_exception(caught.value)[-2]
    assert "HIDDEN" not in _locals(caught.value.__traceback__)


def test_a_tree_shows_no_value() -> None:
    root = parse_yaml(f"gong: {{bearer_token: {HIDDEN}, other: [{HIDDEN}]}}").root

    assert "bearer_token" in repr(root)
    assert "HIDDEN" not in repr(root)


BROKEN = """\
gong:
  base_url: https://api.gong.io
  access_key: &key "Kw5-HIDDEN-key"
  access_key_secret: 'Xq7-made_up.HIDDEN+value/42'
  proxy_url: http://me:HIDDEN@proxy.example
  timeout: 30s
  time_zone: US/Pacific
activity:
  users: [jane@acme.com, {id: 1, email: joe@acme.com}]
  windows: [1d, 7d]
poll:
  cron: "15 * * * *"
state:
  file: state.db
"""


@given(
    at=st.integers(0, len(BROKEN)),
    delete=st.integers(0, 3),
    insert=st.text("\n\t :-?#&*!|>'\"%@`{}[],\\\0\x85~<=a1", max_size=3),
    again=st.integers(0, len(BROKEN)),
)
@settings(deadline=None, max_examples=150)
def test_no_way_to_break_a_file_shows_a_secret(
    at: int, delete: int, insert: str, again: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = BROKEN[:at] + insert + BROKEN[at + delete :]
    text = text[:again] + insert + text[again:]
    config = tmp_path_factory.getbasetemp() / "broken.yaml"
    config.write_text(text, encoding="utf-8")

    try:
        shown = repr(load_config(config, {}))
        trace = context = None
    except ConfigError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.problems)
        trace, context = error.__traceback__, error.__context__

    assert context is None
    for part in ("HIDDEN", "Xq7", "Kw5", "made_up"):
        assert part not in shown
        assert part not in _locals(trace)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${MY_TOKEN}", "looks like the name of a variable"),
        ("$MY_TOKEN", "looks like the name of a variable"),
        ("$(MY_TOKEN)", "looks like the name of a variable"),
        ("{{gong.token}}", "looks like the name of a variable"),
        ("%GONG_TOKEN%", "looks like the name of a variable"),
        ("<your-token>", "looks like a placeholder"),
        ("your-access-key", "looks like a placeholder"),
        ("...", "looks like a placeholder"),
        ("CHANGEME", "looks like a placeholder"),
        ("xxxxxxxx", "looks like a placeholder"),
        ('"abc"', "begins and ends with a quote"),
        ("'abc'", "begins and ends with a quote"),
    ],
)
@pytest.mark.parametrize("source", ["key", "file", "environment"])
def test_a_placeholder_for_a_secret_is_a_warning_wherever_it_is(
    text: str, why: str, source: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    (tmp_path / "token").write_text(f"{text}\n")
    given = {
        "key": f"gong: {{bearer_token: {json.dumps(text)}}}",
        "file": "gong: {bearer_token_file: token}",
        "environment": "",
    }
    path.write_text(given[source])
    place = {
        "key": f"{path}:1: gong.bearer_token",
        "file": f"{path}:1: gong.bearer_token_file",
        "environment": f"{path}: $GONG_BEARER_TOKEN",
    }

    environ = {"GONG_BEARER_TOKEN": text} if source == "environment" else {}
    (warning,) = load_config(path, environ).warnings

    assert warning.startswith(f"{place[source]}: {why}")
    assert text not in warning


@pytest.mark.parametrize("text", ["abc", "a$b", "made-up-token", "50%OFF", "xx", "$", "a<b>c"])
def test_an_odd_secret_is_no_placeholder(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.touch()

    assert load_config(path, {"GONG_BEARER_TOKEN": text}).warnings == ()


def test_empty_variables_count_as_not_set(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("gong: {bearer_token: made-up}\nactivity: {email_label: plain}\n")
    environ = dict.fromkeys(
        (
            "GONG_ACCESS_KEY",
            "GONG_ACCESS_KEY_SECRET",
            "GONG_BEARER_TOKEN",
            "GONG_EXPORTER_EMAIL_HASH_KEY",
        ),
        "",
    )

    assert load_config(path, environ).credentials.read() == {"bearer_token": Secret("made-up")}
