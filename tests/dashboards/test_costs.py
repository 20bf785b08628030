"""No query reads more samples than Prometheus reads in two seconds, in a company of 2,000 people.

Nothing is timed here. The number of samples follows from the selectors, because Prometheus unpacks
every sample between the first and the last moment that a selector needs. The query API's
``totalQueryableSamples`` counts only the samples that a query uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import promql_parser
import pytest

from tests.dashboards.conftest import DEMO, NOW, Past
from tests.dashboards.pages import UIDS, dashboard, panels, span, targets
from tests.support.dashboard_variables import seconds
from tools.dashboards.week_promql import PEOPLE as LISTED

pytestmark = pytest.mark.server("prometheus", "promtool")

PEOPLE = 2000
DAY, EMPTY = timedelta(days=1), timedelta(0)
SCRAPES = 24 * 60
"""A day, as in prometheus.example.yml."""

QUARTER = timedelta(days=91)
"""The longest range that is chosen. It is an absolute one, in which Grafana does not mind a panel's
own range."""

BOUND = 55_000_000
"""Samples: 2 s at 36 ns, which Prometheus 2.42 took for each sample of ``Trend``."""

CASES = [
    (uid, target.panel, target.ref, chosen)
    for uid in UIDS
    for target in targets(dashboard(uid))
    for chosen in ("default", "quarter")
    if chosen == "default" or not target.instant
]


def selectors(
    node: object, length: timedelta, before: timedelta = EMPTY
) -> Iterator[tuple[promql_parser.VectorSelector, timedelta]]:
    """Each selector of an expression with the time that it reads.

    Args:
        node: the expression.
        length: from the first step to the last; none inside of ``@``.
        before: what outer subqueries add.
    """
    match node:
        case promql_parser.VectorSelector():
            yield node, before + (EMPTY if node.at else length)
        case promql_parser.MatrixSelector():
            yield from selectors(node.vector_selector, length, before + (node.range or EMPTY))
        case promql_parser.SubqueryExpr():
            fixed = EMPTY if node.at else length
            yield from selectors(node.expr, fixed, before + (node.range or EMPTY))
        case _:
            inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
            for each in (*inner, *(getattr(node, "args", None) or ())):
                if each is not None and not isinstance(each, str):
                    yield from selectors(each, length, before)


def series(past: Past, selector: promql_parser.VectorSelector) -> float:
    """How many series a selector has in a company of PEOPLE."""
    number = count(past, str(selector).partition("}")[0] + "}")
    matchers = {matcher.name: matcher for matcher in selector.matchers.matchers}
    if "user" not in matchers:
        grows = (selector.name or "").startswith(("gong_user_", "gong_team_"))
        known = count(past, f'gong_user_info{{job="{DEMO}"}}')
        return number * (PEOPLE / known if grows else 1)
    if matchers["user"].op == promql_parser.MatchOp.Equal:
        return number
    return number * LISTED / len(matchers["user"].value.split("|"))


def count(past: Past, selector: str) -> float:
    """How many series a selector had in the last two days."""
    answer = past.prometheus.query(f"count(last_over_time({selector}[2d]))", NOW.timestamp())
    return answer[0][1] if answer else 0.0


def samples(past: Past, expr: str, length: timedelta) -> float:
    """How many samples a query reads."""
    return sum(
        series(past, selector) * max(1, SCRAPES * (time / DAY))
        for selector, time in selectors(promql_parser.parse(expr), length)
    )


@pytest.mark.parametrize(("uid", "title", "ref", "chosen"), CASES)
def test_a_query_reads_what_prometheus_reads_in_two_seconds(
    past: Past, uid: str, title: str, ref: str, chosen: str
) -> None:
    page = dashboard(uid)
    (panel,) = (each for each in panels(page) if each["title"] == title)
    (target,) = (each for each in targets(page) if (each.panel, each.ref) == (title, ref))
    own = timedelta(seconds=seconds(panel.get("timeFrom") or f"{span(page)}s"))
    length = own if chosen == "default" else QUARTER
    variables = past.variables(uid, job=DEMO)
    expr, _ = target.put(variables, int(length.total_seconds()))
    length = EMPTY if target.instant else length
    assert samples(past, expr, length) <= BOUND


@pytest.mark.parametrize("uid", UIDS)
def test_variables_read_what_prometheus_reads_in_two_seconds(past: Past, uid: str) -> None:
    variables = past.variables(uid, job=DEMO)
    for model in variables.models:
        query = model["query"]["query"] if model["type"] == "query" else ""
        if query.startswith("query_result("):
            expr = variables.put_into(query.removeprefix("query_result(").removesuffix(")"))
            assert samples(past, expr, EMPTY) <= BOUND, model["name"]


def test_samples_are_those_between_the_first_and_the_last_step(past: Past) -> None:
    people = 'gong_user_activity{job="demo", metric="calls_as_host", window="7d"}'
    days = {
        people: 7,
        f"sum(last_over_time({people}[1d] offset -36h))": 8,
        f"last_over_time({people}[1d] @ end() offset 36h)": 1,
        f"max_over_time(({people})[2d:1h] @ 5)": 2,
        f"{people} and on (user) max_over_time({people}[1d])": 15,
    }
    for expr, expected in days.items():
        assert samples(past, expr, timedelta(days=7)) == PEOPLE * SCRAPES * expected, expr
    assert samples(past, f"{people} @ 5", timedelta(days=7)) == PEOPLE
