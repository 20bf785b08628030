"""The JSON Schema of the configuration agrees with the loader."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gong_exporter.cli.check import schema_text
from gong_exporter.common.yaml import Items, Keys, Node, parse_yaml

ROOT = Path(__file__).parents[2]
GOOD = sorted((ROOT / "tests/data/good_configs").glob("*.yaml"))
BAD = sorted((ROOT / "tests/data/bad_configs").glob("*.yaml"))
SCHEMA = ROOT / "config.schema.json"

BEYOND_A_SCHEMA = re.compile(
    "alias_|no_break_space_|custom_tag|local_tag|merge_key|duplicate_|half_a_|key_is_a_list"
    "|no_credentials|environment_|proxy_of|pair_|access_key_without|secret_without|secret_given"
    "|exclude_users_everybody|secret_file_is_|ca_file_is_|.*_file_missing|secret_file_name_with"
    "|secret_(with_.*)?where_its_file"
    "|secret_looks_like|secret_on_a_line|secret_with_a_line_break"
    "|secret_with_dots|secret_with_a_slash"
    "|email_label_hashed|created_(backwards|on_no)|stale_|interval_(longer|too)|timeout_(too|zero)"
    "|roster_(?!from_another|labels_that_are_none)|users_repeated|time_zone_(?!empty)|base_url_(of|with_(a_bad_port|a_variable|the_api))"
    "|cron_(?!four|six|interval|quartz|is_a_list)"
)
"""Bad files whose mistake no schema sees, or no simple one."""

NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def _as_editors_see_it(node: Node | None) -> Any:
    """A value by the core schema of YAML 1.2."""
    if isinstance(node, Keys):
        return {key: _as_editors_see_it(value) for key, value in node.items()}
    if isinstance(node, Items):
        return [_as_editors_see_it(value) for value in node]
    if node is None or node.null:
        return None
    if node.plain and node.lower() in {"true", "false"}:
        return node.lower() == "true"
    if node.plain and NUMBER.fullmatch(node):
        number = float(node)
        return int(node) if node.lstrip("-+").isdigit() else number
    return str(node)


def _refused(path: Path) -> bool:
    document = parse_yaml(path.read_text(encoding="utf-8"))
    content = _as_editors_see_it(document.root)
    return not Draft202012Validator(json.loads(schema_text())).is_valid(content or {})


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_is_valid(path: Path) -> None:
    assert not _refused(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_file_is_refused_where_a_schema_can_tell(path: Path) -> None:
    if parse_yaml(path.read_text(encoding="utf-8")).broken:
        return  # every editor says so
    assert _refused(path) != bool(BEYOND_A_SCHEMA.match(path.name))


def test_the_example_names_the_schema_and_is_valid() -> None:
    example = ROOT / "config.example.yaml"

    assert "# yaml-language-server: $schema=config.schema.json\n" in example.read_text("utf-8")
    assert not _refused(example)


def test_the_schema_in_the_repository_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run: make docs"
