from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_code_in_the_docs_about_the_company_runs() -> None:
    _, _, rest = PAGE.read_text("utf-8").partition("\n## The company\n")
    chapter, _, _ = rest.partition("\n## ")
    blocks = re.findall(r"^```python\n(.*?)^```", chapter, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 -- our own page's examples
