"""The file of ``--http.config.file``: what is accepted, what is refused, and what is sent."""

from __future__ import annotations

import base64
import ssl
import subprocess
from pathlib import Path

import pytest

from gong_exporter.digest.http_config import HttpConfig, HttpConfigError, read_http_config
from tests.support.config_files import ConfigFiles
from tests.support.servers import need

FILES = ConfigFiles("http_configs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("http")
    FILES.copy_to(folder)
    (folder / "password").write_text("right\n")
    (folder / "token").write_text(" right \n")
    (folder / "empty").write_text("\n")
    return folder


def read(folder: Path, text: str) -> HttpConfig:
    (folder / "this.yml").write_text(text)
    return read_http_config(folder / "this.yml")


@pytest.mark.parametrize("name", FILES.named("bad|stricter"))
def test_a_bad_file_is_refused_with_its_line_and_the_reason(folder: Path, name: str) -> None:
    expected = (folder / name).read_text(encoding="utf-8").splitlines()[-1].removeprefix("# ")
    with pytest.raises(HttpConfigError) as error:
        read_http_config(folder / name)
    assert str(error.value).replace(str(folder / name), "http.yml") == expected
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("good-empty.yml", None),
        ("good-tls.yml", None),
        ("good-token.yml", "Bearer right"),
        ("good-token-inline.yml", "Token right"),
        ("good-password-file.yml", "Basic ZGlnZXN0OnJpZ2h0"),
        ("good-password-inline.yml", "Basic ZGlnZXN0OnJpZ2h0"),
    ],
)
def test_a_good_file_authenticates(folder: Path, name: str, header: str | None) -> None:
    config = read_http_config(folder / name)
    assert config.headers().get("Authorization") == header
    assert config.tls_config.context().verify_mode is ssl.CERT_REQUIRED
    assert "right" not in repr(config)


def test_every_good_file_has_a_test() -> None:
    assert len(FILES.named("good")) == 6


@pytest.mark.server("promtool")
@pytest.mark.parametrize("name", FILES.named("good|bad|stricter"))
def test_prometheus_sees_it_as_the_names_of_the_files_say(folder: Path, name: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    scrape = folder / f"prometheus-{name}"
    indented = "".join(f"    {line}" for line in text.splitlines(keepends=True))
    scrape.write_text(f"scrape_configs:\n  - job_name: gong\n{indented}")
    done = subprocess.run(
        [need("promtool"), "check", "config", str(scrape)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode == 0) is not name.startswith("bad")


def test_a_password_keeps_its_characters(folder: Path) -> None:
    config = read(folder, 'basic_auth: {username: zoë, password: " p:ä "}\n')
    sent = config.headers()["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "zoë: p:ä "


def test_relative_paths_start_at_the_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    config = read_http_config(Path(folder.name) / "good-password-file.yml")
    monkeypatch.chdir(tmp_path)
    assert config.headers()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "basic_auth: {username: a, password_file: absent}\n",
            "basic_auth.password_file: FOLDER/absent cannot be read: No such file or directory",
        ),
        (
            "authorization: {credentials_file: empty}\n",
            "authorization.credentials_file: FOLDER/empty is empty",
        ),
        (
            'authorization: {credentials: "a\\nb"}\n',
            "authorization: the token has a character that no token has",
        ),
        (
            "tls_config: {ca_file: absent}\n",
            "tls_config: FOLDER/absent: [Errno 2] No such file or directory",
        ),
        (
            "tls_config: {ca_file: token}\n",
            "tls_config: FOLDER/token: [X509: NO_CERTIFICATE_OR_CRL_FOUND]",
        ),
        (
            "tls_config: {cert_file: cert.pem, key_file: other-key.pem}\n",
            "tls_config: FOLDER/cert.pem, FOLDER/other-key.pem: [X509: KEY_VALUES_MISMATCH]",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_when_it_is_needed(
    folder: Path, text: str, message: str
) -> None:
    config = read(folder, text)
    with pytest.raises(HttpConfigError) as error:
        (config.headers(), config.tls_config.context())
    assert str(error.value).replace(str(folder), "FOLDER").startswith(message)


@pytest.mark.parametrize(("content", "what"), [(None, "cannot be read"), (b"\xff\xfe", "UTF-8")])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, what: str
) -> None:
    path = tmp_path / "http.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HttpConfigError, match=rf"http\.yml: .*{what}"):
        read_http_config(path)


@pytest.mark.parametrize("text", ["a: *hunter2\n", "{password:hunter2}\n", "a: !hunter2 b\n"])
def test_a_secret_typed_by_mistake_is_not_repeated(folder: Path, text: str) -> None:
    with pytest.raises(HttpConfigError) as error:
        read(folder, text)
    assert "hunter2" not in str(error.value)
