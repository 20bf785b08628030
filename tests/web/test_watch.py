"""Following the web configuration's files: a file that is cut short drops no protection."""

from __future__ import annotations

import os
from pathlib import Path

import bcrypt
import pytest

from gong_exporter.web.config import WebConfigError
from gong_exporter.web.watch import WebConfigFile
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
def test_a_file_that_is_being_written_is_not_in_force(file: Path, half: str) -> None:
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


SAYS_LESS = {
    "empty": "",
    "a line feed": "\n",
    "a comment": "# all is gone\n",
    "a byte order mark": "\ufeff",
    "null": "null\n",
    "a tilde": "~\n",
    "a document without content": "---\n",
    "two marks": "---\n...\n",
    "an empty mapping": "{}\n",
    "users without users": "basic_auth_users:\n",
    "users that are null": "basic_auth_users: null\n",
    "no users stated": "basic_auth_users: {}\n",
    "TLS without keys": "tls_server_config:\n",
    "TLS that is null": "tls_server_config: ~\n",
    "TLS with no keys": "tls_server_config: {}\n",
    "headers alone": "http_server_config: {headers: {X-Frame-Options: deny}}\n",
    "the first section": TLS,
    "the first section and a key without a value": TLS + "basic_auth_users:\n",
    "the first section and a null": TLS + "basic_auth_users: ~\n",
    "the last section": USERS,
}
"""Contents that are valid and drop TLS, the users or both."""


@pytest.mark.parametrize("content", SAYS_LESS.values(), ids=SAYS_LESS)
def test_a_file_that_says_less_drops_neither_tls_nor_passwords(file: Path, content: str) -> None:
    config = settled(WebConfigFile(file))
    before = config.security
    file.write_text(content)
    settled(config)
    assert config.security is before
    assert config.error is not None
    assert str(file) in config.error


def test_every_part_of_a_file_keeps_tls_and_passwords(file: Path) -> None:
    """A full disk cuts a file anywhere."""
    whole = TLS + "http_server_config:\n  headers: {X-Frame-Options: deny}\n" + USERS
    file.write_text(whole)
    config = settled(WebConfigFile(file))
    for end in range(len(whole)):
        file.write_text(whole[:end])
        settled(config)
        assert guarded(config), whole[:end]


@pytest.mark.parametrize("content", SAYS_LESS.values(), ids=SAYS_LESS)
def test_without_tls_users_go_only_when_the_file_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "web.yml"
    file.write_text(USERS)
    Authority().issue("localhost").write(tmp_path)
    config = settled(WebConfigFile(file))
    file.write_text(content)
    settled(config)
    stated = content in {"{}\n", "basic_auth_users: {}\n"}
    assert bool(config.security.users) is not stated
    assert (config.error is None) is (stated or content == USERS)


def test_users_go_and_tls_stays_when_the_file_says_so(file: Path) -> None:
    config = settled(WebConfigFile(file))
    file.write_text(TLS + "basic_auth_users: {}\n")
    settled(config)
    assert config.error is None
    assert config.security.context is not None
    assert not config.security.users


CLIENTS = """\
tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example]
"""


@pytest.mark.parametrize(
    ("lines", "added", "error"),
    [
        (3, "", "client_auth_type is gone"),
        (5, "", "client_allowed_sans is gone"),
        (3, "  client_auth_type: RequireAndVerifyClientCert\n", "client_ca_file is gone"),
        (3, "  client_auth_type: NoClientCert\n", None),
        (4, "  client_auth_type: VerifyClientCertIfGiven\n", None),
        (5, "  client_allowed_sans: [other.example]\n", None),
    ],
)
def test_client_certificates_stay_required_unless_the_file_says_so(
    tmp_path: Path, lines: int, added: str, error: str | None
) -> None:
    authority = Authority()
    authority.issue("localhost").write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    file = tmp_path / "web.yml"
    file.write_text(CLIENTS)
    config = settled(WebConfigFile(file))
    before = config.security
    file.write_text("".join(CLIENTS.splitlines(keepends=True)[:lines]) + added)
    settled(config)
    if error is None:
        assert config.error is None
        assert not config.security.same_tls(before)
    else:
        assert config.security is before
        assert error in str(config.error)


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


def test_an_empty_file_at_the_start_serves_without_tls_and_passwords(tmp_path: Path) -> None:
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


def test_a_pipe_without_a_writer_does_not_block(file: Path) -> None:
    config = settled(WebConfigFile(file))
    (file.parent / "cert.pem").unlink()
    os.mkfifo(file.parent / "cert.pem")
    settled(config)
    assert guarded(config)
    assert config.error is not None
    assert "is not a file" in config.error


def test_a_folder_in_place_of_a_certificate_is_an_error_and_leaks_no_descriptor(file: Path) -> None:
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
