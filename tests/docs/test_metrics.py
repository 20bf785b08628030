"""docs/metrics.md against a live exporter, and its queries against a real Prometheus."""

from __future__ import annotations

import re
import urllib.request
from functools import partial

import pytest
from promql_parser import VectorSelector, parse

from gong_exporter.activity.snapshot import METRICS, metric_name
from gong_exporter.exposition.metrics import KNOWN_CODES
from gong_exporter.gong.errors import REASONS
from gong_exporter.gong.records import COUNTERS
from tests.docs.conftest import Demo
from tests.docs.pages import ROOT, Block, blocks, name, pages
from tests.support.servers import Prometheus, until

PAGE = ROOT / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(gong_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", re.MULTILINE)

OF_A_DEMO = {"README.md", "docs/metrics.md", "docs/troubleshooting.md", "docs/operations.md"}
"""Pages whose queries need nothing but a scraped demo; those of others may need rules, or labels
of several companies, and then have their own tests."""

QUERIES = [block for page in pages() for block in blocks(page) if block.language == "promql"]


def _live(demo: Demo) -> str:
    with urllib.request.urlopen(f"http://{demo.address}/metrics") as answer:
        text: str = answer.read().decode()
        return text


def _all_days(demo: Demo) -> bool:
    """Whether the day history is complete, and what it says about teams is served."""
    text = _live(demo)
    return "gong_activity_history_ratio 1.0\n" in text and "gong_team_drop_evidence{" in text


def test_every_family_served_is_in_the_docs_with_its_type_and_the_reverse(demo: Demo) -> None:
    text = PAGE.read_text(encoding="utf-8")
    documented = {family: kind for family, kind, _, _ in ROW.findall(text)}
    until(lambda: _all_days(demo), "the day history of the demo", 120)
    served = dict(re.findall(r"^# TYPE (\w+) (\w+)$", _live(demo), re.MULTILINE))

    ours = {family: kind for family, kind in served.items() if family.startswith("gong_")}
    assert documented == ours
    assert [family for family in served if f"`{family}`" not in text] == []


def test_every_label_served_is_in_the_docs(demo: Demo) -> None:
    documented = {
        family: set(re.findall(r"`(\w+)`", labels))
        for family, _, labels, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    roster = {"name", "title", "team", "manager", "region", "role"}

    for sample, labels in re.findall(r"^(gong_\w+)\{(.*)\} ", _live(demo), re.MULTILINE):
        family = re.sub(r"_(bucket|sum|count)$", "", sample)
        found = set(re.findall(r'(\w+)="', labels)) - {"le"}
        if family == "gong_user_info":
            found -= roster
        assert found == documented[family], sample


def test_every_counter_is_in_the_docs_once_beside_its_api_field() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| \S.* \|$", text, re.MULTILINE)

    assert sorted(rows) == sorted(zip(METRICS, COUNTERS, strict=True))
    assert all(metric == metric_name(field) for metric, field in rows)


def test_the_codes_that_are_there_from_the_start_are_in_the_docs() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [code for code in KNOWN_CODES if f"`{code}`" not in text] == []


def test_every_reason_is_in_the_troubleshooting() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")

    assert [reason for reason in REASONS if f"| `{reason}` |" not in text] == []


@pytest.mark.server("prometheus")
@pytest.mark.parametrize("block", QUERIES, ids=lambda block: f"{block.page}:{block.line}")
def test_a_query_of_the_docs_is_answered_by_prometheus(
    block: Block, demo_prometheus: Prometheus
) -> None:
    demo_prometheus.query(block.text)  # an error of Prometheus's is raised

    for selector in _selectors(block.text) if block.page in OF_A_DEMO else ():
        # What the day history says is there a minute after the start.
        until(partial(demo_prometheus.query, selector), f"a series {selector}", 120)


def test_there_are_queries() -> None:
    assert {block.page for block in QUERIES} >= {"README.md", name(PAGE)}


def _selectors(query: str) -> set[str]:
    """Every series that a query reads, without its range."""
    found: set[str] = set()

    def look(node: object) -> None:
        if isinstance(node, VectorSelector):
            matchers = ",".join(str(matcher) for matcher in node.matchers.matchers)
            found.add(f"{node.name or ''}{{{matchers}}}")
            return
        for part in ("lhs", "rhs", "expr", "vector_selector", "param", "args"):
            inner = getattr(node, part, None)
            for each in inner if isinstance(inner, list) else [inner]:
                if each is not None:
                    look(each)

    look(parse(query))
    return found
