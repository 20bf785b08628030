import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.web.config import WebConfig, WebConfigError, parse_web_config
from gong_exporter.web.watch import WebConfigFile
from tests.support.config_files import ConfigFiles
from tests.support.servers import need

FILES = ConfigFiles("web_configs")
"""``good`` and ``bad``: promtool agrees. ``stricter``: it accepts what we refuse. ``newer``: the
keys are younger than some promtools, which refuse them all; others take the good ones. The last
line of a file that we refuse says how."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    FILES.copy_to(folder)
    (folder / "text.pem").write_text("not PEM\n")
    return folder


@pytest.mark.parametrize("name", FILES.named("good|newer-good"))
def test_a_good_file_is_taken(folder: Path, name: str) -> None:
    assert WebConfigFile(folder / name).error is None


@pytest.mark.parametrize("name", FILES.named("bad|stricter|newer-bad"))
def test_a_bad_file_is_refused_with_its_line_and_the_reason(folder: Path, name: str) -> None:
    expected = (folder / name).read_text(encoding="utf-8").splitlines()[-1].removeprefix("# ")
    with pytest.raises(WebConfigError) as error:
        WebConfigFile(folder / name)
    said = str(error.value).replace(str(folder / name), "web.yml").replace(str(folder), "FOLDER")
    assert said == expected


@pytest.mark.server("promtool")
@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [("good", "SUCCESS"), ("stricter", "SUCCESS"), ("bad", "FAILED")],
)
def test_promtool_sees_it_as_the_names_of_the_files_say(
    folder: Path, pattern: str, verdict: str
) -> None:
    paths = [str(folder / name) for name in FILES.named(pattern)]
    done = subprocess.run(
        [need("promtool"), "check", "web-config", *paths],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = dict(
        re.findall(r"^(\S+\.yml) (SUCCESS|FAILED)", done.stdout + done.stderr, re.MULTILINE)
    )
    assert said == dict.fromkeys(paths, verdict)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"web\.yml: cannot be read: No such file"):
        WebConfigFile(tmp_path / "web.yml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(WebConfigError, match="not UTF-8"):
        WebConfigFile(tmp_path / "web.yml")


@pytest.mark.parametrize(
    "users",
    [
        '  a: hunter2\n  b: "hunter2\n',
        "  a: *hunter2\n",
        "  a: !hunter2!x y\n",
        "  a: &hunter2 x\n  b: &hunter2 y\n",
        "  {a:hunter2}\n",
        "  {a hunter2}\n",
    ],
)
def test_a_password_typed_by_mistake_is_not_repeated_in_the_message(
    tmp_path: Path, users: str
) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users:\n{users}")
    with pytest.raises(WebConfigError) as error:
        WebConfigFile(tmp_path / "web.yml")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5_000,
        'tls_server_config: {cert_file: "a\\0b", key_file: key.pem}',
        "tls_server_config: {cert_file: ., key_file: .}",
        "? [a]\n: b",
        "a: &a [*a]",
        "&a {tls_server_config: *a}",
        "!!python/object:os.system {}",
        "%YAML 9.9\n---\n{}",
    ],
)
def test_a_strange_file_is_an_error_and_not_a_crash(tmp_path: Path, text: str) -> None:
    (tmp_path / "web.yml").write_text(text)
    with pytest.raises(WebConfigError):
        WebConfigFile(tmp_path / "web.yml")


KEYS = ("tls_server_config", "cert_file", "http_server_config", "headers", "basic_auth_users")
SIGNS = (": ", "\n", "\n  ", "- ", *"[]{}|~'\"", "&a ", "*a", "!!int ", "\t")
WORDS = st.sampled_from((*KEYS, *SIGNS))


@settings(deadline=None)
@given(st.lists(WORDS | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_at_all_is_a_crash(text: str) -> None:
    with suppress(WebConfigError):
        assert isinstance(parse_web_config(text, "web.yml", Path()), WebConfig)
