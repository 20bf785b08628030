"""Several companies in docs/operations.md: one Prometheus, remote write, queries across them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.conftest import Demo, running_demo
from tests.docs.pages import ROOT, Block, blocks, name, pages
from tests.support.servers import Prometheus, prometheus, promtool, scrape_config, until
from tests.support.victoria import victoria_metrics

PAGE = ROOT / "docs" / "operations.md"
QUERIES = [
    block for block in blocks(PAGE) if block.language == "promql" and "company" in block.text
]

SECTIONS = {"scrape_configs", "remote_write", "global", "rule_files"}
"""By which Prometheus's configurations are known."""

pytestmark = [pytest.mark.server("prometheus"), pytest.mark.server("victoria-metrics")]


@dataclass(frozen=True, slots=True)
class Engines:
    """Two companies' series in both.

    Attributes:
        prometheus: scrapes.
        victoria: is written to.
    """

    prometheus: Prometheus
    victoria: Prometheus


def _configs(key: str) -> list[Any]:
    """The documented configurations of Prometheus that have this section."""
    found = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]
    return [config for config in found if key in config]


def _direct(config: Any, engine: Prometheus) -> None:
    """Write to that engine, and without waiting for more to write."""
    (remote,) = config["remote_write"]
    remote["url"] = remote["url"].replace("http://victoria-metrics:8428", engine.url)
    remote["queue_config"] = {"batch_send_deadline": "100ms"}


@pytest.fixture(scope="module")
def engines(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """As the page has it, but for names of hosts and the scrape interval."""
    with ExitStack() as stack:
        other = stack.enter_context(
            running_demo(
                tmp_path_factory.mktemp("globex"),
                "--users=30",
                "--seed=7",
                "--time-zone=Asia/Tokyo",
            )
        )
        victoria = stack.enter_context(victoria_metrics(tmp_path_factory.mktemp("victoria")))
        scraping, writing = _configs("scrape_configs")[0], _configs("remote_write")[0]
        for job, company in zip(scraping["scrape_configs"], (demo, other), strict=True):
            job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
            job["static_configs"][0]["targets"] = [company.address]
        _direct(writing, victoria)
        server = stack.enter_context(
            prometheus(tmp_path_factory.mktemp("central"), scraping | writing)
        )
        server.await_scrape()
        until(lambda: len(victoria.query("gong_up")) == 2, "both companies arrive")
        yield Engines(server, victoria)


@pytest.mark.parametrize("block", QUERIES, ids=lambda block: f"line {block.line}")
def test_a_query_across_companies_has_one_answer_in_both_engines(
    block: Block, engines: Engines
) -> None:
    text = block.text.replace("== 0", "== 1")  # no poll failed here: ask for those that did not

    here = _answer(engines.prometheus, text)

    assert {dict(labels)["company"] for labels in here} == {"acme", "globex"}
    until(
        lambda: _answer(engines.victoria, text).keys() == here.keys(), "the other has them as well"
    )
    for labels, value in _answer(engines.victoria, text).items():
        assert math.isclose(value, here[labels], rel_tol=1e-9)


def test_every_series_of_both_companies_is_written_on(engines: Engines) -> None:
    counted = "count by (company) (gong_user_activity)"
    here = _answer(engines.prometheus, counted)

    assert min(here.values()) > 1000
    until(lambda: _answer(engines.victoria, counted) == here, "all of them arrive")


def test_an_external_label_reaches_the_other_engine_with_every_series(
    engines: Engines, demo: Demo, tmp_path: Path
) -> None:
    (labelled,) = (config for config in _configs("remote_write") if "global" in config)
    _direct(labelled, engines.victoria)
    labelled["global"]["external_labels"] = {"company": "initech"}
    config = scrape_config(demo.address)
    config["global"] |= labelled["global"]
    counted = 'count(gong_user_activity{company="initech"})'

    with prometheus(tmp_path, config | {"remote_write": labelled["remote_write"]}) as server:
        server.await_scrape()
        ((_, here),) = server.query("count(gong_user_activity)")

        until(lambda: engines.victoria.query(counted) == [({}, here)], "all of them arrive")


@pytest.mark.parametrize("page", pages(), ids=name)
def test_promtool_takes_every_prometheus_configuration_of_the_docs(
    page: Path, tmp_path: Path
) -> None:
    for number, block in enumerate(blocks(page)):
        config = yaml.safe_load(block.text) if block.language == "yaml" else None
        if not isinstance(config, dict) or config.keys().isdisjoint(SECTIONS):
            continue
        path = tmp_path / f"{number}.yml"
        path.write_text(block.text, encoding="utf-8")
        done = promtool("check", "config", "--syntax-only", str(path))

        assert done.returncode == 0, f"{block.page}:{block.line}: {done.stdout!r} {done.stderr!r}"


def _answer(engine: Prometheus, query: str) -> dict[tuple[tuple[str, str], ...], float]:
    """By its labels; without the company that only one test knows."""
    return {
        tuple(sorted(labels.items())): value
        for labels, value in engine.query(query)
        if labels.get("company") != "initech"
    }
