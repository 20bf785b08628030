"""The generated parts of the docs are what the code says now."""

from __future__ import annotations

import pytest

from tools import docs_reference


@pytest.mark.parametrize("file", sorted({place for place, _ in docs_reference.PARTS.values()}))
def test_a_page_with_generated_parts_is_current(file: str) -> None:
    text = (docs_reference.DOCS / file).read_text(encoding="utf-8")

    assert docs_reference.current(file, text) == text, "run tools/docs_reference.py"


def test_a_part_that_is_not_current_is_found() -> None:
    text = (docs_reference.DOCS / "configuration.md").read_text(encoding="utf-8")

    old = text.replace("| `26h` |", "| `27h` |")

    assert old != text
    assert docs_reference.current("configuration.md", old) == text


def test_a_page_without_its_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="no markers for 'keys'"):
        docs_reference.current("configuration.md", "# Configuration\n")
