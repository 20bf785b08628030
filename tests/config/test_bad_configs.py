"""One file for each way to be wrong, with the exact message at its end: a new case is a new file.

``# environment: NAME=value`` lines replace the environment, in which there is a token otherwise.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_exporter.config.errors import ConfigError
from gong_exporter.config.load import load_config
from gong_exporter.runtime.user_labels import checked_roster

FOLDER = Path("tests/data/bad_configs").absolute()
CASES = sorted(path.name for path in FOLDER.glob("*.yaml"))


def _marked(name: str, mark: str) -> list[str]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


def _environment(name: str) -> dict[str, str]:
    given = _marked(name, "# environment: ")
    if not given:
        return {"GONG_BEARER_TOKEN": "made-up-token"}
    return dict(line.split("=", 1) for line in given if line != "none")


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_refused_with_this_message(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)

    with pytest.raises(ConfigError) as caught:
        load_config(name, _environment(name), checked_roster)

    assert str(caught.value).splitlines() == _marked(name, "# expected: ")
    assert "SECRET" not in str(caught.value).replace("GONG_ACCESS_KEY_SECRET", "")
