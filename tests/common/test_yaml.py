"""YAML whose values stay text and know their lines."""

from __future__ import annotations

import pytest

from gong_exporter.common.yaml import Items, Keys, Node, Scalar, line_at, parse_yaml

TEXT = """\
gong:
  timeout: 30s
  # a comment
  list:
    - NO
    - {id: 0123456, team: ~}
empty:
"""


def _root(text: str) -> Node | None:
    document = parse_yaml(text)
    assert document.problems == ()
    return document.root


def test_values_are_text_as_written() -> None:
    root = _root("{a: NO, b: 0123456, c: 1_0, d: 2026-01-01, e: 'x', f: }")

    assert root == {"a": "NO", "b": "0123456", "c": "1_0", "d": "2026-01-01", "e": "x", "f": ""}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("gong",), 1),
        (("gong", "timeout"), 2),
        (("gong", "list"), 4),
        (("gong", "list", 1), 6),
        (("gong", "list", 1, "team"), 6),
        (("empty",), 7),
        (("gong", "missing"), 2),
        (("gong", "list", 9), 5),
        (("missing",), 1),
    ],
)
def test_every_path_has_a_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_at(_root(TEXT), path) == line


def test_nulls_and_quotes_are_known() -> None:
    root = _root("- ~\n- '~'\n- null\n- 'null'\n- x\n- |\n  x\n")

    assert isinstance(root, Items)
    scalars = [item for item in root if isinstance(item, Scalar)]
    assert [item.null for item in scalars] == [True, False, True, False, False, False]
    assert [item.plain for item in scalars] == [True, False, True, False, True, False]


def test_a_duplicate_key_is_a_problem_and_the_first_value_stays() -> None:
    document = parse_yaml("a: 1\nb:\n  c: 2\n  c: 3\n")

    assert document.root == {"a": "1", "b": {"c": "2"}}
    assert [problem.located("F") for problem in document.problems] == [
        "F:4: b.c: this key is already on line 3"
    ]


def test_a_value_may_go_on_in_the_next_line_only_where_that_is_asked_for() -> None:
    text = "a: one\n  two\nb: 'three\n  four'\n"

    assert parse_yaml(text, folded_values=True).root == {"a": "one two", "b": "three four"}
    assert [problem.line for problem in parse_yaml(text).problems] == [1, 3]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_has_no_content(text: str) -> None:
    document = parse_yaml(text)

    assert not document.broken
    assert document.root is None or document.root == ""


def test_broken_text_is_a_problem_with_its_line() -> None:
    document = parse_yaml("a: [1\nb: 2\n")

    assert document.broken
    assert document.root is None
    assert [problem.line for problem in document.problems] == [2]


def test_no_tag_creates_an_object() -> None:
    document = parse_yaml("a: !!python/object/apply:os.system [echo]\nb: 1\n")

    assert document.root == {"b": "1"}
    assert isinstance(document.root, Keys)
    assert document.root.lines == {"a": 1, "b": 2}
    assert "tags" in document.problems[0].what


def test_a_scalar_hides_its_text() -> None:
    assert "HIDDEN" not in repr(_root("{a: HIDDEN, b: [HIDDEN]}"))
