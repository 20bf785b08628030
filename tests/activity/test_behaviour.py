"""docs/behaviour.md, row by row: every fault of the simulator, what is published and counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.listing import MAX_STARTS
from gong_exporter.activity.poll import poll
from gong_exporter.activity.snapshot import MAX_EXTRA_COUNTERS, WindowData
from gong_exporter.gong.client import FIRST_WAIT, RATE_LIMITED_REST, UNSPECIFIED_WAIT, RetryPolicy
from gong_exporter.gong.limits import MAX_WAIT
from gong_exporter.gong.records import COUNTERS, Exchange
from gong_exporter.gong.response_head import MAX_RETRY_AFTER
from gong_exporter.gong.transport import MAX_BODY
from gong_exporter.simulator.api.faults import FAULTS, Stage
from tests.activity.rig import client_of, plan_of, truth
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.ledgers import SilentObserver
from tests.support.logs import no_log
from tests.support.simulator import running_simulator

PAGE = (Path(__file__).parents[2] / "docs" / "behaviour.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[a-z0-9-]+`(?:, `[a-z0-9-]+`)*) \| (\w+) \| (-|`\w+`) \|", re.MULTILINE)

SAYS = {
    name: (published, counted.strip("`"))
    for names, published, counted in ROW.findall(PAGE)
    for name in re.findall(r"`([a-z0-9-]+)`", names)
}
"""What the page says of each fault: published, and the reason that is counted."""

COMPANY = FixtureCompany(150)
START, END = date(2026, 3, 4), date(2026, 3, 11)


@dataclass
class Reasons(SilentObserver):
    """Counts as metrics do."""

    seen: set[str] = field(default_factory=set)

    def exchanged(self, exchange: Exchange) -> None:
        if exchange.reason:
            self.seen.add(exchange.reason)


def published(window: WindowData | None) -> str:
    """In the words of the page."""
    if window is None:
        return "kept"
    if not window.users:
        return "empty"
    expected = truth(COMPANY, START, END)
    shown = {name: values[: len(COUNTERS)] for name, values in window.users.items()}
    if shown == expected:
        return "true"
    assert shown.keys() == expected.keys()
    for name, values in shown.items():
        pairs = zip(values, expected[name], strict=True)
        assert all(value in {None, right} for value, right in pairs), name
    return "partly"


def test_the_page_has_a_row_for_every_fault() -> None:
    assert set(SAYS) == {kind.name for kind in FAULTS}


@pytest.mark.parametrize("name", [kind.name for kind in FAULTS])
def test_a_fault_does_what_the_page_says(name: str) -> None:
    clock, reasons = FakeClock(), Reasons()
    slow = SAYS[name][1] == "timeout"
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(name)
        plan = plan_of("7d", host=simulator.url)
        known = CompanyState(host=plan.host, time_zone="US/Pacific")
        client = client_of(
            simulator,
            clock,
            observer=reasons,
            timeout=0.3 if slow else 5.0,
            retry=RetryPolicy(attempts=2) if slow else None,
        )
        result = poll(client, plan, known, clock, no_log())
    window = next(iter(result.windows), None)
    assert (published(window), reasons.seen or {"-"}) == (SAYS[name][0], {SAYS[name][1]})
    assert bool(result.failures) == (window is None)


@pytest.mark.parametrize("name", [kind.name for kind in FAULTS if kind.stage is not Stage.READING])
def test_a_fault_now_and_then_never_publishes_anything_else(name: str) -> None:
    """Half of the answers: what a retry or a new start repairs is true, the rest is kept."""
    slow = SAYS[name][1] == "timeout"
    clock, told = FakeClock(), set()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(f"{name}:0.5")
        plan = plan_of("7d", host=simulator.url)
        known = CompanyState(host=plan.host, time_zone="US/Pacific")
        client = client_of(simulator, clock, timeout=0.1 if slow else 5.0)
        for _ in range(3):
            result = poll(client, plan, known, clock, no_log())
            clock.advance(7300)
            told.add(published(next(iter(result.windows), None)))
    allowed = {"kept", "true", SAYS[name][0]}
    assert told <= allowed


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    policy = RetryPolicy()
    assert f"| {policy.attempts} exchanges for a page; between them up to 1, 2 and 4 s" in PAGE
    assert (FIRST_WAIT, policy.attempts) == (1, 4)
    assert f"`Retry-After` of up to {MAX_WAIT:.0f} s" in PAGE
    assert f"more than {MAX_RETRY_AFTER / 86_400:.0f} days away | 5, 10, 20, 40, then 60 s" in PAGE
    assert (UNSPECIFIED_WAIT, policy.rate_limited) == (5, 5)
    assert "a sixth 429 to one page" in PAGE
    assert f"the next one runs in {RATE_LIMITED_REST / 60:.0f} minutes" in PAGE
    assert f"from the first page, {MAX_STARTS} starts in all" in PAGE
    assert f"at most {MAX_BODY // 2**20} MiB of an unpacked body" in PAGE
    assert f"exported, up to {MAX_EXTRA_COUNTERS} a window" in PAGE
