"""The forecast of a day's calls, against the calls that a simulated Gong counts in real days."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import Bench, bench
from tests.support.companies import FixtureCompany, user_id

DAY = 86_400.0
COMPANY = FixtureCompany(263)
EVERYBODY = 3
"""Pages of 100 when everybody is listed."""

LIST = [user_id(number) for number in range(10)]
STRANGERS = ["555000", "nobody@acme.example"]
WINDOWS = 3
CRON = "30 */3 * * *"
"""Eight times a day, and never when the poll after midnight is due: that one comes on top."""

POLLS = 9


def asking(users: list[str] | None, **gong: Any) -> dict[str, Any]:
    """The sections of a configuration."""
    listed = {} if users is None else {"activity": {"users": users}}
    return {"gong": gong, "poll": {"cron": CRON}, **listed}


def calls(loop: Bench, seconds: float = 0.0) -> int:
    """Those of the next seconds, by the simulator's journal."""
    loop.simulator.journal.clear()
    loop.run()
    loop.sleep(seconds)
    return len(loop.asked())


@pytest.mark.parametrize(
    ("users", "per_poll", "search"),
    [(None, EVERYBODY * WINDOWS, 0), (LIST, WINDOWS, 0), (LIST + STRANGERS, WINDOWS, EVERYBODY)],
    ids=["all", "listed", "listed and unknown"],
)
def test_a_day_takes_the_calls_of_the_forecast(
    users: list[str] | None, per_poll: int, search: int, tmp_path: Path
) -> None:
    with bench(tmp_path, COMPANY, sections=asking(users)) as loop:
        calls(loop, DAY)
        for _ in range(2):
            cost = loop.runner.poll_state.budget
            assert (cost.calls_per_poll, cost.search_calls) == (per_poll, search)
            assert cost.calls_per_day == POLLS * per_poll + search
            # The search takes the place of the longest window's usual call.
            assert calls(loop, DAY) == cost.calls_per_day - bool(search)


@pytest.mark.parametrize(
    ("users", "first"), [(None, 9), (LIST, 5), (LIST + STRANGERS, 5)], ids=["all", "list", "more"]
)
def test_learning_the_time_zone_takes_one_call_once(
    users: list[str] | None, first: int, tmp_path: Path
) -> None:
    zone = COMPANY.time_zone.key
    with bench(tmp_path, COMPANY, sections=asking(users, time_zone=zone)) as told:
        assert calls(told) == first  # of a list, everybody once and two windows
        second = calls(told, 3 * 3600.0)
    (tmp_path / "learning").mkdir()
    with bench(tmp_path / "learning", COMPANY, sections=asking(users)) as learning:
        assert calls(learning) == first + 1
        assert calls(learning, 3 * 3600.0) == second


def test_a_404_adds_itself_and_a_listing_per_window_and_day_to_the_forecast(
    tmp_path: Path,
) -> None:
    gone = "555000"
    with bench(tmp_path, COMPANY, sections=asking([*LIST, gone])) as loop:
        loop.simulator.set_faults("unknown-id-fails")
        before = replace(loop.runner.company_state, known_users={gone: "gone@acme.example"})
        loop.state.save(before, [])
        loop.runner.restore()
        calls(loop, DAY)
        for _ in range(2):
            cost = loop.runner.poll_state.budget
            assert (cost.calls_per_poll, cost.search_calls) == (WINDOWS, 0)
            beyond = calls(loop, DAY) - cost.calls_per_day
            # Less the call that the window would have had.
            assert beyond == WINDOWS * (1 + EVERYBODY - 1)
