"""Following the web configuration's files: what is half there never opens the door."""

from __future__ import annotations

import os
from pathlib import Path

import bcrypt
import pytest

from gong_exporter.web.config import WebConfigError
from gong_exporter.web.security import WebConfigFile
from tests.support.web_certificates import Authority

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users:\n  prometheus: {HASH}\n"
TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Authority().issue("localhost").write(tmp_path)
    path = tmp_path / "web.yml"
    path.write_text(TLS + USERS)
    return path


def settled(config: WebConfigFile) -> WebConfigFile:
    for _ in range(4):
        config.refresh()
    return config


def guarded(config: WebConfigFile) -> bool:
    return config.security.context is not None and bool(config.security.users)


@pytest.mark.parametrize("half", ["", "# to be continued\n", "http_server_config: {}\n"])
def test_a_file_that_is_being_written_does_not_open_the_door(file: Path, half: str) -> None:
    config = settled(WebConfigFile(file))
    for _ in range(3):
        file.write_text(half)
        assert not config.refresh()
        assert guarded(config)
        assert config.error is None
        file.write_text(TLS + USERS)
        assert not config.refresh()
        assert guarded(config)
        assert not config.refresh()


@pytest.mark.parametrize("rest", ["", "\n", "# all is gone\n"])
def test_a_file_that_was_emptied_does_not_open_the_door(file: Path, rest: str) -> None:
    config = settled(WebConfigFile(file))
    file.write_text(rest)
    settled(config)
    assert guarded(config)
    assert config.error is not None
    assert "empty" in config.error


def test_who_wants_no_guards_any_more_writes_so(file: Path) -> None:
    config = settled(WebConfigFile(file))
    file.write_text("{}\n")
    settled(config)
    assert config.error is None
    assert config.security.context is None
    assert not config.security.users


def test_a_file_whose_name_is_not_utf_8_is_followed_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "web\udcff.yml"
    file.write_text(USERS)
    config = settled(WebConfigFile(file))
    file.unlink()
    settled(config)
    assert config.security.users
    file.write_text("{}\n")
    settled(config)
    assert not config.security.users


def test_an_empty_file_at_the_start_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("")
    assert WebConfigFile(tmp_path / "web.yml").security.context is None


def test_a_change_counts_when_two_looks_find_the_same(file: Path) -> None:
    config = settled(WebConfigFile(file))
    file.write_text(TLS + USERS.replace("prometheus", "another"))
    assert not config.refresh()
    assert config.refresh()
    assert set(config.security.users) == {b"another"}
    assert not config.refresh()


def test_what_changes_while_it_is_read_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settled(WebConfigFile(file))
    file.write_text(TLS + USERS + "# one\n")
    assert not config.refresh()
    load = config._load

    def meddled(old: object) -> object:
        file.write_text("{}\n")
        loaded = load(old)  # type: ignore[arg-type]  # handed through
        file.write_text(TLS + USERS + "# two\n")
        return loaded

    monkeypatch.setattr(config, "_load", meddled)
    assert not config.refresh()
    assert guarded(config)


def test_a_pipe_is_refused_since_it_could_be_read_only_once() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, USERS.encode())
        with pytest.raises(WebConfigError, match="is not a file"):
            WebConfigFile(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
        os.close(writing)


def test_a_pipe_without_a_writer_hangs_nobody(file: Path) -> None:
    config = settled(WebConfigFile(file))
    (file.parent / "cert.pem").unlink()
    os.mkfifo(file.parent / "cert.pem")
    settled(config)
    assert guarded(config)
    assert config.error is not None
    assert "is not a file" in config.error


def test_a_folder_in_a_certificates_place_is_said_and_costs_no_descriptors(file: Path) -> None:
    config = settled(WebConfigFile(file))
    (file.parent / "cert.pem").unlink()
    (file.parent / "cert.pem").mkdir()
    settled(config)
    open_now = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        settled(config)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_now
    assert guarded(config)
    assert config.error is not None
    assert "cannot be read" in config.error
    assert "Is a directory" in config.error
