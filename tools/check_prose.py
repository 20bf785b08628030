"""Keep obscure English out of everything that people read: `make lint` runs it.

``python tools/check_prose.py [PATH ...]`` checks files, by default the package, the docs, the rules
and messages of Prometheus, the sources of the dashboards and the tests. In Python it reads comments
and every string literal with a space in it (of tests, only docstrings), in other files every line
but identifiers in YAML.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

CHECKED = (
    "*.md",
    "benchmarks/*.py",
    "config.example.yaml",
    "deploy/**/*.md",
    "deploy/**/*.y*ml",
    "docs/*.md",
    "gong_exporter/**/*.py",
    "prometheus/**/*.tmpl",
    "prometheus/**/*.yml",
    "tests/**/*.py",
    "tools/*.py",
    "tools/dashboards/*.py",
)
"""What is checked by default."""

ONE_WORD = re.compile(r"[\s{-]*([\w.]+: )?\S+")
"""A line of YAML with one word, such as ``receiver: nobody``: an identifier."""

PATTERNS = {
    r"who(m)?(so)?ever|nobody|no one|somebody|someone|anybody": "name the client, user or operator",
    r"(is|are|was|were|be|been) told": "is called with, is logged, is given",
    r"tells? (of|it|them|him|her|us)": "logs, reports, returns",
    r"there (is|are|was|were) no (?!data)\w+ for": "has no X",
    r"(?<!there )(is|are) no (?!longer|more|less|later|earlier|other|matter)\w+": "is not a X",
    r"lest|anew|mend(s|ed|ing)?|reckon\w*|befall\w*|befell|dear|thrice": "use the modern word",
    r"meanwhile|patience|patient|all the same|as it were": "otherwise, timeout, still",
    r"holds? up|held up": "delays, blocks",
    r"what (came|is there|is said|was said)": "name the thing",
    r"(is|are) (heard|minded|owed)": "name what happens",
}


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers and text that people read."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        for number, line in enumerate(text.splitlines(), 1):
            if not ONE_WORD.fullmatch(line):
                yield number, line
        return
    tree = ast.parse(text)
    docstrings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    is_test = ROOT / "tests" in path.resolve().parents
    for node in docstrings if is_test else ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from enumerate(node.value.splitlines(), node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def main(arguments: list[str]) -> int:
    """Print each hit; 1 if there are any."""
    files = [Path(name) for name in arguments] or [
        path
        for pattern in CHECKED
        for path in sorted(ROOT.glob(pattern))
        if path != Path(__file__).resolve()  # it quotes the patterns
    ]
    rules = {re.compile(rf"(?i)\b({pattern})\b"): hint for pattern, hint in PATTERNS.items()}
    hits = 0
    for path in files:
        for line, text in sorted(prose(path)):
            for rule, hint in rules.items():
                if found := rule.search(text):
                    print(f"{path}:{line}: '{found[0]}' ({hint}): {text.strip()}")
                    hits += 1
    return min(hits, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
