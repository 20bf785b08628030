"""The example that people copy: it loads as it is, and it names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gong_exporter.activity.snapshot import METRICS
from gong_exporter.config.load import load_config
from gong_exporter.config.model import SECTIONS
from gong_exporter.runtime.user_labels import checked_roster, load_roster

EXAMPLE = Path("config.example.yaml").absolute()
DOCS = Path("docs/configuration.md").absolute()
ENVIRON = {"GONG_ACCESS_KEY": "made-up-key", "GONG_ACCESS_KEY_SECRET": "made-up-secret"}

KEYS = [(section, key) for section, model in SECTIONS.items() for key in model.model_fields]


def test_the_example_loads_without_a_change_and_says_the_defaults(tmp_path: Path) -> None:
    empty = tmp_path / "config.yaml"
    empty.touch()

    example, default = load_config(EXAMPLE, ENVIRON), load_config(empty, ENVIRON)

    assert example.warnings == ()
    assert example.gong == default.gong
    assert example.activity == default.activity
    assert example.poll == default.poll
    assert example.state.file == EXAMPLE.parent / "gong-exporter.db"


def test_the_example_loads_with_its_comments_taken_away_too(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for key in ("time_zone", "proxy_url", "roster_file", "created_from", "created_to"):
        text = re.sub(rf"^  # ({key}: )", r"  \1", text, flags=re.MULTILINE)
    text = re.sub(r"^  users: all\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^  # (users:|  - )", r"  \1", text, flags=re.MULTILINE)
    text = re.sub(r"^  interval: 1h\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^  # (cron: )", r"  \1", text, flags=re.MULTILINE)
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "roster.csv").write_text("id,team\n234599484848423,West\n", encoding="utf-8")

    config = load_config(path, ENVIRON, checked_roster)

    assert load_roster(config).columns == ("team", "region")
    assert config.gong.time_zone is not None
    assert config.gong.proxy_url is not None
    assert isinstance(config.activity.users, tuple)
    assert len(config.activity.users) == 3
    assert config.activity.created_to is not None
    assert config.poll.cron is not None


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_the_example_and_the_reference_name_every_key(section: str, key: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    part = re.search(rf"^{section}:\n(.*?)(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL)

    assert part is not None
    assert re.search(rf"^  (# )?{key}:", part[1], re.MULTILINE)
    assert f"`{section}.{key}`" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", METRICS)
def test_the_example_names_every_counter(metric: str) -> None:
    assert re.search(rf"\b{metric}\b", EXAMPLE.read_text(encoding="utf-8"))


def test_every_key_has_its_documentation() -> None:
    undocumented = [
        f"{section}.{key}"
        for section, model in SECTIONS.items()
        for key, documented in model.model_fields.items()
        if not documented.description
    ]

    assert undocumented == []
