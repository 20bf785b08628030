"""Every query of every panel and variable is PromQL, and a real Prometheus answers it with data."""

from __future__ import annotations

import math
import re

import promql_parser
import pytest

from tests.dashboards.conftest import BARE, DEMO, REPLICAS, Past
from tests.dashboards.pages import UIDS, Target, dashboard, span, targets

pytestmark = pytest.mark.server("prometheus", "promtool")

EVERY_TARGET = [(uid, target) for uid in UIDS for target in targets(dashboard(uid))]
NAMES = [f"{uid}: {target.panel} {target.ref}" for uid, target in EVERY_TARGET]


@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("job", [DEMO, REPLICAS, BARE])
def test_every_variable_has_values(past: Past, uid: str, job: str) -> None:
    variables = past.variables(uid, job=job)
    empty = {name for name, options in variables.options.items() if not options}
    empty -= {"listed", "away"}  # people, of whom there may be none
    assert empty == ({"manager", "region", "role"} & empty if job == BARE else set())


LEFT_OVER = re.compile(r"\$[a-zA-Z_{]")
"""A variable that was not replaced; ``$1`` is PromQL's own."""


LONG_AGO = {"B", "C"}
"""A quarter and a year before, which this past does not reach."""


def slump(past: Past) -> str:
    """Who is in a slump: a person with much to compare."""
    return past.demo.events[0].user_ids[0]


@pytest.mark.parametrize(("uid", "target"), EVERY_TARGET, ids=NAMES)
def test_the_query_is_promql_and_has_data(past: Past, uid: str, target: Target) -> None:
    variables = past.variables(uid, job=DEMO, user=slump(past))
    length = span(dashboard(uid))
    expr, _ = target.put(variables, length)
    promql_parser.parse(expr)
    assert not LEFT_OVER.search(expr), expr
    values = target.values(past.prometheus, variables, length)
    long_ago = target.panel.startswith("Whole weeks") and target.ref in LONG_AGO
    assert any(not math.isnan(value) for value in values) != long_ago, expr


@pytest.mark.parametrize(("uid", "target"), EVERY_TARGET, ids=NAMES)
@pytest.mark.parametrize("job", [REPLICAS, BARE])
def test_the_query_survives_replicas_and_no_roster(
    past: Past, uid: str, target: Target, job: str
) -> None:
    variables = past.variables(uid, job=job)
    target.values(past.prometheus, variables, span(dashboard(uid)))
