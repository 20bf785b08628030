"""What reviewers look for in the queries of dashboards, checked over the committed JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser
import pytest

from gong_exporter.exposition.names import FAMILIES
from tests.dashboards.pages import UIDS, Target, dashboard, targets
from tools.dashboards.promql import JOB, WINDOW_END, last_scrape
from tools.dashboards.week_promql import HISTORY

ABOUT_ACTIVITY = UIDS[:3]
SCRAPED = {"up", "scrape_duration_seconds", "process_resident_memory_bytes"}
SCRAPED |= {"process_start_time_seconds", "ALERTS"}
COUNTERS = {family.name for family in FAMILIES if family.kind == "counter"}
HISTOGRAMS = {family.name for family in FAMILIES if family.kind == "histogram"}
LONG_RANGE = re.compile(
    r"max by \(job, user(?:, metric)?\)"
    r" \(last_over_time\(gong_user_activity\{[^}]*\}\[26h(?::15m)?\](?: @ end\(\))?"
    r"(?: offset -?\d+h)?\)\)"
)
AFTER_SELECTOR = re.compile(r"(\w+)\{[^{}]*\}(\)?(?: @ \$as_of|\[[^\]]*\](?: @ \$as_of)?)?)")
BEFORE_AN_OUTAGE = {" @ $as_of", "[26h] @ $as_of", "[7d]"}
"""How instant queries read: the last moment with data, that day, or the end of a week's outage."""
LAST_SCRAPE = re.compile(
    "|".join(re.escape(last_scrape(f"{e}{{{JOB}}}")) for e in (WINDOW_END, HISTORY))
)

EVERY_TARGET = [(uid, target) for uid in UIDS for target in targets(dashboard(uid))]
TARGETS = pytest.mark.parametrize(
    ("uid", "target"),
    EVERY_TARGET,
    ids=[f"{uid}: {target.panel} {target.ref}" for uid, target in EVERY_TARGET],
)


def nodes(expr: object) -> Iterator[object]:
    """An expression and everything in it."""
    yield expr
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        inner = getattr(expr, name, None)
        if inner is not None and not isinstance(inner, str):
            yield from nodes(inner)
    for argument in getattr(expr, "args", None) or ():
        yield from nodes(argument)


def parsed(target: Target) -> promql_parser.Expr:
    """A query with durations in the place of Grafana's, and its variables as they are."""
    text = re.sub(r"\$__(rate_)?interval", "1h", target.expr).replace("$as_of", "1")
    return promql_parser.parse(text)


def selectors(target: Target) -> list[promql_parser.VectorSelector]:
    """Everything that a query reads."""
    return [n for n in nodes(parsed(target)) if isinstance(n, promql_parser.VectorSelector)]


def plain_name(name: str) -> str:
    """The family of a histogram's series."""
    return re.sub(r"_(bucket|sum|count)$", "", name) if name not in COUNTERS else name


@TARGETS
def test_a_query_names_families_that_exist(uid: str, target: Target) -> None:
    known = {family.name for family in FAMILIES} | SCRAPED
    found = {plain_name(each.name or "") for each in selectors(target)}
    assert found
    assert found <= known


@TARGETS
def test_a_query_selects_the_job(uid: str, target: Target) -> None:
    for each in selectors(target):
        matchers = {(m.name, m.value) for m in each.matchers.matchers}
        assert ("job", "$job") in matchers
        assert (("instance", "$instance") in matchers) == (uid == "gong-exporter")


@TARGETS
def test_counters_are_in_rates_over_grafanas_interval_and_nothing_else_is(
    uid: str, target: Target
) -> None:
    rated = set()
    for node in nodes(parsed(target)):
        if isinstance(node, promql_parser.Call) and node.func.name in {"rate", "increase"}:
            (matrix,) = node.args
            rated.add(matrix.vector_selector.name)
    named = {each.name or "" for each in selectors(target)}
    assert {name for name in named if name in COUNTERS or plain_name(name) in HISTOGRAMS} == rated
    for window in re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]*)\]", target.expr):
        assert window == "$__rate_interval"


@TARGETS
def test_instant_queries_show_what_was_there_before_an_outage(uid: str, target: Target) -> None:
    if target.panel == "In a sentence":  # which says what is not there now
        return
    expr = LAST_SCRAPE.sub("", target.expr)
    found = AFTER_SELECTOR.findall(expr) if target.instant else ()
    if uid == "gong-exporter":  # of each process, its present value or its last one
        assert {n for n, _ in found} - {"up"} == {n for n, after in found if after == "[7d]"}
    else:
        assert all(name == "ALERTS" or after in BEFORE_AN_OUTAGE for name, after in found)


@TARGETS
def test_long_ranges_look_back_a_day(uid: str, target: Target) -> None:
    del uid
    if not target.instant:
        found = len(LONG_RANGE.findall(target.expr))
        assert found == target.expr.count("gong_user_activity{")


@TARGETS
def test_replicas_and_addresses_are_aggregated_away(uid: str, target: Target) -> None:
    if uid not in ABOUT_ACTIVITY:
        return
    counted = re.findall(r"max by \(job, user(?:, metric)?(?:, window)?\) \((\w+)", target.expr)
    assert sum(name in {"gong_user_activity", "last_over_time"} for name in counted) == (
        target.expr.count("gong_user_activity{")
    )
    assert "email" not in target.expr.replace("max by (job, user, email, name", "").replace(
        '"$1", "email", "(.+)")', ""
    )


@TARGETS
def test_every_join_goes_through_one_series_per_user(uid: str, target: Target) -> None:
    for joined in re.findall(r"group_left \([^)]+\)\s*(.*?)gong_user_info", target.expr, re.DOTALL):
        assert "topk by (job, user) (1, max by (job, user" in joined


@TARGETS
def test_people_are_listed_a_few_at_a_time(uid: str, target: Target) -> None:
    expr = parsed(target)
    labels = outer_labels(expr)
    if uid != "gong-user" and "user" in labels:
        assert re.search(r"(top|bottom)k\(\d+, |user=~\"\$(listed|away)\"", target.expr)


def outer_labels(expr: object) -> set[str]:
    """Labels that tell people apart in the answer, as far as the outermost aggregation says."""
    if isinstance(expr, promql_parser.AggregateExpr) and str(expr.op) not in {"topk", "bottomk"}:
        return set(expr.modifier.labels) if expr.modifier else set()
    for name in ("lhs", "expr"):
        inner = getattr(expr, name, None)
        if inner is not None:
            return outer_labels(inner)
    for argument in getattr(expr, "args", None) or ():
        if found := outer_labels(argument):
            return found
    return set()
